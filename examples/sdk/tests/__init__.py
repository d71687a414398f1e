"""The tests: unit and integration, and what they share."""

"""Diagnostics as text for people, as JSON and SARIF for programs, and as annotations for a forge."""

"""What is wrong with a user's text: where, what, why, and a hint."""

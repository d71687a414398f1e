"""Signed tokens: made here and checked here, and nowhere else."""

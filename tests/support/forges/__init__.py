"""Forges that tests talk to: they take what the forges' own published descriptions allow, and nothing else."""

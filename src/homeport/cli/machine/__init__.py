"""What this machine can run, and what the jobs of a repository need of it: the knowledge of `homeport doctor`."""

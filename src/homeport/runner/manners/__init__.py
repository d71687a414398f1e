"""What steps written for GitHub's hosted images take for granted, on a machine that is none: programs, variables, the tool cache."""

"""One module at a time, with its collaborators replaced."""

"""The actions that Homeport carries itself, a file each, in place of published ones that most jobs use."""

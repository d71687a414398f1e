"""Homeport: GitHub Actions workflows, run on your own machines."""

__version__ = "0.1.0"

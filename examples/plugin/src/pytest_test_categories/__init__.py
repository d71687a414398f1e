"""Gives every test a size, holds it to the size's time limit, and reports the mix."""

"""`python -m homeport` is `homeport`."""

from homeport.cli.main import entry_point

if __name__ == "__main__":
    entry_point()

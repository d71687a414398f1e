"""``python -m villa_backend_sdk`` is the ``villa`` command."""

from villa_backend_sdk.cli import entry_point

if __name__ == "__main__":
    entry_point()

"""Which Pythons are here for tests that need several."""

import os

import pytest

from homeport.runner.actions.native.setup_python.discovery import find_interpreters


def require_pythons(*versions: str) -> None:
    """Skip the calling test, with the reason, where `setup-python` would not find one of these (`3.12`)."""
    found = {
        f"{interpreter.version.major}.{interpreter.version.minor}" for interpreter in find_interpreters(os.environ)
    }
    missing = [version for version in versions if version not in found]
    if missing:
        pytest.skip(
            f"Python {', '.join(missing)} is not on this machine: install it with pyenv, uv or the system's packages"
        )

"""The uv of this machine, for tests that need a real one."""

import os
import shutil
from pathlib import Path

import pytest

from homeport.runner.actions.native.setup_python.discovery import find_interpreters


def require_uv() -> Path:
    """The executable; skips the calling test, with the reason, where there is none."""
    folders = [folder for folder in os.environ.get("PATH", "").split(":") if not folder.endswith("/shims")]
    beside = [os.path.join(each.prefix, "bin") for each in find_interpreters(os.environ)]
    found = shutil.which("uv", path=":".join([*folders, *beside, os.path.expanduser("~/.local/bin")]))
    if found is None:
        pytest.skip("there is no uv on this machine: install it (pip install uv, or as its documentation says)")
    return Path(os.path.realpath(found))

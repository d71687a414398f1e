"""The uv of this machine, for tests that need a real one."""

import os
import shutil
from pathlib import Path

from homeport.runner.actions.native.setup_python.discovery import find_interpreters
from tests.support.parts import bring_uv


def require_uv() -> Path:
    """The executable: the machine's, else one from the package index; skips the calling test, with the reason, where neither can be had."""
    folders = [folder for folder in os.environ.get("PATH", "").split(":") if not folder.endswith("/shims")]
    beside = [os.path.join(each.prefix, "bin") for each in find_interpreters(os.environ)]
    found = shutil.which("uv", path=":".join([*folders, *beside, os.path.expanduser("~/.local/bin")]))
    if found is None:
        return bring_uv()
    return Path(os.path.realpath(found))

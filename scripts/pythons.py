"""Makes sure that `setup-python` finds these Pythons here: `scripts/pythons.py 3.10 3.12`. Those that are missing come with uv."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from homeport.runner.actions.native.setup_python.discovery import find_interpreters


def list_missing(versions: Sequence[str]) -> list[str]:
    """The versions that `setup-python` would not find here."""
    found = {
        f"{interpreter.version.major}.{interpreter.version.minor}" for interpreter in find_interpreters(os.environ)
    }
    return [version for version in versions if version not in found]


def install(versions: Sequence[str]) -> None:
    """Ask uv for them; uv itself comes from the package index where it is not here. Failures show at the next look."""
    uv = shutil.which("uv")
    if uv is None:
        subprocess.run([sys.executable, "-m", "pip", "install", "-q", "uv"], check=False, capture_output=True)
        uv = shutil.which("uv", path=str(Path(sys.executable).parent))
    if uv is not None:
        print(f"homeport: installing Python {', '.join(versions)} ...", file=sys.stderr)
        subprocess.run([uv, "python", "install", "-q", *versions], check=False, capture_output=True, timeout=600)


def ensure(versions: Sequence[str]) -> list[str]:
    """Those that are not here in spite of all."""
    missing = list_missing(versions)
    if missing:
        install(missing)
        missing = list_missing(missing)
    return missing


def main() -> int:
    """1 where one is missing, which is said in one line."""
    missing = ensure(sys.argv[1:])
    if missing:
        print(
            f"homeport: Python {', '.join(missing)} is not on this machine and could not be installed: install it with "
            "pyenv, uv or your system's packages",
            file=sys.stderr,
        )
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())

"""`make run`: finds (or installs) the Pythons that the SDK example tests on, then runs its pipeline here, to its verdict."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from homeport.runner.actions.native.setup_python.discovery import find_interpreters

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = ROOT / "examples" / "sdk"
VERSIONS = ("3.10", "3.11", "3.12")
"""What `examples/sdk/.github/workflows/ci.yml` asks `setup-python` for."""


def missing_versions() -> list[str]:
    """The versions that `setup-python` would not find here."""
    found = {
        f"{interpreter.version.major}.{interpreter.version.minor}" for interpreter in find_interpreters(os.environ)
    }
    return [version for version in VERSIONS if version not in found]


def install(versions: list[str]) -> None:
    """Ask uv for them; uv itself comes from the package index where it is not here. Failures show at the next look."""
    uv = shutil.which("uv")
    if uv is None:
        subprocess.run([sys.executable, "-m", "pip", "install", "-q", "uv"], check=False, capture_output=True)
        uv = shutil.which("uv", path=str(Path(sys.executable).parent))
    if uv is not None:
        print(f"homeport: installing Python {', '.join(versions)} ...", file=sys.stderr)
        subprocess.run([uv, "python", "install", "-q", *versions], check=False, capture_output=True, timeout=600)


def main() -> int:
    """The pipeline's own exit code, or 1 with one line where a Python is missing."""
    missing = missing_versions()
    if missing:
        install(missing)
        missing = missing_versions()
    if missing:
        print(
            f"homeport: the example needs Python {', '.join(missing)}, which is not on this machine and could not be "
            f"installed: install it with pyenv, uv or your system's packages, then `make run` again",
            file=sys.stderr,
        )
        return 1
    homeport = Path(sys.executable).parent / "homeport"
    return subprocess.run([str(homeport), "run", "ci.yml", *sys.argv[1:]], cwd=EXAMPLE, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())

"""`make run`: finds (or installs) the Pythons that the SDK example tests on, then runs its pipeline here, to its verdict."""

import subprocess
import sys
from pathlib import Path

from pythons import ensure

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = ROOT / "examples" / "sdk"
VERSIONS = ("3.10", "3.11", "3.12")
"""What `examples/sdk/.github/workflows/ci.yml` asks `setup-python` for."""


def main() -> int:
    """The pipeline's own exit code, or 1 with one line where a Python is missing."""
    missing = ensure(VERSIONS)
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

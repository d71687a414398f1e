"""Asks programs of this machine what they are, without a shell and with a limit."""

import re
import subprocess
from collections.abc import Mapping, Sequence

_VERSION = re.compile(r"\d+(?:\.\d+)+(?:[-+~.\w]*)?|\d+")
_SECONDS = 20


def run_quietly(arguments: Sequence[str], environment: Mapping[str, str]) -> tuple[int, str]:
    """The exit code and what was printed; a program that cannot be started or hangs has failed."""
    try:
        done = subprocess.run(
            arguments,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return 124, f"it did not answer within {_SECONDS} seconds"
    except OSError as error:
        return 126, error.strerror or str(error)
    return done.returncode, done.stdout.decode("utf-8", "replace").strip()


def ask_version(program: str, environment: Mapping[str, str], *words: str) -> str:
    """The version that a program names (`--version`, or `words`); empty where it names none."""
    code, text = run_quietly([program, *(words or ("--version",))], environment)
    first = text.splitlines()[0] if text else ""
    found = _VERSION.search(first)
    return found[0] if code == 0 and found is not None else ""

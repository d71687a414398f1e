"""A report of a fault of Homeport's own: complete enough to paste into an issue, without the secrets it was given."""

import os
import platform
import traceback
from collections.abc import Mapping, Sequence

from homeport import __version__
from homeport.cli.dotenv import read_pairs
from homeport.cli.errors import CommandError


def render_fault(error: BaseException, words: Sequence[str], environment: Mapping[str, str]) -> str:
    """The report: what was called, with which versions, and where it broke. Values of secrets are replaced by `***`."""
    trace = "".join(traceback.format_exception(error))
    report = (
        "homeport: this is a fault of Homeport's own, not of your workflow. Please report what follows.\n"
        "--- 8< ---\n"
        f"homeport {__version__}, Python {platform.python_version()}, {platform.platform()}\n"
        f"command: homeport {' '.join(words)}\n"
        f"{trace}--- 8< ---\n"
    )
    for secret in sorted(_secret_values(words, environment), key=len, reverse=True):
        report = report.replace(secret, "***")
    return report.replace(os.path.expanduser("~") + "/", "~/") if os.path.expanduser("~") != "/" else report


def _secret_values(words: Sequence[str], environment: Mapping[str, str]) -> set[str]:
    """What `--secret`, `--secret-file` gave, as far as it can still be read."""
    values: set[str] = set()
    for option, given in _given(words):
        if option == "--secret":
            name, equals, value = given.partition("=")
            values.add(value if equals else environment.get(name, ""))
        elif option == "--secret-file":
            values.update(_file_values(given))
    return {value for value in values if value}


def _given(words: Sequence[str]) -> list[tuple[str, str]]:
    pairs = []
    for number, word in enumerate(words):
        option, equals, value = word.partition("=")
        if equals:
            pairs.append((option, value))
        elif number + 1 < len(words):
            pairs.append((word, words[number + 1]))
    return pairs


def _file_values(path: str) -> set[str]:
    try:
        return {line for value in read_pairs(path).values() for line in (value, *value.splitlines())}
    except CommandError:
        return set()

"""Reads the inputs of a native action as the toolkit of the originals reads them (@actions/core: getInput, getBooleanInput, …)."""

import os

from homeport.runner.host import ActionError, ActionHost

_TRUE = frozenset({"true", "True", "TRUE"})
_FALSE = frozenset({"false", "False", "FALSE"})


def get_text(host: ActionHost, name: str, *, required: bool = False) -> str:
    """The input without blanks around it; empty where it is not given."""
    value = host.inputs.get(name.lower(), "").strip()
    if required and not value:
        raise ActionError(f"Input required and not supplied: {name}")
    return value


def get_boolean(host: ActionHost, name: str) -> bool:
    """A strict boolean: what YAML 1.2 calls one; everything else fails the step."""
    value = get_text(host, name)
    if value in _TRUE:
        return True
    if value in _FALSE:
        return False
    raise ActionError(
        f'Input does not meet YAML 1.2 "Core Schema" specification: {name}\n'
        "Support boolean input list: `true | True | TRUE | false | False | FALSE`"
    )


def is_true(host: ActionHost, name: str) -> bool:
    """A lenient boolean: true where the text is `true` in any case."""
    return get_text(host, name).lower() == "true"


def get_lines(host: ActionHost, name: str, *, required: bool = False) -> list[str]:
    """The lines of an input, each without blanks around it, empty ones left out."""
    lines = [line.strip() for line in get_text(host, name, required=required).split("\n")]
    return [line for line in lines if line]


def expand_home(host: ActionHost, text: str) -> str:
    """A leading `~` as the job's home folder."""
    if text == "~" or text.startswith("~/"):
        return host.paths.home + text[1:]
    return text


def resolve_path(host: ActionHost, text: str) -> str:
    """An absolute path, relative ones counted from the workspace."""
    return os.path.normpath(os.path.join(host.paths.workspace, expand_home(host, text)))


def used_major(host: ActionHost) -> int | None:
    """The major version that the workflow names; None for a branch or a commit (which stand for the newest)."""
    return parse_major(str(host.github.get("action_ref") or ""))


def parse_major(ref: str) -> int | None:
    """`v4`, `v4.1.2`, `4`, `releases/v1` → the number; None for what names no version."""
    digits, _, rest = ref.rpartition("/")[2].removeprefix("v").partition(".")
    is_version = digits.isascii() and digits.isdigit() and len(digits) < 4 and not rest.strip("0123456789.")
    return int(digits) if is_version else None

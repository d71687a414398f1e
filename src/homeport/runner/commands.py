"""Reads workflow commands out of lines: `::name key=value,…::data` and the older `##[name key=value;…]data`.

Source: actions/runner `ActionCommand.TryParseV2` and `TryParse`; GitHub docs, "Workflow commands for GitHub Actions".
"""

from collections.abc import Callable, Container

import msgspec

MARK = "::"
OLD_MARK = "##["


class WorkflowCommand(msgspec.Struct, frozen=True):
    """A command as a step printed it, unescaped. `name` is in lower case, and so are the keys of `properties`."""

    name: str
    properties: dict[str, str]
    data: str


def parse_command(line: str, names: Container[str]) -> WorkflowCommand | None:
    """The command that a line holds, or None. `names` are the commands there are, in lower case; others are plain text."""
    return _parse_new(line, names) or _parse_old(line, names)


def _parse_new(line: str, names: Container[str]) -> WorkflowCommand | None:
    text = line.lstrip()
    if not text.startswith(MARK):
        return None
    end = text.find(MARK, len(MARK))
    if end < 0:
        return None
    name, _, written = text[len(MARK) : end].partition(" ")
    name = name.lower()
    if name not in names:
        return None
    return WorkflowCommand(name, _split_properties(written, ",", unescape_property), unescape_data(text[end + 2 :]))


def _parse_old(line: str, names: Container[str]) -> WorkflowCommand | None:
    start = line.find(OLD_MARK)
    end = line.find("]", start) if start >= 0 else -1
    if end < 0:
        return None
    name, _, written = line[start + len(OLD_MARK) : end].partition(" ")
    name = name.lower()
    if name not in names:
        return None
    return WorkflowCommand(name, _split_properties(written, ";", unescape_old), unescape_old(line[end + 1 :]))


def _split_properties(written: str, separator: str, unescape: Callable[[str], str]) -> dict[str, str]:
    """An empty value counts as none."""
    properties: dict[str, str] = {}
    for pair in written.strip().split(separator):
        key, equals, value = pair.partition("=")
        if equals and value:
            properties[key.strip().lower()] = unescape(value)
    return properties


def unescape_data(text: str) -> str:
    """`%25` comes last, so that what was escaped twice is unescaped once."""
    if "%" not in text:
        return text
    return text.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")


def unescape_property(text: str) -> str:
    """As data, and `:` and `,` too."""
    if "%" not in text:
        return text
    return text.replace("%0D", "\r").replace("%0A", "\n").replace("%3A", ":").replace("%2C", ",").replace("%25", "%")


def unescape_old(text: str) -> str:
    """The older form escapes `;` and `]`."""
    if "%" not in text:
        return text
    return text.replace("%3B", ";").replace("%0D", "\r").replace("%0A", "\n").replace("%5D", "]").replace("%25", "%")

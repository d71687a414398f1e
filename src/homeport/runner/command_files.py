"""Reads the files through which a step speaks: `GITHUB_ENV`, `GITHUB_OUTPUT`, `GITHUB_STATE` and `GITHUB_PATH`.

Source: actions/runner `FileCommandManager` (`EnvFileKeyValuePairs`); GitHub docs, "Environment files". The messages are the runner's.
"""

import codecs
from collections.abc import Iterator

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


class CommandFileError(Exception):
    """A command file that cannot be read: the step fails, with this message."""


def decode(content: bytes) -> str:
    """The text of a command file: UTF-8, or what its byte-order mark says; what is not text is replaced."""
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return content[len(mark) :].decode(encoding, "replace")
    return content.decode("utf-8", "replace")


def parse_pairs(text: str) -> Iterator[tuple[str, str]]:
    """The `name=value` and `name<<DELIMITER` entries, in order; those before a mistake are given before `CommandFileError`."""
    position = 0
    while position < len(text):
        line, position = _read_line(text, position)
        if not line:
            continue
        equals = line.find("=")
        heredoc = line.find("<<")
        if equals >= 0 and (heredoc < 0 or equals < heredoc):
            yield _split_pair(line, equals)
        elif heredoc >= 0:
            name, delimiter = line[:heredoc], line[heredoc + 2 :]
            if not name or not delimiter:
                raise CommandFileError(
                    f"Invalid format '{line}'. Name must not be empty and delimiter must not be empty"
                )
            value, position = _read_value(text, position, delimiter)
            yield name, value
        else:
            raise CommandFileError(f"Invalid format '{line}'")


def parse_lines(text: str) -> list[str]:
    """The lines that have something on them, as `GITHUB_PATH` takes them."""
    return [line for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n") if line]


def _split_pair(line: str, equals: int) -> tuple[str, str]:
    if equals == 0:
        raise CommandFileError(f"Invalid format '{line}'. Name must not be empty")
    return line[:equals], line[equals + 1 :]


def _read_line(text: str, position: int) -> tuple[str, int]:
    end = text.find("\n", position)
    return (text[position:], len(text)) if end < 0 else (text[position:end], end + 1)


def _read_value(text: str, start: int, delimiter: str) -> tuple[str, int]:
    """The lines up to the delimiter, and where to go on after it. The last line of the file may lack its line break only if it
    is the delimiter.
    """
    end = position = start
    while True:
        if position >= len(text):
            raise CommandFileError(f"Invalid value. Matching delimiter not found '{delimiter}'")
        line, following = _read_line(text, position)
        if line == delimiter:
            return text[start:end], following
        if following == len(text) and not text.endswith("\n"):
            raise CommandFileError("Invalid value. EOF marker missing new line.")
        end = following - 1
        position = following

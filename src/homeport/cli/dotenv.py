"""Reads `NAME=value` files: what `--secret-file` and `--var-file` take."""

from homeport.cli.errors import UsageError


def read_pairs(path: str) -> dict[str, str]:
    r"""The pairs of a file. Raises `UsageError` with the place where the text is not such a file, or cannot be read.

    One pair a line; `#` begins a comment line; `export ` is ignored; spaces around the name are too. A value in double quotes may
    span lines and knows the escapes \n, \t, \" and \\; one in single quotes may span lines and knows none.
    """
    try:
        with open(path, encoding="utf-8-sig") as file:  # noqa: PTH123 - pathlib is slow to import
            text = file.read()
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8 text (byte {error.start})") from None
    return parse_pairs(text, path)


def parse_pairs(text: str, path: str) -> dict[str, str]:
    """The pairs of a text; `path` is for messages."""
    pairs: dict[str, str] = {}
    lines = text.splitlines()
    number = 0
    while number < len(lines):
        line = lines[number].strip()
        start = number + 1
        number += 1
        if not line or line.startswith("#"):
            continue
        name, equals, value = line.removeprefix("export ").partition("=")
        name, value = name.strip(), value.strip()
        if not equals or not name:
            raise UsageError(f"{path}:{start}: expected NAME=value, found {_shown(line)}")
        if value[:1] in {'"', "'"}:
            value, number = _quoted(value, lines, number, f"{path}:{start}")
        pairs[name] = value
    return pairs


def _quoted(value: str, lines: list[str], number: int, place: str) -> tuple[str, int]:
    quote = value[0]
    value = value[1:]
    while (end := _closing(value, quote)) is None:
        if number >= len(lines):
            raise UsageError(f"{place}: the value has no closing {quote}")
        value += "\n" + lines[number]
        number += 1
    text = value[:end]
    return (_unescape(text) if quote == '"' else text), number


def _closing(value: str, quote: str) -> int | None:
    position = 0
    while position < len(value):
        if value[position] == "\\" and quote == '"':
            position += 1
        elif value[position] == quote:
            return position
        position += 1
    return None


def _unescape(text: str) -> str:
    plain = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\"}
    parts = text.split("\\")
    result = parts[0]
    escaped = iter(parts[1:])
    for part in escaped:
        if part == "":  # two backslashes: the next part follows one of them as it is
            result += "\\" + next(escaped, "")
        else:
            result += plain.get(part[0], "\\" + part[0]) + part[1:]
    return result


def _shown(line: str) -> str:
    """The beginning of a line that may hold a secret: never more than a possible name."""
    return repr(line[:3] + "…") if len(line) > 3 else repr(line)

"""`homeport eval`: evaluates one expression, or many from a file of JSON lines."""

import os.path
import sys
from collections.abc import Iterable
from typing import Any

import msgspec

from homeport.cli.console import Console
from homeport.cli.errors import FAILED, OK, UsageError
from homeport.cli.options import FORMAT, Command, Option, Options
from homeport.language.expr.coercion import format_number, kind_of
from homeport.language.expr.errors import ExpressionError
from homeport.language.expr.evaluator import evaluate
from homeport.language.expr.functions import to_json
from homeport.language.expr.parser import parse_expression
from homeport.language.expr.values import Value, from_json

COMMAND = Command(
    name="eval",
    summary="evaluate an expression as GitHub's runner does",
    arguments="EXPRESSION",
    most=1,
    options=(
        Option(name="--contexts", value="FILE", help="a JSON object: the value of each context that may be named"),
        Option(
            name="--batch", value="FILE", help='evaluate every line {"expr": …, "contexts": {…}} of FILE (- is stdin)'
        ),
        FORMAT,
    ),
    details=(
        "EXPRESSION stands with or without ${{ }}. Put -- before one that begins with a dash.\n\n"
        "  homeport eval \"startsWith(github.ref, 'refs/tags/')\" --contexts contexts.json"
    ),
)

_EXACT_INTEGERS = 1 << 53


def main(options: Options, console: Console) -> int:
    """Print the value (or, of a batch, one JSON row a line). Exit 1 where the one expression fails; a batch always ends well.

    Raises `UsageError` for words that do not fit, and for files that cannot be read.
    """
    contexts, batch = options.find("--contexts"), options.find("--batch")
    if bool(options.arguments) == (batch is not None):
        raise UsageError("give either an EXPRESSION or --batch FILE", "homeport eval --help shows both")
    if batch is None:
        as_json = options.get("--format", "text") == "json"
        return _evaluate_one(options.arguments[0], _read_contexts(contexts, console), console, as_json=as_json)
    if contexts is not None:
        raise UsageError("--contexts goes with an EXPRESSION", "each row of a batch has contexts of its own")
    return _evaluate_batch(batch, console)


# --- one expression --------------------------------------------------------------------------------------------------


def _read_contexts(path: str | None, console: Console) -> dict[str, Value]:
    if path is None:
        return {}
    try:
        with open(os.path.join(console.folder, path), "rb") as file:  # noqa: PTH123 - pathlib costs 8 ms
            contexts = from_json(msgspec.json.decode(file.read()))
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from None
    except (msgspec.DecodeError, RecursionError) as error:
        raise UsageError(f"{path} is not JSON: {error}") from None
    if not isinstance(contexts, dict):
        raise UsageError(f"{path} holds {_describe(contexts)}, expected a JSON object of contexts")
    return contexts


def _evaluate_one(given: str, contexts: dict[str, Value], console: Console, *, as_json: bool) -> int:
    source = _unwrap(given.encode("utf-8", "surrogateescape").decode("utf-8", "replace"))
    try:
        value = _evaluate(source, contexts)
        shown = _render_result(value) if as_json else _render_text(value)
    except ExpressionError as error:
        if as_json:
            console.write(_render_error_row(error, source))
        else:
            console.say_text(_render_error(error, source))
        return FAILED
    console.write(shown)
    return OK


def _unwrap(given: str) -> str:
    """The expression between `${{` and `}}`, where it is given as workflows have it."""
    trimmed = given.strip()
    if trimmed.startswith("${{") and trimmed.endswith("}}") and trimmed.count("${{") == 1:
        return trimmed[3:-2].strip()
    return given


def _evaluate(source: str, contexts: dict[str, Value]) -> Value:
    return evaluate(parse_expression(source, names=contexts.keys()), contexts)


def _render_text(value: Value) -> bytes:
    text = value if isinstance(value, str) else to_json(value)
    return (text + "\n").encode("utf-8", "backslashreplace")


def _render_error(error: ExpressionError, source: str) -> str:
    line, column = _locate(source, error.offset)
    shown = source.split("\n")[line - 1]
    hint = ""
    if error.message.startswith("Unrecognized named-value"):
        hint = (
            'hint: contexts come from --contexts FILE, a JSON object such as {"github": {"ref": "refs/heads/main"}}\n'
        )
    return f"error: {error.message}\n  {shown}\n  {' ' * (column - 1)}^\n{hint}"


# --- many ------------------------------------------------------------------------------------------------------------


def _evaluate_batch(path: str, console: Console) -> int:
    if path == "-":
        _answer_rows(sys.stdin.buffer, console)
        return OK
    try:
        with open(os.path.join(console.folder, path), "rb") as rows:  # noqa: PTH123 - pathlib costs 8 ms
            _answer_rows(rows, console)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from None
    return OK


def _answer_rows(rows: Iterable[bytes], console: Console) -> None:
    """One answer a row, in order and at once, so that a program may ask row by row; blank lines are passed over."""
    for row in rows:
        if row.strip():
            console.write(_answer(row))


def _answer(row: bytes) -> bytes:
    source = ""
    try:
        source, contexts = _read_row(row)
        return _render_result(_evaluate(source, contexts))
    except ExpressionError as error:
        return _render_error_row(error, source)


def _read_row(row: bytes) -> tuple[str, dict[str, Value]]:
    try:
        decoded = from_json(msgspec.json.decode(row))
    except (msgspec.DecodeError, RecursionError) as error:
        raise _unreadable(str(error)) from None
    if not isinstance(decoded, dict):
        raise _unreadable(f"expected an object, found {_describe(decoded)}")
    source, contexts = decoded.get("expr"), decoded.get("contexts", {})
    if not isinstance(source, str):
        raise _unreadable(f"expected a string at expr, found {_describe(source)}")
    if not isinstance(contexts, dict):
        raise _unreadable(f"expected an object at contexts, found {_describe(contexts)}")
    return source, contexts


def _unreadable(problem: str) -> ExpressionError:
    return ExpressionError("parsing", f"The row cannot be read: {problem}", 0)


def _describe(value: Value) -> str:
    kind = kind_of(value)
    return "nothing" if value is None else f"{'an' if kind[0] in 'AO' else 'a'} {kind.lower()}"


# --- rows ------------------------------------------------------------------------------------------------------------


def _render_result(value: Value) -> bytes:
    try:
        return _render_row({"result": {"kind": kind_of(value), "value": _to_plain(value)}})
    except RecursionError:
        raise ExpressionError("evaluation", "The value is nested too deeply to be printed", 0) from None


def _render_error_row(error: ExpressionError, source: str) -> bytes:
    line, column = _locate(source, error.offset)
    return _render_row({"error": {"kind": error.kind, "message": error.message, "line": line, "column": column}})


def _render_row(row: dict[str, Any]) -> bytes:
    return msgspec.json.encode(row) + b"\n"


def _locate(source: str, offset: int) -> tuple[int, int]:
    """The line and the column, both 1-based, of a place in the source."""
    before = source[:offset]
    return before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1


def _to_plain(value: Value) -> Any:
    """A value as JSON can write it: whole numbers without a fraction, NaN and the infinities as strings."""
    if isinstance(value, float):
        if value.is_integer() and abs(value) < _EXACT_INTEGERS:
            return int(value)
        return value if abs(value) < float("inf") else format_number(value)
    if isinstance(value, list):
        return [_to_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _to_plain(item) for key, item in value.items()}
    return value

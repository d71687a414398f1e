"""Values of a matrix that are listed twice, and exclusions that match nothing.

Source: docs "Running variations of jobs in a workflow"; actions/runner `MatrixBuilder` (an exclusion compares each of its leaves,
as `==` does: numbers with their text, and text ignoring case).
"""

from collections.abc import Iterator

from homeport.diagnostics.diagnostic import Diagnostic, Related
from homeport.language.names import quote
from homeport.language.parser.settings import has_expression
from homeport.language.parser.values import fields, literal_entries
from homeport.language.subject import Subject
from homeport.language.tokens import (
    BooleanToken,
    MappingToken,
    NullToken,
    NumberToken,
    SequenceToken,
    StringToken,
    Token,
)

_MOST_VALUES = 256
"""A matrix makes no more jobs than this; in a longer vector no value is looked for."""


def check_matrix_values(subject: Subject) -> Iterator[Diagnostic]:
    """Report such values in the matrix of any job."""
    for job in subject.jobs:
        matrix = None if job.strategy is None else job.strategy.matrix
        if isinstance(matrix, MappingToken):
            vectors = {
                key.value.lower(): value for key, value in literal_entries(matrix) if isinstance(value, SequenceToken)
            }
            for key, value in literal_entries(matrix):
                if key.value not in {"include", "exclude"} and isinstance(value, SequenceToken):
                    yield from _check_repeated(key.value, value)
            exclude = fields(matrix).get("exclude")
            for combination in exclude.items if isinstance(exclude, SequenceToken) else ():
                yield from _check_excluded(combination, vectors)


def _check_repeated(name: str, vector: SequenceToken) -> Iterator[Diagnostic]:
    seen: dict[str, Token] = {}
    for item in vector.items:
        if has_expression(item):
            continue
        text = _render(item)
        if text in seen:
            message = f"the value {quote(text)} is twice in the matrix vector {quote(name)}"
            related = (Related("it is first here", seen[text].span),)
            yield Diagnostic(code="matrix", message=message, span=item.span, related=related, hint="remove one of them")
        seen.setdefault(text, item)


def _check_excluded(combination: Token, vectors: dict[str, SequenceToken]) -> Iterator[Diagnostic]:
    for key, wanted in literal_entries(combination):
        vector = vectors.get(key.value.lower())
        if vector is None or len(vector.items) > _MOST_VALUES or has_expression(wanted) or has_expression(vector):
            continue
        if not any(_matches(wanted, item) for item in vector.items):
            values = ", ".join(_render(item) for item in vector.items)
            message = f"'exclude' matches nothing: {quote(_render(wanted))} is no value of {quote(key.value)}; expected one of {values}"
            yield Diagnostic(code="matrix", message=message, span=wanted.span)


def _matches(wanted: Token, value: Token) -> bool:
    match wanted:
        case MappingToken():
            items = {name.lower(): item for name, item in fields(value).items()}
            pairs = literal_entries(wanted)
            return all(
                (item := items.get(key.value.lower())) is not None and _matches(part, item) for key, part in pairs
            )
        case SequenceToken():
            if not isinstance(value, SequenceToken) or len(value.items) < len(wanted.items):
                return False
            return all(_matches(part, item) for part, item in zip(wanted.items, value.items, strict=False))
        case _:
            return _render(wanted).lower() == _render(value).lower()


def _render(token: Token) -> str:
    match token:
        case StringToken():
            return token.value
        case NumberToken():
            return token.text
        case BooleanToken():
            return "true" if token.value else "false"
        case NullToken():
            return ""
        case SequenceToken():
            return f"[{', '.join(_render(item) for item in token.items)}]"
        case MappingToken():
            return f"{{{', '.join(f'{key.value}: {_render(value)}' for key, value in literal_entries(token))}}}"
        case _:
            return ""

"""The values of a workflow or action file after its grammar was applied, each with its place.

These are the "template tokens" of GitHub's template engine (actions/languageservices `workflow-parser/src/templates/tokens`):
scalars, sequences, mappings, and expressions that are evaluated later, at the stage their key belongs to.
"""

import msgspec

from homeport.diagnostics.span import Span


class NullToken(msgspec.Struct, frozen=True, tag="null"):
    """`null`, `~` or nothing at all."""

    span: Span


class BooleanToken(msgspec.Struct, frozen=True, tag="boolean"):
    """`true` or `false`."""

    value: bool
    span: Span


class NumberToken(msgspec.Struct, frozen=True, tag="number"):
    """A number: `text` is its canonical text (what a string slot shows), not always what was written (`0x10` is `16`)."""

    value: float
    text: str
    span: Span


class StringToken(msgspec.Struct, frozen=True, tag="string"):
    """Text without expressions."""

    value: str
    span: Span
    from_expression: bool = False
    """it was written as a constant, `${{ 'text' }}`"""

    def place(self, offset: int) -> Span:
        """The place of one character; that of the whole text where it is not written just as it reads, on one line."""
        span = self.span
        quotes = span.end_column - span.column - len(self.value)
        if span.line != span.end_line or quotes not in {0, 2} or self.from_expression:
            return span
        column = span.column + quotes // 2 + offset
        return Span(span.file, span.line, column, span.line, column + 1)


class ExpressionToken(msgspec.Struct, frozen=True, tag="expression"):
    """One expression: the text between `${{` and `}}`, or the whole of a bare `if`, trimmed.

    `span` is the place of `source` itself. Where `exact`, the file's text at that place is just `source`, on one line, so that an
    offset in it is a column; else the span only encloses it (text with escapes, several lines, or a folded `if`).
    """

    source: str
    span: Span
    exact: bool = True


class InterpolationToken(msgspec.Struct, frozen=True, tag="interpolation"):
    """Text with expressions in it: always a string when evaluated. GitHub folds the same into `format('…{0}…', …)`."""

    parts: tuple[StringToken | ExpressionToken, ...]
    span: Span


class SequenceToken(msgspec.Struct, frozen=True, tag="sequence"):
    """A list."""

    items: "tuple[Token, ...]"
    span: Span


class Entry(msgspec.Struct, frozen=True):
    """One pair of a mapping. A key is text, or an expression (`${{ insert }}` and dynamic keys where the grammar allows them)."""

    key: "StringToken | ExpressionToken | InterpolationToken"
    value: "Token"


class MappingToken(msgspec.Struct, frozen=True, tag="mapping"):
    """Pairs in the order they are written."""

    entries: tuple[Entry, ...]
    span: Span

    def find(self, key: str) -> "Token | None":
        """The value of a literal key, compared as it is written; None where there is none."""
        for entry in self.entries:
            if isinstance(entry.key, StringToken) and entry.key.value == key:
                return entry.value
        return None


Text = StringToken | ExpressionToken | InterpolationToken
Scalar = NullToken | BooleanToken | NumberToken | StringToken | ExpressionToken | InterpolationToken
Token = Scalar | SequenceToken | MappingToken

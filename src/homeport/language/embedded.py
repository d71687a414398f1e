"""Expressions inside text: finds them, checks their syntax and names, and turns the text into tokens.

Source: actions/runner `TemplateReader.ParseScalar` (where an expression ends, `insert`, constants that become text, the folding of
several pieces into `format`), and docs "Evaluate expressions in workflows and actions".
"""

import re

from homeport.diagnostics.diagnostic import Diagnostic
from homeport.diagnostics.span import Span
from homeport.language.availability import AVAILABILITY, Availability
from homeport.language.expr.errors import ExpressionError
from homeport.language.expr.parser import parse_expression
from homeport.language.expr.signatures import HASH_FILES, STATUS_FUNCTIONS, WELL_KNOWN
from homeport.language.expr.text import WHITESPACE
from homeport.language.names import Suggester, list_names, quote
from homeport.language.tokens import ExpressionToken, InterpolationToken, StringToken, Text
from homeport.language.yaml_nodes import Place, YamlScalar, find_bare, find_expression

OPEN = "${{"
CLOSE = "}}"
INSERT = "insert"
_CODE = "expression"
_LONGEST = 21_000
_MOST_PIECES = 254
"""`format` takes 255 arguments, the first of which is the text."""
_SECRET_HINTS = {
    "jobs.if": "a secret can be tested in a step: give it to a variable of the job under 'env'",
    "steps.if": "give the secret to a variable of the job under 'env', and test that: env.NAME != ''",
}
_WORD = r"[A-Za-z_][A-Za-z0-9_-]*"


class TextReader:
    """Reads the scalars of one file; what is wrong is added to `diagnostics`."""

    def __init__(self, diagnostics: list[Diagnostic], suggester: Suggester) -> None:
        self.diagnostics = diagnostics
        self._suggester = suggester

    def read(self, scalar: YamlScalar, at: str) -> Text:
        """The text with its expressions. Where one is wrong, that is reported, and the text stays a mere text.

        `at` is the key of `AVAILABILITY`; empty where no expression is allowed.
        """
        pieces = self._split(scalar)
        if pieces is None:
            return StringToken(scalar.text, scalar.span)
        parts: list[StringToken | ExpressionToken] = []
        wrong = False
        occurrence = 0
        for is_expression, piece in pieces:
            if not is_expression:
                parts.append(StringToken(piece, scalar.span))
                continue
            token = self._read_expression(scalar, piece.strip(WHITESPACE), occurrence, at, alone=len(pieces) == 1)
            occurrence += 1
            wrong = wrong or token is None
            if token is not None:
                parts.append(token)
        if wrong:
            return StringToken(scalar.text, scalar.span)
        if len(parts) == 1:
            return parts[0]
        whole = InterpolationToken(tuple(parts), scalar.span)
        self._check_length(scalar, whole)
        return whole

    def read_condition(self, scalar: YamlScalar, at: str) -> Text:
        """The value of an `if`: text without `${{` is a bare expression; with it and other text, an interpolation."""
        token = self.read(scalar, at) if OPEN in scalar.text else StringToken(scalar.text, scalar.span)
        if not isinstance(token, StringToken):
            return token
        source = token.value.strip(WHITESPACE)
        was_reported = OPEN in scalar.text and not token.from_expression
        if not source or was_reported:
            return StringToken("", scalar.span)
        place = Place(scalar.span, exact=False) if token.from_expression else find_bare(scalar, source)
        is_wrong = self._check(source, place, at)
        return StringToken("", scalar.span) if is_wrong else ExpressionToken(source, place.span, place.exact)

    def _split(self, scalar: YamlScalar) -> list[tuple[bool, str]] | None:
        text = scalar.text
        pieces: list[tuple[bool, str]] = []
        position = 0
        occurrence = 0
        while (start := text.find(OPEN, position)) >= 0:
            if start > position:
                pieces.append((False, text[position:start]))
            start += len(OPEN)
            end = _find_end(text, start)
            if end < 0:
                span = scalar.span if scalar.is_single_line else _begin(find_expression(scalar, "", occurrence).span)
                message = "the expression is not closed: '${{' was found, and no '}}' after it"
                self._report(span, message, "add '}}'; quotes inside an expression are single, and doubled in a text")
                return None
            pieces.append((True, text[start:end]))
            occurrence += 1
            position = end + len(CLOSE)
        if position < len(text):
            pieces.append((False, text[position:]))
        if occurrence > _MOST_PIECES:
            message = f"{occurrence} expressions in one text; GitHub allows {_MOST_PIECES}"
            self._report(scalar.span, message, "split the text")
            return None
        return pieces

    def _read_expression(
        self, scalar: YamlScalar, source: str, occurrence: int, at: str, *, alone: bool
    ) -> StringToken | ExpressionToken | None:
        place = find_expression(scalar, source, occurrence)
        if not source:
            self._report(scalar.span, "an expression was expected between '${{' and '}}'; found nothing")
            return None
        if source.split(None, 1)[0] == INSERT:
            if alone and source == INSERT:
                return ExpressionToken(source, place.span, place.exact)
            self._report(place.span, "'insert' stands alone between '${{' and '}}', as the key of a mapping")
            return None
        constant = _read_constant(source)
        if constant is not None and alone:
            return StringToken(constant, scalar.span, from_expression=True)
        if constant is not None:
            return ExpressionToken(source, place.span, place.exact)
        if not at:
            self._report(place.span, "an expression is not allowed here; expected a constant")
            return None
        if self._check(source, place, at, scalar):
            return None
        return ExpressionToken(source, place.span, place.exact)

    def _check_length(self, scalar: YamlScalar, token: InterpolationToken) -> None:
        if len(scalar.text) > _LONGEST // 2 and len(fold(token)) > _LONGEST:
            message = f"text with expressions is read as one expression of at most {_LONGEST:,} characters; found more"
            self._report(scalar.span, message, "pass the values through 'env', or move the script to a file")

    # --- syntax and names --------------------------------------------------------------------------------------------

    def _check(self, source: str, place: Place, at: str, scalar: YamlScalar | None = None) -> bool:
        """Whether the expression is wrong. In `scalar` it ends with `}}`, which is to blame where it ends too early."""
        available = AVAILABILITY[at]
        try:
            parse_expression(source, names=available.contexts, functions=available.arities)
        except ExpressionError as error:
            message, hint = self._explain(error, source, at, available)
            close = _find_close(scalar, place) if scalar is not None and error.offset >= len(source) else None
            self._report(close or _locate(place, source, error.offset), message, hint)
            return True
        return False

    def _explain(self, error: ExpressionError, source: str, at: str, available: Availability) -> tuple[str, str | None]:
        problem = error.message.split(". Located at position ", 1)[0]
        name = _word_at(source, error.offset)
        if problem.startswith("Unrecognized named-value"):
            return self._explain_context(name, at, available)
        if problem.startswith("Unrecognized function"):
            return self._explain_function(name, at, available)
        hint = "text stands in single quotes, and a quote in it is doubled: 'it''s'" if name == '"' else None
        return f"{problem[:1].lower()}{problem[1:]} in the expression {quote(source)}", hint

    def _explain_context(self, name: str, at: str, available: Availability) -> tuple[str, str | None]:
        contexts = list_names(available.contexts)
        if any(name.lower() in other.contexts for other in AVAILABILITY.values()):
            message = f"the context '{name}' is not available at {_describe_key(at)}; available here are {contexts}"
            return message, _SECRET_HINTS.get(at) if name.lower() == "secrets" else None
        hint = (
            self._suggester.suggest(name, available.contexts) or f"for the text itself, write '{name}' in single quotes"
        )
        return f"unknown context {quote(name)}; available here are {contexts}", hint

    def _explain_function(self, name: str, at: str, available: Availability) -> tuple[str, str | None]:
        known = [*WELL_KNOWN, *available.functions]
        if any(name.lower() == special.lower() for special in (*STATUS_FUNCTIONS, *HASH_FILES)):
            keys = (key for key, other in AVAILABILITY.items() if name.lower() in map(str.lower, other.functions))
            places = ", ".join(
                _describe_key(key) for key in keys if key.startswith("action.") == at.startswith("action.")
            )
            return f"the function '{name}' cannot be called at {_describe_key(at)}; it is available at {places}", None
        hint = self._suggester.suggest(name, known)
        return f"unknown function {quote(name)}; known here are {list_names(known)}", hint

    def _report(self, span: Span, message: str, hint: str | None = None) -> None:
        self.diagnostics.append(Diagnostic(code=_CODE, message=message, span=span, hint=hint, invalid=True))


def fold(token: InterpolationToken) -> str:
    """The one expression that GitHub makes of a text with expressions: `format('…{0}…', …)`."""
    text: list[str] = []
    arguments: list[str] = []
    for part in token.parts:
        if isinstance(part, StringToken):
            text.append(part.value.replace("'", "''").replace("{", "{{").replace("}", "}}"))
        else:
            text.append(f"{{{len(arguments)}}}")
            arguments.append(part.source)
    return f"format('{''.join(text)}', {', '.join(arguments)})"


def _find_end(text: str, start: int) -> int:
    """Where the `}}` stands that closes an expression; those inside quotes do not count. -1 where there is none."""
    close = text.find(CLOSE, start)
    while close >= 0:
        quote_mark = text.find("'", start, close)
        if quote_mark < 0:
            return close
        start = text.find("'", quote_mark + 1) + 1
        if start == 0:
            return -1
        if close < start:
            close = text.find(CLOSE, start)
    return -1


def _read_constant(source: str) -> str | None:
    """The text of an expression that is nothing but a constant text."""
    if len(source) < 2 or source[0] != "'" or source[-1] != "'":
        return None
    inside = source[1:-1]
    return None if "'" in inside.replace("''", "") else inside.replace("''", "'")


def _begin(span: Span) -> Span:
    return Span(span.file, span.line, span.column, span.line, span.column + len(OPEN))


def _find_close(scalar: YamlScalar, place: Place) -> Span | None:
    """The place of the `}}` that ends an expression, where it stands on the same line."""
    if not place.exact:
        return None
    span, begin = place.span, scalar.span
    start = span.column - begin.column if span.line == begin.line else None
    if start is None:
        line_start = 0
        for _ in range(span.line - begin.line):
            line_start = scalar.written.find("\n", line_start) + 1
        start = line_start + span.column - 1
    close = scalar.written.find(CLOSE, start + span.end_column - span.column)
    if close < 0:
        return None
    column = span.column + close - start
    return Span(span.file, span.line, column, span.line, column + 2)


def _locate(place: Place, source: str, offset: int) -> Span:
    if not place.exact:
        return place.span
    span = place.span
    length = max(len(_word_at(source, offset)), 1)
    return Span(span.file, span.line, span.column + offset, span.line, span.column + offset + length)


def _word_at(source: str, offset: int) -> str:
    """The name at an offset, or the one character there."""
    word = re.match(_WORD, source[offset:])
    return source[offset : offset + 1] if word is None else word[0]


def _describe_key(at: str) -> str:
    """A key of `AVAILABILITY` as the docs write it."""
    if at.startswith("steps."):
        return f"'jobs.<job_id>.{at}'"
    return f"'{at.replace('jobs.', 'jobs.<job_id>.', 1)}'"

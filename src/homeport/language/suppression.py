"""Comments that take responsibility for a diagnostic: `# homeport: ignore[code] reason`, behind the line or on a line above it.

A comment covers what begins on its line, or inside a block of text that begins there (a script has no place for comments of its
own). What GitHub refuses cannot be ignored, and a comment without a reason ignores nothing.
"""

import re
from collections.abc import Collection, Iterator, Sequence

import msgspec

from homeport.diagnostics.diagnostic import Diagnostic
from homeport.diagnostics.span import Span
from homeport.language.names import find_nearest, list_names, quote
from homeport.language.yaml_nodes import YamlMapping, YamlNode, YamlScalar
from homeport.language.yaml_reader import read_yaml

_CODE = "suppression"
_COMMENT = re.compile(r"(?:^|(?<=\s))#\s*homeport:\s*ignore\b(?P<codes>\[[^\]]*\])?(?P<reason>.*)$")
_MARK = "homeport:"


class Suppression(msgspec.Struct, frozen=True):
    """One comment; `lines` are those that it covers."""

    codes: tuple[str, ...]
    reason: str
    lines: range
    span: Span


def find_suppressions(text: str, file: str) -> list[Suppression]:
    """The comments of a file, in order; none where it is not YAML. What looks like one inside a text is not one."""
    if _MARK not in text:
        return []
    document, _ = read_yaml(text, file)
    if document is None:
        return []
    scalars = list(_walk_scalars(document.root))
    ends: dict[int, int] = {}
    for scalar in scalars:
        span = scalar.span
        ends[span.line] = max(ends.get(span.line, span.line), span.end_line)
    lines = text.splitlines()
    return [_read(match, number, lines, file, ends) for number, match in _find_comments(lines, scalars)]


def apply_suppressions(
    diagnostics: Sequence[Diagnostic],
    suppressions: Sequence[Suppression],
    silent: Collection[str],
    known: Collection[str],
) -> list[Diagnostic]:
    """The diagnostics of one file that no comment covers, and those about the comments.

    `silent` are the codes that were not looked for, so that nothing is said of comments about them; `known` are all codes there are.
    """
    used: set[tuple[int, str]] = set()
    kept: list[Diagnostic] = []
    for diagnostic in diagnostics:
        covering = [
            (number, diagnostic.code)
            for number, suppression in enumerate(suppressions)
            if suppression.reason and diagnostic.code in suppression.codes and diagnostic.span.line in suppression.lines
        ]
        used.update(covering)
        if not covering or diagnostic.invalid:
            kept.append(diagnostic)
    for number, suppression in enumerate(suppressions):
        kept += _check(suppression, [code for code in suppression.codes if (number, code) not in used], silent, known)
    return kept


# --- finding them ----------------------------------------------------------------------------------------------------


def _walk_scalars(root: YamlNode) -> Iterator[YamlScalar]:
    pending: list[YamlNode] = [root]
    while pending:
        node = pending.pop()
        if isinstance(node, YamlScalar):
            yield node
        elif isinstance(node, YamlMapping):
            pending += [child for pair in node.pairs for child in pair]
        else:
            pending += node.items


def _find_comments(lines: list[str], scalars: list[YamlScalar]) -> Iterator[tuple[int, re.Match[str]]]:
    for number, line in enumerate(lines, 1):
        match = _COMMENT.search(line) if _MARK in line else None
        if match is not None and not any(_contains(scalar, number, match.start() + 1) for scalar in scalars):
            yield number, match


def _contains(scalar: YamlScalar, line: int, column: int) -> bool:
    """Whether a place is part of a scalar's text. Behind the header of a block of text, comments are comments."""
    span = scalar.span
    if scalar.style in {"literal", "folded"}:
        return span.line < line <= span.end_line
    return (span.line, span.column) <= (line, column) < (span.end_line, span.end_column)


def _read(match: re.Match[str], number: int, lines: list[str], file: str, ends: dict[int, int]) -> Suppression:
    codes = (match["codes"] or "[]")[1:-1]
    span = Span(file, number, match.start() + 1, number, len(lines[number - 1].rstrip()) + 1)
    target = number
    if not lines[number - 1][
        : match.start()
    ].strip():  # alone on its line: it is about the next one that says something
        target = next(
            (later for later in range(number + 1, len(lines) + 1) if _says_something(lines[later - 1])), number
        )
    return Suppression(
        codes=tuple(dict.fromkeys(code.strip() for code in codes.split(",") if code.strip())),
        reason=match["reason"].strip().lstrip(":-–").strip(),
        lines=range(target, ends.get(target, target) + 1),
        span=span,
    )


def _says_something(line: str) -> bool:
    stripped = line.strip()
    return bool(stripped) and not stripped.startswith("#")


# --- what is wrong with them -----------------------------------------------------------------------------------------


def _check(
    suppression: Suppression, unused: list[str], silent: Collection[str], known: Collection[str]
) -> Iterator[Diagnostic]:
    if not suppression.codes:
        yield _warn(suppression, "the comment names no code, and ignores nothing", "write 'ignore[code] reason'")
        return
    if not suppression.reason:
        codes = ", ".join(suppression.codes)
        message = "the comment gives no reason, and ignores nothing"
        yield _warn(suppression, message, f"write 'homeport: ignore[{codes}]' and why that is right here")
        return
    for code in unused:
        if code not in known:
            nearest = find_nearest(code, known)
            hint = f"did you mean '{nearest}'?" if nearest else f"there are {list_names(known)}"
            yield _warn(suppression, f"there is no code {quote(code)}, so the comment ignores nothing", hint)
        elif code not in silent:
            message = f"nothing here has the code {quote(code)}: the comment is not needed"
            yield _warn(suppression, message, "remove it")


def _warn(suppression: Suppression, message: str, hint: str) -> Diagnostic:
    return Diagnostic(code=_CODE, message=message, span=suppression.span, severity="warning", hint=hint)

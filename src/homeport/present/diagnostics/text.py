"""Diagnostics for people: place, message, the line with what is wrong underlined, hint, related places."""

from collections.abc import Mapping, Sequence

from homeport.diagnostics.diagnostic import Diagnostic, Related
from homeport.diagnostics.span import Span

_COLOURS = {"error": "31", "warning": "33", "hint": "36", "faint": "2", "bold": "1"}
_WIDEST_LINE = 160


def render_text(diagnostics: Sequence[Diagnostic], sources: Mapping[str, str], *, colour: bool = False) -> str:
    """All diagnostics, a blank line between them, and a closing count; empty text where there are none.

    `sources` holds the text of the files that diagnostics name; one that is missing leaves out the quoted line.
    """
    if not diagnostics:
        return ""
    lines = {file: text.splitlines() for file, text in sources.items()}
    blocks = [_render_one(diagnostic, lines, colour=colour) for diagnostic in diagnostics]
    return "\n\n".join([*blocks, summarise(diagnostics)]) + "\n"


def summarise(diagnostics: Sequence[Diagnostic]) -> str:
    """`2 errors, 1 warning in 2 files`."""
    errors = sum(diagnostic.severity == "error" for diagnostic in diagnostics)
    files = len({diagnostic.span.file for diagnostic in diagnostics})
    counts = [_count(errors, "error"), _count(len(diagnostics) - errors, "warning")]
    return f"{', '.join(count for count in counts if count)} in {_count(files, 'file')}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}" if number else ""


def _render_one(diagnostic: Diagnostic, sources: Mapping[str, list[str]], *, colour: bool) -> str:
    place = _paint(_show_place(diagnostic.span), "bold", colour)
    severity = _paint(diagnostic.severity, diagnostic.severity, colour)
    code = _paint(f"[{diagnostic.code}]", "faint", colour)
    rows = [f"{place}: {severity}: {diagnostic.message} {code}"]
    rows += _quote(diagnostic.span, sources, colour=colour)
    rows += [_render_related(related, colour=colour) for related in diagnostic.related]
    if diagnostic.hint:
        rows.append(f"  {_paint('hint', 'hint', colour)}: {diagnostic.hint}")
    return "\n".join(rows)


def _render_related(related: Related, *, colour: bool) -> str:
    return f"  {_paint('note', 'faint', colour)}: {_show_place(related.span)}: {related.message}"


def _quote(span: Span, sources: Mapping[str, list[str]], *, colour: bool) -> list[str]:
    """The line at fault with carets under it; a span over several lines is underlined to the end of its first."""
    lines = sources.get(span.file, [])
    if not 1 <= span.line <= len(lines):
        return []
    line = lines[span.line - 1].replace("\t", " ")
    if len(line) > _WIDEST_LINE:
        return []
    end = span.end_column if span.end_line == span.line else len(line) + 1
    carets = "^" * max(1, min(end, len(line) + 1) - span.column)
    margin = " " * len(str(span.line))
    return [
        _paint(f"  {margin} |", "faint", colour),
        f"{_paint(f'  {span.line} |', 'faint', colour)} {line}",
        f"{_paint(f'  {margin} |', 'faint', colour)} {' ' * (span.column - 1)}{_paint(carets, 'error', colour)}",
    ]


def _show_place(span: Span) -> str:
    return f"{span.file}:{span.line}:{span.column}"


def _paint(text: str, role: str, colour: bool) -> str:
    return f"\x1b[{_COLOURS[role]}m{text}\x1b[0m" if colour else text

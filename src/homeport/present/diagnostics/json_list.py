"""Diagnostics as the JSON list of `homeport check --format json` (a contract: names stay)."""

from collections.abc import Sequence

import msgspec

from homeport.diagnostics.diagnostic import Diagnostic
from homeport.diagnostics.span import Span


def render_json(diagnostics: Sequence[Diagnostic]) -> str:
    """A list of objects, one a diagnostic, lines and columns 1-based, ends exclusive."""
    rows = [
        {
            "code": diagnostic.code,
            "severity": diagnostic.severity,
            "invalid": diagnostic.invalid,
            "message": diagnostic.message,
            **_place(diagnostic.span),
            "hint": diagnostic.hint,
            "related": [{"message": related.message, **_place(related.span)} for related in diagnostic.related],
            "docs": diagnostic.docs,
        }
        for diagnostic in diagnostics
    ]
    return msgspec.json.format(msgspec.json.encode(rows), indent=2).decode() + "\n"


def _place(span: Span) -> dict[str, str | int]:
    return {
        "file": span.file,
        "line": span.line,
        "column": span.column,
        "end_line": span.end_line,
        "end_column": span.end_column,
    }

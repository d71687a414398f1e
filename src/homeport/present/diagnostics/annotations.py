"""Diagnostics as workflow commands, which a forge shows beside the lines (docs: "Workflow commands for GitHub Actions")."""

from collections.abc import Sequence

from homeport.diagnostics.diagnostic import Diagnostic


def render_annotations(diagnostics: Sequence[Diagnostic]) -> str:
    """One `::error …::` or `::warning …::` line a diagnostic."""
    return "".join(_render_one(diagnostic) + "\n" for diagnostic in diagnostics)


def _render_one(diagnostic: Diagnostic) -> str:
    span = diagnostic.span
    properties = {
        "file": span.file,
        "line": str(span.line),
        "col": str(span.column),
        "endLine": str(span.end_line),
        "endColumn": str(span.end_column),
        "title": diagnostic.code,
    }
    message = diagnostic.message if diagnostic.hint is None else f"{diagnostic.message}\n{diagnostic.hint}"
    listed = ",".join(f"{name}={_escape_property(value)}" for name, value in properties.items())
    return f"::{diagnostic.severity} {listed}::{_escape_data(message)}"


def _escape_data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _escape_property(text: str) -> str:
    return _escape_data(text).replace(":", "%3A").replace(",", "%2C")

"""Diagnostics as SARIF 2.1.0, which code-scanning pages and editors read."""

from collections.abc import Sequence
from typing import Any

import msgspec

from homeport.diagnostics.diagnostic import Diagnostic
from homeport.diagnostics.span import Span

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def render_sarif(diagnostics: Sequence[Diagnostic], *, version: str) -> str:
    """One SARIF log with one run; a result a diagnostic, its rule the diagnostic's code."""
    codes = sorted({diagnostic.code for diagnostic in diagnostics})
    driver = {"name": "homeport", "version": version, "rules": [{"id": code} for code in codes]}
    results = [_render_result(diagnostic, codes.index(diagnostic.code)) for diagnostic in diagnostics]
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    log = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    return msgspec.json.format(msgspec.json.encode(log), indent=2).decode() + "\n"


def _render_result(diagnostic: Diagnostic, rule_index: int) -> dict[str, Any]:
    text = diagnostic.message if diagnostic.hint is None else f"{diagnostic.message}\n{diagnostic.hint}"
    result: dict[str, Any] = {
        "ruleId": diagnostic.code,
        "ruleIndex": rule_index,
        "level": diagnostic.severity,
        "message": {"text": text},
        "locations": [_render_location(diagnostic.span)],
    }
    if diagnostic.related:
        result["relatedLocations"] = [
            {"id": number, "message": {"text": related.message}, **_render_location(related.span)}
            for number, related in enumerate(diagnostic.related, 1)
        ]
    return result


def _render_location(span: Span) -> dict[str, Any]:
    region = {
        "startLine": span.line,
        "startColumn": span.column,
        "endLine": span.end_line,
        "endColumn": span.end_column,
    }
    return {"physicalLocation": {"artifactLocation": {"uri": _as_uri(span.file)}, "region": region}}


def _as_uri(path: str) -> str:
    """A relative reference: what a URI does not allow in a path is percent-encoded (RFC 3986)."""
    allowed = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/!$&'()*+,;=@")
    return "".join(chr(byte) if byte in allowed else f"%{byte:02X}" for byte in path.encode())

"""What is wrong with a user's text, where, why, and what would mend it."""

from typing import Literal

import msgspec

from homeport.diagnostics.span import Span

Severity = Literal["error", "warning"]


class Related(msgspec.Struct, frozen=True):
    """Another place that explains the primary one, such as the first definition of a duplicate."""

    message: str
    span: Span


class Diagnostic(msgspec.Struct, frozen=True, kw_only=True):
    """One mistake in a user's file: a value, never raised.

    `code` is stable and is also the name of the rule that found it (`job-needs`, `syntax`); suppression comments name it.
    `invalid` marks what GitHub itself would refuse: `homeport run` refuses these and only these. `message` says what is
    wrong, what was found and what was expected; `hint` can be pasted or acted on; `docs` is a page of the manual.
    """

    code: str
    message: str
    span: Span
    severity: Severity = "error"
    invalid: bool = False
    hint: str | None = None
    related: tuple[Related, ...] = ()
    docs: str | None = None


def sort_diagnostics(diagnostics: "list[Diagnostic]") -> "list[Diagnostic]":
    """By file, then place, then code; exact repetitions are dropped."""
    unique = dict.fromkeys(diagnostics)
    return sorted(unique, key=lambda d: (d.span.file, d.span.line, d.span.column, d.code, d.message))

"""Gathers what is wrong with one file while it is read."""

from homeport.diagnostics.diagnostic import Diagnostic, Related, Severity
from homeport.diagnostics.span import Span
from homeport.language.names import Suggester


class Findings:
    """The diagnostics of one file, in the order they were found."""

    def __init__(self, diagnostics: list[Diagnostic]) -> None:
        self.diagnostics = diagnostics
        self.suggester = Suggester()

    @property
    def has_invalid(self) -> bool:
        """Whether GitHub refuses the file for anything found so far."""
        return any(diagnostic.invalid for diagnostic in self.diagnostics)

    def refuse(
        self, code: str, span: Span, message: str, *, hint: str | None = None, related: tuple[Related, ...] = ()
    ) -> None:
        """Report what GitHub refuses."""
        self.diagnostics.append(
            Diagnostic(code=code, message=message, span=span, invalid=True, hint=hint, related=related)
        )

    def report(
        self, code: str, span: Span, message: str, *, hint: str | None = None, severity: Severity = "error"
    ) -> None:
        """Report a mistake that GitHub accepts, or finds only while running."""
        self.diagnostics.append(Diagnostic(code=code, message=message, span=span, hint=hint, severity=severity))

"""What is said about a job apart from its steps: annotations that belong to none of them."""

from homeport.diagnostics.span import Span
from homeport.run.facts import Level
from homeport.runner.session import JobSession


def blame(session: JobSession, message: str, span: Span | None, hint: str | None = None) -> str:
    """Raise an error at a place; gives the message, to be the reason of the job's end."""
    say(session, "error", message if hint is None else f"{message}\n{hint}", span)
    return message


def say(session: JobSession, severity: Level, message: str, span: Span | None = None) -> None:
    """Raise an annotation at a place."""
    text = session.masker.mask_text(message)
    if span is None:
        session.reporter.annotation(severity, text)
    else:
        session.reporter.annotation(
            severity,
            text,
            file=span.file,
            line=span.line,
            column=span.column,
            end_line=span.end_line,
            end_column=span.end_column,
        )

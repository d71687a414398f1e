"""Concurrency groups that a run would wait for while it holds them.

Source: docs "Control the concurrency of workflows and jobs"; GitHub ends such runs ("a deadlock was detected for concurrency group"). A
called workflow sees the `github` context of its caller, so that a group named after `github.workflow` in both is the same group.
"""

from collections.abc import Iterator

from homeport.diagnostics.diagnostic import Diagnostic, Related
from homeport.language.expr.syntax import find_names, render_expression
from homeport.language.names import quote
from homeport.language.nodes import CallJob, Concurrency, Job, Workflow
from homeport.language.scopes import find_called, parse_at
from homeport.language.subject import Subject
from homeport.language.tokens import ExpressionToken, InterpolationToken, StringToken

_SHARED = frozenset({"github", "vars"})
"""The contexts that a workflow, its jobs and the workflows that it calls see alike."""


def check_groups(subject: Subject) -> Iterator[Diagnostic]:
    """Report groups of a job or of a called workflow which the run, or the calling job, holds already."""
    workflow = subject.root
    if not isinstance(workflow, Workflow):
        return
    held = _name_group(workflow.concurrency, "concurrency")
    for job in workflow.jobs:
        asked = _name_group(job.concurrency, "jobs.concurrency")
        if held is not None and held == asked:
            yield _report_job(job, workflow)
        if isinstance(job, CallJob):
            yield from _check_call(job, workflow, {held, asked} - {None}, subject)


def _check_call(job: CallJob, workflow: Workflow, held: set[str | None], subject: Subject) -> Iterator[Diagnostic]:
    called = find_called(job, workflow, subject.project)
    if called is None or called.concurrency is None or _name_group(called.concurrency, "concurrency") not in held:
        return
    message = (
        f"the run would wait for itself: {quote(job.uses.value)} asks for a concurrency group that the run has taken"
    )
    related = (Related("it is asked for here", called.concurrency.span),)
    hint = "name the groups differently: 'github.workflow' in a called workflow is the caller's"
    yield Diagnostic(code="concurrency", message=message, span=job.uses.span, hint=hint, related=related)


def _report_job(job: Job | CallJob, workflow: Workflow) -> Diagnostic:
    assert job.concurrency is not None
    assert workflow.concurrency is not None
    message = f"the job {quote(job.id)} would wait for its own run, which has taken this concurrency group"
    related = (Related("it is taken here", workflow.concurrency.span),)
    hint = "name the groups differently, or keep one of them"
    return Diagnostic(code="concurrency", message=message, span=job.concurrency.span, hint=hint, related=related)


def _name_group(concurrency: Concurrency | None, at: str) -> str | None:
    """The name of a group in one form, without regard to case; None where it means another thing in another place."""
    if concurrency is None:
        return None
    group = concurrency.group
    texts: list[str] = []
    for part in group.parts if isinstance(group, InterpolationToken) else (group,):
        match part:
            case StringToken():
                texts.append(part.value)
            case ExpressionToken():
                node = parse_at(part, at)
                if node is None or not find_names(node) <= _SHARED:
                    return None
                texts.append(f"${{{{ {render_expression(node)} }}}}")
    return "".join(texts).lower()

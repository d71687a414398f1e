"""Privileged workflows that check out what a stranger proposes: its scripts would run with the repository's secrets.

Source: docs "Secure use reference: Mitigating the risks of untrusted code checkout"; GitHub Security Lab, "Preventing pwn requests".
"""

from collections.abc import Iterator

from homeport.diagnostics.diagnostic import Diagnostic, Related
from homeport.language.expr.syntax import render_expression, walk
from homeport.language.names import quote
from homeport.language.nodes import Trigger, UsesStep, Workflow
from homeport.language.subject import Subject, place_in

_PRIVILEGED = frozenset({"pull_request_target", "workflow_run", "issue_comment"})
_FOREIGN = frozenset(
    {
        "github.event.pull_request.head.sha",
        "github.event.pull_request.head.ref",
        "github.event.pull_request.merge_commit_sha",
        "github.event.workflow_run.head_sha",
        "github.event.workflow_run.head_branch",
        "github.head_ref",
    }
)


def check_checkouts(subject: Subject) -> Iterator[Diagnostic]:
    """Report such values as the `ref` of actions/checkout."""
    trigger = _find_privileged(subject)
    if trigger is None:
        return
    for site in subject.sites:
        step = site.step
        if (
            site.key != "ref"
            or not isinstance(step, UsesStep)
            or not step.uses.value.lower().startswith("actions/checkout@")
        ):
            continue
        for node in walk(site.node):
            source = render_expression(node)
            if source.lower() in _FOREIGN:
                message = f"{quote(source)} is the work of a stranger, and {quote(trigger.event)} runs with the repository's secrets and token"
                hint = "use 'pull_request', which has neither; or run nothing of what is checked out"
                yield Diagnostic(
                    code="untrusted-checkout",
                    message=message,
                    span=place_in(site.token, node.offset),
                    severity="warning",
                    hint=hint,
                    related=(Related("the event is here", trigger.span),),
                )


def _find_privileged(subject: Subject) -> Trigger | None:
    triggers = subject.root.triggers if isinstance(subject.root, Workflow) else ()
    return next((trigger for trigger in triggers if trigger.event in _PRIVILEGED), None)

"""Inputs of events whose default can never be used, or is not what the input takes.

Source: docs "Workflow syntax: on.workflow_dispatch.inputs" and "on.workflow_call.inputs".
"""

from collections.abc import Iterator

from homeport.diagnostics.diagnostic import Diagnostic
from homeport.language.names import list_names, quote, suggest
from homeport.language.nodes import InputDeclaration, Workflow
from homeport.language.subject import Subject
from homeport.language.tokens import BooleanToken, NumberToken, StringToken


def check_inputs(subject: Subject) -> Iterator[Diagnostic]:
    """Report such inputs of `workflow_dispatch` and `workflow_call`."""
    for trigger in subject.root.triggers if isinstance(subject.root, Workflow) else ():
        for declared in trigger.inputs:
            if trigger.event == "workflow_dispatch":
                yield from _check_dispatch(declared)
            elif declared.required and declared.default is not None:
                message = f"the input {quote(declared.name)} is required, so that its default is never used"
                hint = "remove 'required' or 'default'"
                yield Diagnostic(code="events", message=message, span=declared.default.span, hint=hint)


def _check_dispatch(declared: InputDeclaration) -> Iterator[Diagnostic]:
    if declared.kind == "choice" and not declared.options:
        message = f"the input {quote(declared.name)} is a choice without 'options'"
        yield Diagnostic(code="events", message=message, span=declared.span, hint="add 'options:' with a list of texts")
        return
    default = declared.default
    if not isinstance(default, StringToken | BooleanToken | NumberToken):
        return
    text = (
        default.value if isinstance(default, StringToken) else default.text if isinstance(default, NumberToken) else ""
    )
    if isinstance(default, BooleanToken):
        text = "true" if default.value else "false"
    expected, hint = None, None
    if declared.kind == "choice" and text not in declared.options:
        expected, hint = f"one of its options: {list_names(declared.options)}", suggest(text, declared.options)
    elif declared.kind == "boolean" and text not in {"true", "false"}:
        expected = "true or false"
    elif declared.kind == "number" and not _is_number(text):
        expected = "a number"
    if expected is not None:
        message = (
            f"the default of the {declared.kind} input {quote(declared.name)} is {quote(text)}; expected {expected}"
        )
        yield Diagnostic(code="events", message=message, span=default.span, hint=hint)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True

"""Uses of actions: inputs that an action does not take, that it needs, or that it will drop; versions that are too old to run.

Source: docs "Metadata syntax for GitHub Actions: inputs" (GitHub itself only warns of unknown inputs, and leaves required ones to the
action); GitHub changelog on the end of Node 12 and 16.
"""

from collections.abc import Iterator

import msgspec

from homeport.diagnostics.diagnostic import Diagnostic, Related, Severity
from homeport.diagnostics.span import Span
from homeport.language.known_actions import find_age, find_known_action
from homeport.language.names import list_names, quote, suggest
from homeport.language.nodes import Action, DockerRuns, InputDeclaration, UsesStep
from homeport.language.project import LocalAction
from homeport.language.rules.action_metadata import check_metadata
from homeport.language.subject import Subject
from homeport.language.tokens import Entry, MappingToken, StringToken

_CODE = "action"
_DOCKER_INPUTS = frozenset({"args", "entrypoint"})
"""Any container action takes these (docs: "Workflow syntax: jobs.<job_id>.steps[*].with.args")."""


class _Interface(msgspec.Struct, frozen=True):
    """What an action takes. The keys of `deprecated` and `required` are in lower case."""

    title: str
    inputs: tuple[str, ...]
    required: dict[str, Span | None]
    deprecated: dict[str, str]
    is_docker: bool = False


def check_actions(subject: Subject) -> Iterator[Diagnostic]:
    """Report the mistakes in every use of an action of this repository, or of a well-known one."""
    told: set[str] = set()
    for _, step in subject.steps():
        if isinstance(step, UsesStep):
            yield from _check_step(step, subject, told)


def _check_step(step: UsesStep, subject: Subject, told: set[str]) -> Iterator[Diagnostic]:
    uses = step.uses.value
    local = subject.project.find_action(uses)
    if local is not None:
        if local.file not in told:
            told.add(local.file)
            yield from _check_own_mistakes(step, local, subject)
        if local.action is not None:
            yield from _check_inputs(step, _read_interface(uses, local.action))
        return
    if subject.project.lacks_action(uses):
        yield _report_missing(step)
        return
    yield from _check_age(step)
    known = find_known_action(uses)
    if known is not None:
        deprecated = {name.lower(): hint for name in known.inputs if (hint := known.deprecation(name)) is not None}
        required: dict[str, Span | None] = {name.lower(): None for name in known.required}
        yield from _check_inputs(step, _Interface(uses, known.inputs, required, deprecated))


# --- the action itself -----------------------------------------------------------------------------------------------


def _check_own_mistakes(step: UsesStep, local: LocalAction, subject: Subject) -> Iterator[Diagnostic]:
    """An action with mistakes is told of where it is used first."""
    found = list(local.diagnostics)
    if local.action is not None:
        found += check_metadata(Subject(local.action, subject.project, ()))
    mistakes = [diagnostic for diagnostic in found if diagnostic.severity == "error"]
    if mistakes:
        first = next((mistake for mistake in mistakes if mistake.invalid), mistakes[0])
        message = f"the action {quote(step.uses.value)} has mistakes of its own: {first.message}"
        related = (Related("its first mistake is here", first.span),)
        yield Diagnostic(code=_CODE, message=message, span=step.uses.span, related=related)


def _report_missing(step: UsesStep) -> Diagnostic:
    """`./` is a path in the workspace, which a step may have filled with something else than the repository."""
    uses = step.uses.value
    message = f"there is no action in {quote(uses)}: no action.yml, action.yaml or Dockerfile"
    hint = None if uses.startswith("$") else "the path starts at the root of the repository, wherever the workflow is"
    severity: Severity = "error" if uses.startswith("$") else "warning"
    return Diagnostic(code=_CODE, message=message, span=step.uses.span, hint=hint, severity=severity)


def _check_age(step: UsesStep) -> Iterator[Diagnostic]:
    uses = step.uses.value
    age = find_age(uses)
    if age == "refused":
        message = f"{quote(uses)} is too old: GitHub fails every job that uses it"
        yield Diagnostic(code=_CODE, message=message, span=step.uses.span, hint="use its newest version")
    elif age == "old":
        message = f"{quote(uses)} was written for a Node that no runner has any more; it runs on a newer one, if it can"
        hint = "use its newest version"
        yield Diagnostic(code=_CODE, message=message, span=step.uses.span, hint=hint, severity="warning")


# --- its inputs ------------------------------------------------------------------------------------------------------


def _read_interface(uses: str, action: Action) -> _Interface:
    def is_needed(declared: InputDeclaration) -> bool:
        return declared.required and declared.default is None

    return _Interface(
        title=uses,
        inputs=tuple(declared.name for declared in action.inputs),
        required={declared.name.lower(): declared.span for declared in action.inputs if is_needed(declared)},
        deprecated={
            declared.name.lower(): " ".join(declared.deprecation_message.split())
            for declared in action.inputs
            if declared.deprecation_message is not None and not is_needed(declared)
        },
        is_docker=isinstance(action.runs, DockerRuns),
    )


def _check_inputs(step: UsesStep, interface: _Interface) -> Iterator[Diagnostic]:
    if step.inputs is not None and not isinstance(step.inputs, MappingToken):
        return
    entries: tuple[Entry, ...] = () if step.inputs is None else step.inputs.entries
    known = {name.lower() for name in interface.inputs} | (_DOCKER_INPUTS if interface.is_docker else set())
    given = {entry.key.value.lower(): entry.key for entry in entries if isinstance(entry.key, StringToken)}
    for name, key in given.items():
        if name not in known:
            yield _report_unknown(key, interface)
        elif name in interface.deprecated:
            message = (
                f"the input {quote(key.value)} of {quote(interface.title)} is deprecated: {interface.deprecated[name]}"
            )
            yield Diagnostic(code=_CODE, message=message, span=key.span, severity="warning")
    if len(given) < len(entries):
        return  # there are keys which are not known yet
    for name in interface.inputs:
        if name.lower() in interface.required and name.lower() not in given:
            yield _report_missing_input(step, name, interface)


def _report_unknown(key: StringToken, interface: _Interface) -> Diagnostic:
    expected = f"expected one of {list_names(interface.inputs)}" if interface.inputs else "it takes no inputs"
    message = f"the action {quote(interface.title)} has no input {quote(key.value)}; {expected}"
    return Diagnostic(code=_CODE, message=message, span=key.span, hint=suggest(key.value, interface.inputs))


def _report_missing_input(step: UsesStep, name: str, interface: _Interface) -> Diagnostic:
    message = f"the input {quote(name)} is required by {quote(interface.title)}, and not given"
    declared = interface.required[name.lower()]
    related = () if declared is None else (Related("the input is declared here", declared),)
    return Diagnostic(
        code=_CODE, message=message, span=step.uses.span, related=related, hint=f"add '{name}: …' under 'with'"
    )

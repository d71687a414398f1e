"""Checks calls of reusable workflows: that they exist, their interfaces, their depth, and that permissions only narrow.

Source: actions/runner `ReusableWorkflowsLoader`, `WorkflowTemplateConverter.ConvertToReferencedWorkflow` and `PermissionsHelper`;
docs "Reusing workflow configurations" (ten levels, fifty workflows, no loops).
"""

from collections.abc import Callable
from typing import Literal

import msgspec

from homeport.diagnostics.diagnostic import Diagnostic, Related, sort_diagnostics
from homeport.diagnostics.span import Span
from homeport.language.grammar import SCOPES
from homeport.language.names import Suggester, list_names, quote
from homeport.language.nodes import CallJob, InputDeclaration, Permissions, SecretDeclaration, Trigger, Workflow
from homeport.language.tokens import (
    BooleanToken,
    Entry,
    MappingToken,
    NullToken,
    NumberToken,
    SequenceToken,
    StringToken,
    Token,
)

Loaded = tuple[Workflow | None, list[Diagnostic]]
Load = Callable[[str], Loaded | None]
"""Gives a called workflow by its qualified reference (`qualify_call`), or None where it is not known."""
DefaultPermissions = Literal["write", "read"]
"""What a run's token may do where no `permissions` are written: everything, or read contents and packages."""

_CODE = "workflow-call"
_LEVELS = {"none": 0, "read": 1, "write": 2}
_LEVEL_NAMES = ("none", "read", "write")
_KINDS: dict[str, tuple[type[Token], str]] = {
    "boolean": (BooleanToken, "true or false"),
    "number": (NumberToken, "a number"),
}
_CONSTANTS = StringToken | BooleanToken | NumberToken | NullToken | SequenceToken | MappingToken

Grant = dict[str, int]


class CallLimits(msgspec.Struct, frozen=True, kw_only=True):
    """How far calls may reach."""

    levels: int = 10
    """the workflow that starts the run included"""
    workflows: int = 50
    """different ones that one run may call"""
    size: int = 10 * 1_048_576
    """of all that is called, each as often as it is, by GitHub's account of memory"""


CALL_LIMITS = CallLimits()


def check_calls(
    workflow: Workflow,
    load: Load,
    *,
    default_permissions: DefaultPermissions = "write",
    limits: CallLimits = CALL_LIMITS,
) -> list[Diagnostic]:
    """Everything that is wrong with the calls of a workflow and with those that they make in turn, sorted by place.

    `load` is asked once for each reference. A local workflow that it does not know is missing; a remote one is passed over. The
    diagnostics that `load` gives with a workflow are not repeated: a call of an invalid one says so, and points at the first.
    """
    checker = _Checker(load, default_permissions, limits)
    checker.visit(workflow, f"./{workflow.file}", None, ())
    return sort_diagnostics(checker.diagnostics)


def qualify_call(uses: str, caller: str) -> str:
    """The whole reference of a call: a local one (`./…`, `$/…`) belongs to the repository and commit of its caller.

    `caller` is the caller's own whole reference: `./path` in the running repository, else `owner/repo/path@ref`.
    """
    if not uses.startswith(("./", "$/")):
        return uses
    path = uses[2:]
    if caller.startswith("./"):
        return f"./{path}"
    location, _, ref = caller.rpartition("@")
    repository = "/".join(location.split("/")[:2])
    return f"{repository}/{path}@{ref}"


class _Checker:
    """Walks the tree of calls; what was seen with the same grant at the same level is not walked again."""

    def __init__(self, load: Load, default: DefaultPermissions, limits: CallLimits) -> None:
        self.diagnostics: list[Diagnostic] = []
        self._suggester = Suggester()
        self._load = load
        self._limits = limits
        self._default: Grant = dict.fromkeys(SCOPES, 2) if default == "write" else {"contents": 1, "packages": 1}
        self._loaded: dict[str, Loaded | None] = {}
        self._sizes: dict[tuple[str, int, tuple[tuple[str, int], ...] | None], int] = {}
        self._size = 0

    def visit(self, workflow: Workflow, reference: str, granted: Grant | None, callers: tuple[str, ...]) -> None:
        """Check the calls of one workflow. `granted` is what it may do, None where nobody said; `callers` are above it."""
        if not callers:
            self._size = workflow.size
        own = _read_grant(workflow.permissions)
        for job in workflow.jobs:
            if isinstance(job, CallJob) and self._size <= self._limits.size:
                explicit = _read_grant(job.permissions)
                grant = explicit if explicit is not None else own if own is not None else granted
                self._visit_call(job, qualify_call(job.uses.value, reference), grant, (*callers, reference))

    def _visit_call(self, job: CallJob, reference: str, grant: Grant | None, callers: tuple[str, ...]) -> None:
        if reference in callers:
            circle = " → ".join((*callers[callers.index(reference) :], reference))
            self._refuse(job.uses.span, f"the workflows call one another in a circle: {circle}")
            return
        if len(callers) >= self._limits.levels:
            message = f"workflows are connected over more than {self._limits.levels} levels: {quote(reference)} is one too many"
            self._refuse(job.uses.span, message)
            return
        called = self._find(job, reference)
        if called is None:
            return
        trigger = called.find_trigger("workflow_call")
        if trigger is None:
            message = f"{quote(reference)} cannot be called: 'workflow_call' is not among its events"
            self._refuse(job.uses.span, message, Related("its events are here", _events_span(called)))
            return
        self._check_inputs(job, trigger)
        self._check_secrets(job, trigger)
        self._check_permissions(job, called, reference, grant)
        self._visit_below(job, called, reference, grant, callers)

    def _visit_below(
        self, job: CallJob, called: Workflow, reference: str, grant: Grant | None, callers: tuple[str, ...]
    ) -> None:
        key = (reference, len(callers), None if grant is None else tuple(sorted(grant.items())))
        before = self._size
        if key in self._sizes:
            self._size += self._sizes[key]
        else:
            self._size += called.size
            self.visit(called, reference, grant, callers)
            self._sizes[key] = self._size - before
        if self._size > self._limits.size >= before:
            self._refuse(
                job.uses.span, f"with {quote(reference)}, the workflows take more than {self._limits.size:,} bytes"
            )

    def _find(self, job: CallJob, reference: str) -> Workflow | None:
        if reference not in self._loaded:
            if len(self._loaded) >= self._limits.workflows:
                self._refuse(job.uses.span, f"more than {self._limits.workflows} different workflows are called")
                return None
            self._loaded[reference] = self._load(reference)
        loaded = self._loaded[reference]
        if loaded is None:
            if reference.startswith("./") and "@" not in reference:  # else the reference itself was reported
                self._refuse(job.uses.span, f"the workflow {quote(reference)} does not exist in this repository")
            return None
        workflow, diagnostics = loaded
        first = next((diagnostic for diagnostic in diagnostics if diagnostic.invalid), None)
        if first is not None:
            message = f"the called workflow {quote(reference)} is not valid: {first.message}"
            self._refuse(job.uses.span, message, Related("its first mistake is here", first.span))
            return None
        return workflow

    # --- the interface -----------------------------------------------------------------------------------------------

    def _check_inputs(self, job: CallJob, trigger: Trigger) -> None:
        if job.inputs is not None and not isinstance(job.inputs, MappingToken):
            return
        entries, has_dynamic_key = _literal_entries(job.inputs)
        declared = {declaration.name.lower(): declaration for declaration in trigger.inputs}
        for name, (key, value) in entries.items():
            declaration = declared.get(name)
            if declaration is None:
                self._refuse_undeclared("input", key, value, [known.name for known in trigger.inputs])
            else:
                self._check_kind(declaration, value)
        for name, declaration in declared.items():
            if declaration.required and name not in entries and not has_dynamic_key:
                self._refuse_missing("input", job, declaration)

    def _check_kind(self, declaration: InputDeclaration, value: Token) -> None:
        if declaration.kind not in _KINDS or not isinstance(value, _CONSTANTS):
            return
        kind, expected = _KINDS[declaration.kind]
        if isinstance(value, kind):
            return
        message = f"the input {quote(declaration.name)} is a {declaration.kind}; found {_describe(value)}, expected {expected}"
        self._refuse(value.span, message, Related("the input is declared here", declaration.span))

    def _check_secrets(self, job: CallJob, trigger: Trigger) -> None:
        if job.inherit_secrets:
            return
        entries, has_dynamic_key = _literal_entries(job.secrets)
        declared = {declaration.name.lower(): declaration for declaration in trigger.secrets}
        for name, (key, value) in entries.items():
            if name not in declared:
                self._refuse_undeclared("secret", key, value, [known.name for known in trigger.secrets])
        for name, declaration in declared.items():
            if declaration.required and name not in entries and not has_dynamic_key:
                self._refuse_missing("secret", job, declaration)

    def _refuse_undeclared(self, what: str, key: StringToken, value: Token, known: list[str]) -> None:
        expected = f"expected one of {list_names(known)}" if known else f"it takes no {what}s"
        message = f"the called workflow has no {what} {quote(key.value)}; {expected}"
        self._refuse(value.span, message, hint=self._suggester.suggest(key.value, known))

    def _refuse_missing(self, what: str, job: CallJob, declaration: InputDeclaration | SecretDeclaration) -> None:
        place = "with" if what == "input" else "secrets"
        message = f"the {what} {quote(declaration.name)} is required by {quote(job.uses.value)}, and not given"
        related = Related(f"the {what} is declared here", declaration.span)
        self._refuse(job.uses.span, message, related, hint=f"add '{declaration.name}: …' under '{place}'")

    # --- permissions -------------------------------------------------------------------------------------------------

    def _check_permissions(self, job: CallJob, called: Workflow, reference: str, grant: Grant | None) -> None:
        allowed = self._default if grant is None else grant
        self._check_requested(job, called.permissions, f"the workflow {quote(reference)}", allowed)
        for inner in called.jobs:
            self._check_requested(job, inner.permissions, f"the job {quote(inner.id)} of {quote(reference)}", allowed)

    def _check_requested(self, job: CallJob, permissions: Permissions | None, who: str, allowed: Grant) -> None:
        requested = _read_grant(permissions)
        if requested is None or permissions is None:
            return
        over = [scope for scope in SCOPES if requested.get(scope, 0) > allowed.get(scope, 0)]
        if over:
            asked = ", ".join(f"{scope}: {_LEVEL_NAMES[requested[scope]]}" for scope in over)
            given = ", ".join(f"{scope}: {_LEVEL_NAMES[allowed.get(scope, 0)]}" for scope in over)
            message = f"{who} asks for '{asked}', and the call allows only '{given}'"
            related = Related("it asks for them here", permissions.span)
            self._refuse(
                job.id_span,
                message,
                related,
                hint=f"raise the 'permissions' of the calling job '{job.id}', or ask for less",
            )

    def _refuse(self, span: Span, message: str, *related: Related, hint: str | None = None) -> None:
        self.diagnostics.append(
            Diagnostic(code=_CODE, message=message, span=span, invalid=True, related=related, hint=hint)
        )


def _read_grant(permissions: Permissions | None) -> Grant | None:
    """The level of each scope; unnamed ones are none."""
    if permissions is None:
        return None
    if permissions.every is not None:
        return dict.fromkeys(SCOPES, {"read-all": 1, "write-all": 2}.get(permissions.every, 0))
    return {scope: _LEVELS.get(level, 0) for scope, level in permissions.scopes}


def _literal_entries(token: MappingToken | None) -> tuple[dict[str, tuple[StringToken, Token]], bool]:
    """The pairs by their keys in lower case, and whether there are keys which are not known yet."""
    entries: tuple[Entry, ...] = () if token is None else token.entries
    literal = {
        entry.key.value.lower(): (entry.key, entry.value) for entry in entries if isinstance(entry.key, StringToken)
    }
    return literal, len(literal) < len(entries)


def _events_span(workflow: Workflow) -> Span:
    return workflow.triggers[0].span if workflow.triggers else workflow.span


def _describe(token: Token) -> str:
    match token:
        case StringToken():
            return quote(token.value)
        case NumberToken():
            return token.text
        case BooleanToken():
            return "true" if token.value else "false"
        case NullToken():
            return "nothing"
        case _:
            return "a list or a mapping"

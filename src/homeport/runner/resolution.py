"""Finds the actions that a job's steps use: before the first step what can be found then, local ones when they are reached.

Source: actions/runner `ActionManager.PrepareActions` and `ActionRunner` (composite actions of the workspace are looked into late).
"""

from collections.abc import Iterable, Iterator, Sequence

from homeport.language import nodes
from homeport.language.tokens import StringToken
from homeport.run.facts import VersionResolved
from homeport.runner.actions.model import (
    ActionUnavailableError,
    CompositeAction,
    DockerAction,
    NativeAction,
    NodeAction,
    ResolvedAction,
)
from homeport.runner.session import JobSession

DEEPEST = 10
"""Actions may use actions to this depth (C# runner: `Constants.CompositeActionsMaxDepth`)."""


def is_local(uses: str) -> bool:
    """Whether an action is looked up in the workspace, which holds it only after checkout."""
    return uses.startswith(("./", ".\\")) or uses == "."


def resolve_all(session: JobSession, steps: Iterable[nodes.UsesStep]) -> Iterator[ActionUnavailableError]:
    """Find the actions that these steps use, and those that they use in turn; gives what cannot be found."""
    for step in steps:
        if not is_local(step.uses.value):
            try:
                _resolve_tree(session, step.uses, 0)
            except ActionUnavailableError as error:
                yield error


def _resolve_tree(session: JobSession, uses: StringToken, depth: int) -> ResolvedAction:
    action = session.actions.get(uses.value)
    if action is None:
        action = _resolve(session, uses)
        session.actions[uses.value] = action
        _report(session, action)
        _resolve_inner(session, action, depth)
    return action


def _resolve(session: JobSession, uses: StringToken) -> ResolvedAction:
    action = session.services.resolve(uses, session.surroundings)
    if isinstance(action, DockerAction):
        raise ActionUnavailableError(
            f"container actions are not supported by this build yet: '{uses.value}'", uses.span
        )
    return action


def _resolve_inner(session: JobSession, action: ResolvedAction, depth: int) -> None:
    if isinstance(action, CompositeAction):
        for step in action.runs.steps:
            if isinstance(step, nodes.UsesStep) and not is_local(step.uses.value):
                if depth >= DEEPEST:
                    raise ActionUnavailableError(f"Actions are nested more than {DEEPEST} deep", step.uses.span)
                _resolve_tree(session, step.uses, depth + 1)


def _report(session: JobSession, action: ResolvedAction) -> None:
    origin = action.origin
    session.reporter.add(
        VersionResolved(
            at=session.clock.now(),
            run=session.order.run,
            job=session.order.leg.key,
            step=None,
            kind="action",
            name=origin.uses,
            version=origin.version,
            detail="native" if isinstance(action, NativeAction) else "",
        )
    )


def find_action(session: JobSession, uses: StringToken, depth: int) -> ResolvedAction:
    """As it was found before the first step, or as the workspace has it now. Raises `ActionUnavailableError`."""
    if not is_local(uses.value):
        return _resolve_tree(session, uses, depth)
    if depth >= DEEPEST:
        raise ActionUnavailableError(f"Actions are nested more than {DEEPEST} deep", uses.span)
    action = _resolve(session, uses)
    _resolve_inner(session, action, depth)
    return action


def list_pre_steps(session: JobSession, steps: Sequence[nodes.Step]) -> Iterator[tuple[nodes.UsesStep, ResolvedAction]]:
    """The steps whose action has something to do before all steps. Local actions have not: they are not there yet."""
    for step in steps:
        action = session.actions.get(step.uses.value) if isinstance(step, nodes.UsesStep) else None
        if isinstance(step, nodes.UsesStep) and action is not None and _has_pre(session, action):
            yield step, action


def has_own_pre(action: ResolvedAction) -> bool:
    """Whether the action's own code has a pre stage."""
    match action:
        case NodeAction():
            return action.runs.pre is not None
        case DockerAction():
            return action.runs.pre_entrypoint is not None
        case CompositeAction() | NativeAction():
            return False


def _has_pre(session: JobSession, action: ResolvedAction) -> bool:
    if isinstance(action, CompositeAction):
        return any(True for _ in list_pre_steps(session, action.runs.steps))
    return has_own_pre(action)

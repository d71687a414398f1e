"""Finds the actions that a job's steps use: before the first step what can be found then, local ones when they are reached.

Source: actions/runner `ActionManager.PrepareActions` and `ActionRunner` (composite actions of the workspace are looked into late).
"""

from collections.abc import Iterable, Iterator, Sequence

from homeport.language import nodes
from homeport.language.tokens import StringToken
from homeport.run.facts import VersionResolved
from homeport.runner.actions.model import (
    ActionStoppedError,
    ActionUnavailableError,
    CompositeAction,
    DockerAction,
    FailedUse,
    NativeAction,
    NodeAction,
    ResolvedAction,
)
from homeport.runner.session import JobSession

_Failed = dict[str, FailedUse]
"""By `uses`: what need not be tried again."""

DEEPEST = 10
"""Actions may use actions to this depth (C# runner: `Constants.CompositeActionsMaxDepth`)."""


def is_local(uses: str) -> bool:
    """Whether an action is looked up in the workspace, which holds it only after checkout."""
    return uses.startswith(("./", ".\\")) or uses == "."


def resolve_all(session: JobSession, steps: Iterable[nodes.UsesStep]) -> Iterator[ActionUnavailableError]:
    """Find the actions that these steps use, and those that they use in turn; gives what cannot be found.

    Nothing is given once the job was stopped meanwhile: there is nobody to blame.
    """
    wanted = [step.uses for step in steps if not is_local(step.uses.value)]
    failed = _fetch_all(session, wanted)
    for uses in wanted:
        try:
            _resolve_tree(session, uses, 0, failed)
        except ActionUnavailableError as error:
            if isinstance(error, ActionStoppedError) and session.check_stop():
                return
            yield error


def _fetch_all(session: JobSession, wanted: Sequence[StringToken]) -> _Failed:
    """Find what takes a while, one level of nesting after the other, each level's repositories at the same time."""
    failed: _Failed = {}
    if not wanted:
        return failed
    # only jobs with actions need it
    from homeport.runner.actions.fetching import fetch_level  # noqa: PLC0415

    for _ in range(DEEPEST + 1):
        found, errors = fetch_level(
            [uses for uses in wanted if uses.value not in session.actions and uses.value not in failed],
            session.services.resolve,
            session.surroundings,
            begin=session.reporter.send,  # it may take minutes: the job's start is seen before
        )
        failed.update(errors)
        for text, action in found.items():
            _keep(session, text, action)
        wanted = [uses for action in found.values() for uses in _list_inner(action)]
        if not wanted:
            break
    return failed


def _keep(session: JobSession, uses: str, action: ResolvedAction) -> None:
    session.actions[uses] = action
    _report(session, action)
    for remark in action.origin.remarks:
        session.reporter.annotation("warning", session.masker.mask_text(remark))


def _resolve_tree(session: JobSession, uses: StringToken, depth: int, failed: _Failed) -> ResolvedAction:
    action = session.actions.get(uses.value)
    if action is None:
        if uses.value in failed:
            raise failed[uses.value].blame(uses)
        action = session.services.resolve(uses, session.surroundings)
        _keep(session, uses.value, action)
    _resolve_inner(session, action, depth, failed)
    return action


def _resolve_inner(session: JobSession, action: ResolvedAction, depth: int, failed: _Failed) -> None:
    for uses in _list_inner(action):
        if depth >= DEEPEST:
            raise ActionUnavailableError(f"Actions are nested more than {DEEPEST} deep", uses.span)
        _resolve_tree(session, uses, depth + 1, failed)


def _list_inner(action: ResolvedAction) -> Iterator[StringToken]:
    """What an action uses in turn, but for what only the workspace has."""
    if isinstance(action, CompositeAction):
        for step in action.runs.steps:
            if isinstance(step, nodes.UsesStep) and not is_local(step.uses.value):
                yield step.uses


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
            detail="native" if isinstance(action, NativeAction) else "upstream" if origin.ref else "",
        )
    )


def find_action(session: JobSession, uses: StringToken, depth: int) -> ResolvedAction:
    """As it was found before the first step, or as the workspace has it now. Raises `ActionUnavailableError`."""
    action = session.actions.get(uses.value)
    if action is not None:
        return action
    with session.resolving:
        if not is_local(uses.value):
            return _resolve_tree(session, uses, depth, {})
        if depth >= DEEPEST:
            raise ActionUnavailableError(f"Actions are nested more than {DEEPEST} deep", uses.span)
        action = session.services.resolve(uses, session.surroundings)
        _resolve_inner(session, action, depth, _fetch_all(session, list(_list_inner(action))))
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

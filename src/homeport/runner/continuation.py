"""What a failed job's runner has to know to go on from a step, in a re-run, in the folders that the job left.

Not carried over: what was outside of those folders (containers, services, background steps: such jobs are not kept), problem matchers,
and the later stages of actions inside composite actions.
"""

from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any

import msgspec

from homeport.language import nodes
from homeport.ports.kept_workspaces import KeptWorkspace, KeptWorkspaces
from homeport.ports.peer import JobOrder
from homeport.ports.repositories import StoreError
from homeport.runner.actions.model import ActionUnavailableError, CompositeAction, ResolvedAction
from homeport.runner.entries import Entry
from homeport.runner.folders import remove_tree
from homeport.runner.remarks import say
from homeport.runner.resolution import find_action
from homeport.runner.scope import PostStage, Scope
from homeport.runner.session import JobSession
from homeport.runner.settings import Services

_MOST_BYTES = 8 << 20
"""Where what is remembered of all steps is more, only what concerns the failed one is kept"""


class StepMemory(msgspec.Struct, frozen=True, kw_only=True):
    """How the job stood before a step: what `Checkpoint` holds, for another process."""

    number: int
    id: str
    env: dict[str, str]
    """what steps had written to it: what stands in the workflow is evaluated anew, with the secrets of that day"""
    path: list[str]
    steps: dict[str, Any]
    posts: list[str]
    """the ids of steps whose actions have something to do at the end"""


class JobMemory(msgspec.Struct, frozen=True, kw_only=True):
    """All of it: as secret as what the job's steps wrote."""

    steps: list[StepMemory]
    states: list[tuple[list[str], dict[str, str]]]
    names: int
    """the number of the last file that was made for a step"""
    masked: list[bytes]
    """what steps had hidden (`add-mask`)"""


class Continuation(msgspec.Struct, frozen=True, kw_only=True):
    """A failed job that can be gone on with: the step that failed, and what is to be remembered."""

    failed: int
    memory: JobMemory


class LostWorkspaceError(OSError):
    """What a job was to go on in is not there."""


class Trail:
    """What is remembered while the steps run, until one has failed. Made when the job is set up; used by the job's thread."""

    def __init__(self, session: JobSession, scope: Scope) -> None:
        self._session = session
        self._scope = scope
        self._env = dict(session.env)
        self._masked = set(session.masker.forms)
        self._steps: list[StepMemory] = []
        self._failed = 0
        self._is_lost = session.wanted_container is not None or bool(session.wanted_services)

    def note(self, entry: Entry) -> None:
        """A step is about to begin."""
        if not self._failed and self._session.status == "success":
            self._steps.append(self._remember(entry))

    def note_end(self, entry: Entry, *, has_failed: bool) -> None:
        """It has ended, or goes on in the background."""
        step = entry.step
        if isinstance(step, nodes.RunStep | nodes.UsesStep) and step.background and not self._failed:
            self._is_lost = True  # what it did beside the steps after it is not done again
        if has_failed and not self._failed:
            self._failed = entry.number

    def find(self) -> Continuation | None:
        """At the job's end; None where nobody could go on."""
        session = self._session
        if self._is_lost or not self._failed or session.status != "failure":
            return None
        states = [(list(path), dict(state)) for path, state in session.states.items() if state]
        masked = sorted(set(session.masker.forms) - self._masked)
        return Continuation(
            failed=self._failed,
            memory=JobMemory(steps=self._steps, states=states, names=int(session.next_name()), masked=masked),
        )

    def _remember(self, entry: Entry) -> StepMemory:
        session, scope = self._session, self._scope
        posts = [post for post in scope.posts if post.is_needed and not isinstance(post.action, CompositeAction)]
        return StepMemory(
            number=entry.number,
            id=entry.id,
            env={name: value for name, value in session.env.items() if self._env.get(name) != value},
            path=list(session.path),
            steps=dict(scope.steps),
            posts=[post.step.id for post in posts],
        )


def keep(session: JobSession, continuation: Continuation) -> bool:
    """Keep the folders of a job of which nothing runs any more, or remove them; False: that is still the job's to do. Raises `OSError`."""
    kept, order = session.services.kept, session.order
    memory = _encode(continuation)
    if kept is None or memory is None:
        return False
    workspace = KeptWorkspace(
        run=order.run,
        attempt=int(order.github.get("run_attempt") or 1),
        job=order.leg.key,
        root=session.outside.paths.root,
        until=session.clock.now() + timedelta(minutes=session.settings.keep_failed_minutes),
        failed=continuation.failed,
        steps=tuple(step.number for step in memory.steps),
    )
    session.outside.release()  # whoever goes on in the folders may come as soon as they are kept
    is_kept = False
    with suppress(StoreError):
        is_kept = kept.keep(workspace, msgspec.msgpack.encode(memory))
    if not is_kept:
        with suppress(OSError):
            remove_tree(workspace.root)
    return True


def _encode(continuation: Continuation) -> JobMemory | None:
    """What of it is kept; None for what cannot be written down (text that is none)."""
    memory = continuation.memory
    failed = [step for step in memory.steps if step.number == continuation.failed]
    for steps in (memory.steps, failed):
        chosen = msgspec.structs.replace(memory, steps=steps)
        try:
            if len(msgspec.msgpack.encode(chosen)) <= _MOST_BYTES:
                return chosen
        except ValueError:
            return None
    return None


class Resumed:
    """What a job goes on in. It is the job's to keep again, or to let go."""

    def __init__(self, kept: KeptWorkspaces, workspace: KeptWorkspace, memory: JobMemory) -> None:
        self._kept = kept
        self.workspace = workspace
        self._memory = memory

    def restore(self, session: JobSession, scope: Scope, entries: Sequence[Entry]) -> None:
        """Put a job that has been set up where the earlier one stood. Raises `LostWorkspaceError`."""
        order, memory = session.order, self._memory
        found = next((step for step in memory.steps if step.number == order.start_from_step), None)
        if found is None or not any((entry.number, entry.id) == (found.number, found.id) for entry in entries):
            message = f"attempt {order.resumed_attempt} cannot be gone on with at step {order.start_from_step}"
            raise LostWorkspaceError(message)
        session.masker.add_forms(memory.masked)
        session.skip_names(memory.names)
        session.env.update(found.env)
        session.path = list(found.path)
        scope.steps.update(found.steps)
        session.states.update({tuple(path): dict(state) for path, state in memory.states})
        written = {entry.id: entry.step for entry in entries if entry.stage == "main"}
        for id_ in found.posts:
            step = written.get(id_)
            if isinstance(step, nodes.UsesStep):
                scope.posts.append(PostStage(scope, step, _find_action(session, step), None))
        say(
            session,
            "notice",
            f"This job went on from step {order.start_from_step}, in the folders that attempt {order.resumed_attempt} left: "
            "the steps before it were not run again.",
        )

    def let_go(self, *, is_used: bool) -> None:
        """When the job has ended: the folders are gone, or kept as what this job left. Where they could not be used, they go now."""
        if not is_used:
            with suppress(OSError):
                remove_tree(self.workspace.root)
        with suppress(StoreError):  # the next start of a runner clears it up
            self._kept.drop(self.workspace)


def take_up(services: Services, order: JobOrder) -> Resumed:
    """Take what an earlier attempt left. Raises `LostWorkspaceError`."""
    kept, attempt = services.kept, order.resumed_attempt
    try:
        taken = None if kept is None else kept.take(order.run, attempt, order.leg.key)
    except StoreError as error:
        raise LostWorkspaceError(str(error)) from error
    if kept is None or taken is None:
        raise LostWorkspaceError(
            f"what attempt {attempt} of this job left is not kept any more, so it cannot go on from step {order.start_from_step}: "
            "run the whole job again"
        )
    workspace, data = taken
    try:
        return Resumed(kept, workspace, msgspec.msgpack.decode(data, type=JobMemory))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        with suppress(StoreError):
            kept.drop(workspace)
        raise LostWorkspaceError(f"what attempt {attempt} of this job left cannot be read: {error}") from error


def _find_action(session: JobSession, step: nodes.UsesStep) -> ResolvedAction:
    try:
        return find_action(session, step.uses, 0)
    except ActionUnavailableError as error:
        raise LostWorkspaceError(f"the action of step '{step.id}' is not there any more: {error.message}") from error

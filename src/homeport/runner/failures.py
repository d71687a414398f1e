"""What happens where a step failed: somebody may look (`--shell-on-failure`), or mend it and go on (`--pause-on-failure`)."""

from collections.abc import Sequence

from homeport.run.facts import JobPaused, JobResumed
from homeport.runner.entries import Entry
from homeport.runner.frame import StepFrame
from homeport.runner.scope import Scope
from homeport.runner.session import JobSession
from homeport.runner.settings import FailedStep


class Checkpoint:
    """How the job stood before a step, to go back to."""

    def __init__(self, session: JobSession, scope: Scope) -> None:
        self._env = dict(session.env)
        self._path = list(session.path)
        self._status = session.status
        self._steps = dict(scope.steps)
        self._posts = list(scope.posts)

    def restore(self, session: JobSession, scope: Scope) -> None:
        """The workspace stays as it is."""
        session.env = dict(self._env)
        session.path = list(self._path)
        session.status = self._status
        scope.steps.clear()
        scope.steps.update(self._steps)
        scope.posts = list(self._posts)


class Failures:
    """Of one job. Used by the job's thread."""

    def __init__(self, session: JobSession, scope: Scope) -> None:
        self._session = session
        self._scope = scope
        self._checkpoints: dict[int, Checkpoint] = {}

    def remember(self, entry: Entry) -> None:
        """Keep how the job stands before a step, if it may be run again."""
        if self._session.settings.pause_on_failure:
            self._checkpoints[entry.number] = Checkpoint(self._session, self._scope)

    def show(self, entry: Entry, frame: StepFrame) -> None:
        """Let somebody look at the place where a step failed."""
        hook = self._session.settings.on_step_failure
        if hook is None or entry.stage != "main":
            return
        self._session.reporter.send()
        hook(
            FailedStep(
                run=self._session.order.run,
                job=self._session.order.leg.key,
                step=entry.id,
                number=entry.number,
                name=frame.name,
                working_directory=frame.working_directory,
                environment=frame.environment(),
            )
        )

    def pause(self, entries: Sequence[Entry], index: int) -> int:
        """Wait, with everything as it is, until somebody says where to go on; the index of the next step."""
        session = self._session
        if not session.settings.pause_on_failure or session.check_stop():
            return index + 1
        order, entry = session.order, entries[index]
        session.reporter.add(
            JobPaused(
                at=session.clock.now(),
                run=order.run,
                job=order.leg.key,
                step=entry.id,
                number=entry.number,
                workspace=session.paths.workspace,
            )
        )
        session.reporter.send()
        wanted = session.peer.wait_for_retry(order.lease)
        if wanted is None:
            return index + 1
        number = max((known for known in self._checkpoints if known <= wanted), default=min(self._checkpoints))
        self._checkpoints[number].restore(session, self._scope)
        session.reporter.add(JobResumed(at=session.clock.now(), run=order.run, job=order.leg.key, number=number))
        return next(position for position, each in enumerate(entries) if each.number == number)

"""Carries out one job: folders, actions, steps, outputs, and its end.

Source: actions/runner `JobRunner` and `JobExtension`. This is the one place of a run where any error is caught: a fault of Homeport's
own fails the job, visibly.
"""

from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec

from homeport.ports.executor import JobEnvironment
from homeport.ports.peer import IDENTITY_TOKEN, SERVER_TOKEN, JobOrder, Peer
from homeport.run.facts import Conclusion, JobFinished, JobStarted
from homeport.runner.entries import list_entries
from homeport.runner.finish import find_reason, finish
from homeport.runner.masking import Masker
from homeport.runner.reporter import Reporter
from homeport.runner.session import JobSession
from homeport.runner.settings import RunnerSettings, Services
from homeport.runner.setup import set_up
from homeport.runner.step import StepLoop
from homeport.runner.stop import JobStop

if TYPE_CHECKING:
    from homeport.runner.containers.job_container import JobContainer
    from homeport.runner.continuation import Continuation, Resumed
    from homeport.runner.services.stage import ServiceStage


class JobRunner:
    """Runs jobs; one call of `run` for each, in a thread of its own."""

    def __init__(self, services: Services, settings: RunnerSettings) -> None:
        self._services = services
        self._settings = settings

    def run(self, order: JobOrder, peer: Peer) -> None:
        """Carry out a job to its `JobFinished`, which is the last fact that is reported, whatever happens.

        Called once for an order. Blocks until the job has ended and its processes and folders are gone. Told to stop by the peer's
        signal: the running step is interrupted, cleanup steps run.
        """
        reporter = Reporter(order, peer, self._services.clock)
        self._report_start(reporter, order)
        masker = Masker()
        environment: JobEnvironment | None = None
        session: JobSession | None = None
        resumed: Resumed | None = None
        ended = JobEnd(outcome="failure")
        try:
            secrets = dict(peer.secrets(order.lease))
            _hide(masker, secrets)
            identity_token, server_token = secrets.pop(IDENTITY_TOKEN, ""), secrets.pop(SERVER_TOKEN, "")
            resumed = _take_up(self._services, order)
            environment = self._services.executor.open(order, "" if resumed is None else resumed.workspace.root)
            session = JobSession(
                order,
                environment,
                secrets,
                peer=peer,
                settings=self._settings,
                services=self._services,
                masker=masker,
                reporter=reporter,
                stop=self._make_stop(order, peer),
            )
            session.identity_token, session.server_token = identity_token, server_token
            try:
                ended = _carry_out(session, resumed)
            finally:
                session.matchers.close()
                if session.toolkit is not None:
                    session.toolkit.close()
        except OSError as error:
            ended = _explain(reporter, masker, f"The job could not be carried out: {error}")
        except Exception as error:
            ended = _explain(reporter, masker, f"Homeport failed: {type(error).__name__}: {error}")
            if self._settings.on_fault is not None:
                self._settings.on_fault(error)
        finally:
            if environment is not None:
                environment.end_processes()
            is_kept = session is not None and ended.continuation is not None and _keep(session, ended.continuation)
            self._finish(reporter, order, ended)
            # what cannot be removed (files that the job made as somebody else) is tried again when Homeport starts next
            with suppress(OSError):
                if environment is not None and not is_kept:
                    environment.close()
            if resumed is not None:
                resumed.let_go(is_used=environment is not None)

    def _report_start(self, reporter: Reporter, order: JobOrder) -> None:
        leg = order.leg
        reporter.add(
            JobStarted(
                at=self._services.clock.now(),
                run=order.run,
                job=leg.key,
                job_id=leg.job_id,
                name=leg.name,
                matrix=leg.matrix,
                runner=self._settings.name,
                lease=order.lease,
            )
        )

    def _make_stop(self, order: JobOrder, peer: Peer) -> JobStop:
        return JobStop(
            peer.stop_signal(order.lease),
            self._services.clock,
            timeout_minutes=order.leg.timeout_minutes,
            cleanup_minutes=order.leg.cancel_timeout_minutes,
        )

    def _finish(self, reporter: Reporter, order: JobOrder, ended: "JobEnd") -> None:
        """Processes have ended before the job does; its folders may take a moment longer to go."""
        leg = order.leg
        conclusion: Conclusion = "success" if ended.outcome == "failure" and leg.continue_on_error else ended.outcome
        reporter.add(
            JobFinished(
                at=self._services.clock.now(),
                run=order.run,
                job=leg.key,
                job_id=leg.job_id,
                name=leg.name,
                matrix=leg.matrix,
                conclusion=conclusion,
                outcome=ended.outcome,
                outputs=ended.outputs,
                reason=ended.reason,
            )
        )
        reporter.send()


class JobEnd(msgspec.Struct, frozen=True, kw_only=True):
    """How a job ended."""

    outcome: Conclusion
    outputs: dict[str, str] = {}
    reason: str | None = None
    continuation: "Continuation | None" = None
    """where somebody may go on from the step that failed"""


def _take_up(services: Services, order: JobOrder) -> "Resumed | None":
    """What the job is to go on in. Raises `OSError`."""
    if not order.resumed_attempt:
        return None
    from homeport.runner.continuation import take_up  # noqa: PLC0415 - re-runs on a server only

    return take_up(services, order)


def _keep(session: JobSession, continuation: "Continuation") -> bool:
    from homeport.runner.continuation import keep  # noqa: PLC0415 - servers only

    return keep(session, continuation)


def _explain(reporter: Reporter, masker: Masker, message: str) -> JobEnd:
    text = masker.mask_text(message)
    reporter.annotation("error", text)
    return JobEnd(outcome="failure", reason=text)


def _hide(masker: Masker, secrets: dict[str, str]) -> None:
    token = secrets.get("GITHUB_TOKEN", "")
    values = [value for value in (*secrets.values(), token and f"x-access-token:{token}") if value]
    if values:
        masker.add(*values)


def _carry_out(session: JobSession, resumed: "Resumed | None") -> JobEnd:
    loop = StepLoop(session)
    blamed = set_up(session)
    stage = None if blamed else _find_services(session)
    entries = list_entries(session, first=1 if stage is None else 2)
    if blamed:
        session.reason = "; ".join(blamed)
        session.worsen("failure")
        loop.skip(entries, "the job failed before it began")
    else:
        session.reporter.hasten()
        try:
            if stage is not None:
                stage.initialize(1)
            if resumed is not None:
                resumed.restore(session, loop.scope, entries)
            loop.run(entries)
        finally:
            # nothing is left but after a fault
            loop.skip(entries, "the job ended before it")
            if stage is not None:
                stage.stop(max(loop.last_number, 1) + 1)
            for clear in session.at_end:
                clear()
    outputs = {} if blamed else finish(session, loop.scope)
    return JobEnd(
        outcome=session.status,
        outputs=outputs,
        reason=find_reason(session),
        continuation=None if blamed else loop.find_continuation(),
    )


def _find_services(session: JobSession) -> "ServiceStage | None":
    host = session.service_host
    if host is None or not (session.wanted_container is not None or session.wanted_services):
        return None
    from homeport.runner.services.stage import ServiceStage  # noqa: PLC0415 - many jobs have none

    return ServiceStage(session, host, session.wanted_services, _make_container(session))


def _make_container(session: JobSession) -> "JobContainer | None":
    if session.wanted_container is None:
        return None
    from homeport.runner.containers.job_container import JobContainer  # noqa: PLC0415 - an optional extra

    return JobContainer(session, session.wanted_container)

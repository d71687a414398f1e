"""The two steps around those of a job with services: "Initialize containers" before the first, "Stop containers" after the last.

Source: actions/runner `ContainerOperationProvider` (order, names of steps and groups, what is said while it waits) and `JobExtension` (a failed
start is a failed step: steps with `always()` still run, and what was started is removed).
"""

import select
from typing import Protocol

from homeport.diagnostics.span import Span
from homeport.ports.containers import (
    ContainerSpec,
    Health,
    JobServices,
    RunningService,
    ServiceHost,
    ServiceUnavailableError,
)
from homeport.run.facts import Conclusion, StepFinished, StepStarted
from homeport.runner.output import StepLog
from homeport.runner.record import Place, Voice
from homeport.runner.session import JobSession

_INITIALIZE = ("__initialize_containers", "Initialize containers")
_STOP = ("__stop_containers", "Stop containers")
_FIRST_PAUSE = 0.02
_LONGEST_PAUSE = 0.5
"""GitHub's runner waits 2 to 32 seconds; most services are up before that."""
_FIRST_WORD_SECONDS = 2.0
"""Who waits so long is told; then each time that it has doubled."""


class _StoppedError(Exception):
    """The job has to end while its services start."""


class OwnContainer(Protocol):
    """The container that a job itself runs in."""

    def start(self, voice: Voice) -> None:
        """Make it. Raises `ServiceUnavailableError`."""
        ...

    def stop(self, voice: Voice) -> None:
        """Remove it. Safe to call after a failed start."""
        ...


class ServiceStage:
    """The services of one job (and its own container), from their start to their end. Used by the job's thread."""

    def __init__(
        self,
        session: JobSession,
        host: ServiceHost,
        specs: tuple[ContainerSpec, ...],
        container: OwnContainer | None = None,
    ) -> None:
        self._session = session
        self._host = host
        self._specs = specs
        self._services: JobServices | None = None
        self._running: list[tuple[ContainerSpec, RunningService]] = []
        self._container = container

    def initialize(self, number: int) -> None:
        """Start them and wait until all are healthy. A failure fails the job, but is no exception."""
        session = self._session
        step, name = _INITIALIZE
        if session.check_stop():
            self._report_end(step, name, number, "skipped", None)
            return
        voice = self._begin(step, name, number)
        outcome: Conclusion = "success"
        reason: str | None = None
        try:
            reason = self._start(voice)
        except ServiceUnavailableError as error:
            reason = _explain(voice, error)
        except _StoppedError:
            outcome = "cancelled"
            reason = "The operation was canceled."
            voice.log.write("##[endgroup]")
            voice.fail(reason)
        if reason is not None and outcome == "success":
            outcome = "failure"
            session.reason = reason
        session.worsen(outcome)
        voice.log.send()
        self._report_end(step, name, number, outcome, reason)

    def stop(self, number: int) -> None:
        """Print what they have printed, and remove them. Safe to call whatever happened before."""
        step, name = _STOP
        voice = self._begin(step, name, number)
        for spec, running in self._running:
            voice.log.write(f"Print service container logs: {spec.name}")
            _write(voice, running.log())
            voice.log.write(f"Stop and remove container: {running.id}")
        if self._container is not None:
            self._container.stop(voice)
        services, self._services = self._services, None
        if services is not None:
            services.close()
        voice.log.send()
        self._report_end(step, name, number, "success", None)

    # --- starting -----------------------------------------------------------------------------------------------------

    def _start(self, voice: Voice) -> str | None:
        """Why they could not be started, if so."""
        session = self._session
        services = self._services = self._host.open(session.order)
        if services.network:
            session.standing.setdefault("container", {})["network"] = services.network
        if self._container is not None:
            self._container.start(voice)  # before its services, as on GitHub
        refused = [reason for spec in self._specs for reason in self._start_one(services, spec, voice)]
        failed = self._await_all(voice)
        for spec, running, state in failed:
            voice.log.write(f"##[group]Service container {spec.name} failed.")
            _write(voice, running.log())
            voice.log.write("##[endgroup]")
            voice.fail(f"Failed to initialize container {spec.image}: {_describe(spec, state)}", spec.span)
        if failed:
            names = ", ".join(f"'{spec.name}'" for spec, _, _ in failed)
            return f"One or more containers failed to start: {names}"
        return refused[0] if refused else None

    def _start_one(self, services: JobServices, spec: ContainerSpec, voice: Voice) -> list[str]:
        """The remarks that are failures."""
        if self._session.check_stop():
            raise _StoppedError
        voice.log.write(f"##[group]Starting {spec.name} service container")
        voice.log.write(spec.image)
        voice.log.send()
        running = _start(services, spec)
        self._running.append((spec, running))
        context = {"id": running.id, "network": running.network, "ports": dict(running.ports)}
        self._session.standing.setdefault("services", {})[spec.name] = context
        voice.log.write(running.id)
        for inner, outer in running.ports.items():
            voice.log.write(f"{inner}/tcp -> localhost:{outer}")
        voice.log.write("##[endgroup]")
        remarks = [f"Service '{spec.name}': {remark}" for remark in running.remarks]
        if self._session.settings.strict_services:
            for remark in remarks:
                voice.fail(f"{remark} (--strict-services)", spec.span)
            return remarks
        for remark in remarks:
            voice.annotate("warning", remark, _locate(spec.span))
        return []

    def _await_all(self, voice: Voice) -> list[tuple[ContainerSpec, RunningService, Health]]:
        """Those that did not get healthy."""
        if not self._running:
            return []
        voice.log.write("##[group]Waiting for all services to be ready")
        states = [(spec, running, self._await(spec, running, voice)) for spec, running in self._running]
        failed = [each for each in states if each[2] != "healthy"]
        voice.log.write("##[endgroup]")
        return failed

    def _await(self, spec: ContainerSpec, running: RunningService, voice: Voice) -> Health:
        """How it stands once it is not starting any more."""
        clock = self._session.clock
        began_at = clock.monotonic()
        pause, next_word = _FIRST_PAUSE, _FIRST_WORD_SECONDS
        while (state := running.health()) == "starting":
            if self._session.check_stop():
                raise _StoppedError
            if clock.monotonic() - began_at >= next_word:
                voice.log.write(f"{spec.name} service is starting, for {next_word:g} seconds now.")
                next_word *= 2
            voice.log.send()
            self._sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)
        voice.log.write(f"{spec.name} service is {state}.")
        return state

    def _sleep(self, seconds: float) -> None:
        """Ends early when the job has to."""
        stop = self._session.stop
        poller = select.poll()
        poller.register(stop.signal.fileno(), select.POLLIN)
        left = min(seconds, max(0.0, stop.next_moment - self._session.clock.monotonic()))
        poller.poll(int(left * 1000) + 1)

    # --- facts --------------------------------------------------------------------------------------------------------

    def _begin(self, step: str, name: str, number: int) -> Voice:
        session = self._session
        order = session.order
        session.reporter.add(
            StepStarted(at=session.clock.now(), run=order.run, job=order.leg.key, step=step, number=number, name=name)
        )
        return Voice(session, step, StepLog(step, session.masker, session.reporter, session.clock))

    def _report_end(self, step: str, name: str, number: int, outcome: Conclusion, reason: str | None) -> None:
        session = self._session
        session.reporter.add(
            StepFinished(
                at=session.clock.now(),
                run=session.order.run,
                job=session.order.leg.key,
                step=step,
                number=number,
                name=name,
                outcome=outcome,
                conclusion=outcome,
                exit_code=None,
                outputs={},
                reason=reason and session.masker.mask_text(reason),
            )
        )
        session.reporter.send()


def _start(services: JobServices, spec: ContainerSpec) -> RunningService:
    try:
        return services.start(spec)
    except ServiceUnavailableError as error:
        message = f"The service '{spec.name}' cannot be started: {error.message}"
        raise ServiceUnavailableError(message, error.span, hint=error.hint, log=error.log) from error


def _explain(voice: Voice, error: ServiceUnavailableError) -> str:
    """Show what a service has printed, and why it is not there."""
    if error.log:
        _write(voice, error.log)
    voice.log.write("##[endgroup]")
    voice.fail(error.message if error.hint is None else f"{error.message}\n{error.hint}", error.span)
    return error.message


def _describe(spec: ContainerSpec, health: Health) -> str:
    state = "has ended" if health == "ended" else f"is {health}"
    return f"the service '{spec.name}' {state}"


def _write(voice: Voice, text: str) -> None:
    if text.strip():
        voice.log.write(text.rstrip())


def _locate(span: Span) -> Place:
    return Place(span.file, span.line, span.column, span.end_line, span.end_column)

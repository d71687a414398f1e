"""Runs one job of a workflow with the real runner and real processes, and keeps what it reports."""

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from textwrap import dedent
from time import monotonic
from typing import Any, TypeVar

from homeport.language import nodes
from homeport.language.parser.workflow import parse_workflow
from homeport.language.tokens import StringToken
from homeport.plan.model import Leg, PlannedEnvironment
from homeport.ports.artifacts import ArtifactStore
from homeport.ports.caches import CacheStore
from homeport.ports.clock import Clock
from homeport.ports.containers import ContainerEngines, ServiceHost
from homeport.ports.executor import Executor
from homeport.ports.peer import JobOrder
from homeport.run.facts import (
    AnnotationRaised,
    JobFinished,
    LinesLogged,
    RunnerFact,
    StepFinished,
    StepStarted,
)
from homeport.runner.actions.model import ActionUnavailableError, ResolveAction, ResolvedAction, Surroundings
from homeport.runner.executors.process import ProcessExecutor
from homeport.runner.job import JobRunner
from homeport.runner.settings import FailedStep, RunnerSettings, Services

_Fact = TypeVar("_Fact", bound=RunnerFact)


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return monotonic()


class TravellingClock(SystemClock):
    """The machine's clock, which a test may move on: what would take minutes happens at once."""

    def __init__(self) -> None:
        self._ahead = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self._ahead

    def advance(self, seconds: float) -> None:
        self._ahead += seconds


class StopFlag:
    """A `StopSignal` that a test raises."""

    def __init__(self) -> None:
        self._read, self._write = os.pipe()
        self.reason: str | None = None
        self.forced = False

    def fileno(self) -> int:
        return self._read

    def stop(self, reason: str = "cancelled", *, forced: bool = False) -> None:
        self.reason, self.forced = reason, forced
        os.write(self._write, b".")

    def close(self) -> None:
        os.close(self._read)
        os.close(self._write)


class KeepingPeer:
    """A `Peer` for one job, which keeps every fact and tells `listeners` of each as it comes."""

    def __init__(self, order: JobOrder, secrets: Mapping[str, str], retries: Sequence[int | None] = ()) -> None:
        self._order = order
        self._secrets = secrets
        self._retries = list(retries)
        self._lock = threading.Lock()
        self.flag = StopFlag()
        self.facts: list[RunnerFact] = []
        self.sequences: list[int] = []
        self.listeners: list[Callable[[RunnerFact], None]] = []

    def next_job(self) -> JobOrder | None:
        return None

    def stop_signal(self, lease: str) -> StopFlag:
        assert lease == self._order.lease
        return self.flag

    def wait_for_retry(self, lease: str) -> int | None:
        assert lease == self._order.lease
        return self._retries.pop(0) if self._retries else None

    def secrets(self, lease: str) -> Mapping[str, str]:
        assert lease == self._order.lease
        return self._secrets

    def report(self, lease: str, sequence: int, facts: Sequence[RunnerFact]) -> None:
        assert lease == self._order.lease
        with self._lock:
            self.sequences.append(sequence)
            self.facts.extend(facts)
        for fact in facts:
            for listener in self.listeners:
                listener(fact)


class WorkingTree:
    """`Sources` that name a folder."""

    def __init__(self, folder: str, *, in_place: bool = False) -> None:
        self.folder = folder
        self.in_place = in_place
        self.is_bare = False

    def find_repository(self, repository: str, ref: str) -> str | None:
        return ""


class Report:
    """What a job has reported."""

    def __init__(self, facts: Sequence[RunnerFact], sequences: Sequence[int]) -> None:
        self.facts = tuple(facts)
        self.sequences = tuple(sequences)

    def of(self, kind: type[_Fact]) -> list[_Fact]:
        """The facts of one type."""
        return [fact for fact in self.facts if isinstance(fact, kind)]

    def lines(self, step: str | None = None) -> list[str]:
        """What was printed, in order."""
        return [line for fact in self.of(LinesLogged) if step in {None, fact.step} for line in fact.text.split("\n")]

    def output(self, step: str | None = None) -> list[str]:
        """What the commands themselves printed: without the headers of steps."""
        shown: list[str] = []
        in_header = False
        for line in self.lines(step):
            in_header = in_header or line.startswith("##[group]Run ")
            if not in_header:
                shown.append(line)
            in_header = in_header and line != "##[endgroup]"
        return shown

    def step(self, step: str) -> StepFinished:
        """The one end of a step."""
        (fact,) = [fact for fact in self.of(StepFinished) if fact.step == step]
        return fact

    @property
    def started(self) -> list[str]:
        """The ids of the steps that began, in order."""
        return [fact.step for fact in self.of(StepStarted)]

    @property
    def conclusions(self) -> dict[str, str]:
        """How each step ended."""
        return {fact.step: fact.conclusion for fact in self.of(StepFinished)}

    @property
    def annotations(self) -> list[tuple[str, str]]:
        """Severity and message of each."""
        return [(fact.severity, fact.message) for fact in self.of(AnnotationRaised)]

    @property
    def errors(self) -> list[str]:
        """The messages of the errors."""
        return [message for severity, message in self.annotations if severity == "error"]

    @property
    def end(self) -> JobFinished:
        """How the job ended: the last fact, and the only one of its kind."""
        (fact,) = self.of(JobFinished)
        assert self.facts[-1] is fact
        return fact


def no_actions(uses: StringToken, surroundings: Surroundings) -> ResolvedAction:
    """A `ResolveAction` that knows none."""
    raise ActionUnavailableError(f"the action {uses.value} is not known", uses.span)


class Bench:
    """A place to run jobs in: folders, services, defaults."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.host_environment: dict[str, str] = dict(os.environ)
        self.pass_names: tuple[str, ...] = ()
        self.in_place: str | None = None
        self.source = folder / "source"
        self.clock: Clock = SystemClock()
        self.resolve: ResolveAction = no_actions
        self.artifacts: Any = None
        self.caches: Any = None
        self.settings = RunnerSettings(name="bench")
        self.executor: Executor | None = None
        self.service_host: ServiceHost | None = None
        self.containers: ContainerEngines | None = None

    def services(self) -> Services:
        """The runner's parts."""
        executor = self.executor or ProcessExecutor(
            work_folder=str(self.folder / "work"),
            tool_cache=str(self.folder / "tools"),
            host_environment=self.host_environment,
            pass_names=self.pass_names,
            in_place=self.in_place,
        )
        artifacts: ArtifactStore = self.artifacts
        caches: CacheStore = self.caches
        return Services(
            executor=executor,
            clock=self.clock,
            resolve=self.resolve,
            artifacts=artifacts,
            caches=caches,
            sources=WorkingTree(str(self.source)),
            service_host=self.service_host,
            containers=self.containers,
        )

    def order(
        self,
        workflow: str,
        *,
        github: Mapping[str, Any] | None = None,
        leg: Mapping[str, Any] | None = None,
        **contexts: Any,
    ) -> JobOrder:
        """An order for the first job of a workflow."""
        parsed, diagnostics = parse_workflow(dedent(workflow), ".github/workflows/ci.yml")
        assert parsed is not None, diagnostics
        assert not [diagnostic for diagnostic in diagnostics if diagnostic.invalid], diagnostics
        job = parsed.jobs[0]
        assert isinstance(job, nodes.Job)
        environment = job.environment
        planned = None if environment is None else PlannedEnvironment("production", environment.url)
        return JobOrder(
            run="run-1",
            lease="lease-1",
            leg=Leg(**{"key": job.id, "job_id": job.id, "name": job.id, "environment": planned, **(leg or {})}),
            job=job,
            workflow_file=parsed.file,
            workflow_env=parsed.env,
            workflow_defaults=parsed.defaults,
            github={**GITHUB, **(github or {})},
            **contexts,
        )

    def run(
        self,
        workflow: str,
        *,
        secrets: Mapping[str, str] | None = None,
        retries: Sequence[int | None] = (),
        on_fact: Callable[[RunnerFact, StopFlag], None] | None = None,
        is_stopped: bool = False,
        **order: Any,
    ) -> Report:
        """Run the first job of a workflow to its end. `on_fact` sees every fact as it is reported, and may stop the job; with
        `is_stopped` it was stopped before.
        """
        ordered = self.order(workflow, **order)
        peer = KeepingPeer(ordered, secrets or {}, retries)
        if is_stopped:
            peer.flag.stop()
        if on_fact is not None:
            listen = on_fact
            peer.listeners.append(lambda fact: listen(fact, peer.flag))
        try:
            JobRunner(self.services(), self.settings).run(ordered, peer)
        finally:
            peer.flag.close()
        return Report(peer.facts, peer.sequences)


def stop_at_line(wanted: str, reason: str = "cancelled") -> Callable[[RunnerFact, StopFlag], None]:
    """Stops the job as soon as it has printed this line."""

    def look(fact: RunnerFact, flag: StopFlag) -> None:
        if isinstance(fact, LinesLogged) and wanted in fact.text.split("\n") and flag.reason is None:
            flag.stop(reason)

    return look


def at_lines(actions: Mapping[str, Callable[[StopFlag], None]]) -> Callable[[RunnerFact, StopFlag], None]:
    """Does something, once, as soon as a line was printed."""
    left = dict(actions)

    def look(fact: RunnerFact, flag: StopFlag) -> None:
        if isinstance(fact, LinesLogged):
            for line in fact.text.split("\n"):
                action = left.pop(line, None)
                if action is not None:
                    action(flag)

    return look


class Visitor:
    """An `on_step_failure` hook that remembers what it was shown."""

    def __init__(self) -> None:
        self.seen: list[FailedStep] = []

    def __call__(self, failed: FailedStep) -> None:
        self.seen.append(failed)


GITHUB: Mapping[str, Any] = {
    "repository": "octo/app",
    "repository_owner": "octo",
    "repository_id": "1",
    "repository_owner_id": "2",
    "repositoryUrl": "git://github.com/octo/app.git",
    "ref": "refs/heads/main",
    "ref_name": "main",
    "ref_type": "branch",
    "ref_protected": False,
    "base_ref": "",
    "head_ref": "",
    "sha": "0123456789abcdef0123456789abcdef01234567",
    "actor": "ada",
    "actor_id": "7",
    "triggering_actor": "ada",
    "event": {"ref": "refs/heads/main", "forced": False, "number": 7.0},
    "event_name": "push",
    "workflow": "CI",
    "workflow_ref": "octo/app/.github/workflows/ci.yml@refs/heads/main",
    "workflow_sha": "0123456789abcdef0123456789abcdef01234567",
    "run_id": "12",
    "run_number": "3",
    "run_attempt": "1",
    "retention_days": "90",
    "server_url": "https://github.com",
    "api_url": "https://api.github.com",
    "graphql_url": "https://api.github.com/graphql",
    "secret_source": "Actions",
}
"""A `github` context as the coordinator orders it."""

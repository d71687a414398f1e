"""Runs that a server's folder holds already when it starts: written as the server would have written them, but in no time."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any

import msgspec

from homeport.event import Event, Repository
from homeport.plan.expand import expand_job
from homeport.plan.model import Leg, Plan
from homeport.ports.approvals import HeldRun
from homeport.ports.directory import HostedRepository
from homeport.ports.repositories import RunRecord
from homeport.run.facts import (
    AnnotationRaised,
    Conclusion,
    JobExpanded,
    JobFinished,
    JobQueued,
    JobStarted,
    RunFact,
    RunFinished,
    RunQueued,
    RunStarted,
    StepFinished,
    StepStarted,
    SummaryWritten,
)
from homeport.store.data_folder import DataFolder
from homeport.store.logs_packed import PackedLogs
from homeport.store.tables.database import Database
from homeport.store.tables.directory import TableDirectory, TableWorkflows
from homeport.store.tables.held_runs import TableHeldRuns
from homeport.store.tables.history_fold import HistoryFolds
from homeport.store.tables.runs import TableRuns
from tests.support.jobs import SystemClock
from tests.support.planning import plan_of_text, scope_of


class PastRuns:
    """What is put into a data folder before its server starts."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self.database = Database(DataFolder(str(folder)).database_url)
        self._names: dict[int, dict[str, str]] = {}
        self.directory = TableDirectory(self.database)
        self.workflows = TableWorkflows(self.database, SystemClock())
        self.logs = PackedLogs(str(folder / "logs"))
        self.runs = TableRuns(self.database, "past", lambda _: True, (HistoryFolds().follow,))

    def __enter__(self) -> "PastRuns":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.database.close()

    def say(self, run: str, job: str, said: Sequence[tuple[str, str]]) -> None:
        """What the steps of a job said, in order."""
        at = datetime.now(UTC)
        for step, text in said:
            self.logs.append(run, 1, job, step, at, text)
        self.logs.close(run, 1, job)
        self.logs.sync()

    def add_repository(self, full_name: str, **fields: Any) -> HostedRepository:
        owner, _, name = full_name.partition("/")
        return self.directory.add(HostedRepository(id=0, owner=owner, name=name, **fields))

    def add_run(
        self,
        repository: HostedRepository,
        text: str,
        *,
        file: str = "ci.yml",
        begun: datetime | None = None,
        failing: Mapping[str, str] = {},
        title: str = "Say what it does",
        ref: str = "refs/heads/main",
        actor: str = "mona",
        summary: str = "",
        seconds: float = 8,
        steps: Sequence[str] = ("Set up job", "Check out", "Install", "Test", "Complete job"),
        open_jobs: Sequence[str] = (),
    ) -> str:
        """A run of all jobs that need nothing but others; `failing` names, by leg, the step that failed; `open_jobs` go on."""
        record, plan = self._plan(repository, text, file, begun, title, ref, actor)
        player = _Player(plan, record.id, record.created_at, failing, steps, seconds, open_jobs)
        self.runs.create(record, plan)
        facts = player.play(record, summary)
        self.runs.append(player.run, 1, facts)
        if not open_jobs:
            self.runs.close(player.run, 1)
        return player.run

    def add_held(self, repository: HostedRepository, text: str, *, author: str = "mallory") -> str:
        """A run of a pull request from a fork that waits for a maintainer."""
        record, plan = self._plan(repository, text, "ci.yml", None, "A patch", "refs/pull/7/merge", author)
        held = HeldRun(
            run=record.id,
            repository=repository.id,
            pull_request=7,
            head_sha=plan.event.sha,
            author=author,
            held_at=record.created_at,
        )
        assert TableHeldRuns(self.database).hold(held, record, plan)
        return record.id

    def _plan(
        self,
        repository: HostedRepository,
        text: str,
        file: str,
        begun: datetime | None,
        title: str,
        ref: str,
        actor: str,
    ) -> tuple[RunRecord, Plan]:
        """What a push of this commit means for this workflow, with its number."""
        event = Event(
            name="push",
            repository=Repository(
                owner=repository.owner,
                name=repository.name,
                id=str(repository.id),
                owner_id="1",
                default_branch=repository.default_branch,
                server_url="http://127.0.0.1",
            ),
            ref=ref,
            sha="4f2a9c" + "0" * 34,
            actor=actor,
            payload={"head_commit": {"id": "4f2a9c" + "0" * 34, "message": f"{title}\n\nAnd why."}},
        )
        plan = plan_of_text(text, event)
        path = f".github/workflows/{file}"
        plan = msgspec.structs.replace(plan, workflow=msgspec.structs.replace(plan.workflow, file=path))
        names = self._names.setdefault(repository.id, {})
        names[path] = plan.workflow.name
        self.workflows.note(repository.id, names, is_default_branch=True)
        record = RunRecord(
            id=self.runs.new_id(),
            repository=repository.full_name,
            repository_id=repository.id,
            workflow=path,
            number=self.runs.next_number(repository.full_name, path),
            created_at=begun or datetime.now(UTC) - timedelta(minutes=5),
        )
        return record, plan


class _Player:
    """Carries a plan out by making up what happened."""

    def __init__(
        self,
        plan: Plan,
        run: str,
        at: datetime,
        failing: Mapping[str, str],
        steps: Sequence[str],
        seconds: float,
        open_jobs: Sequence[str],
    ) -> None:
        self.plan = plan
        self.run = run
        self.facts: list[RunFact] = []
        self._at = at
        self._failing = failing
        self._steps = steps
        self._seconds = seconds
        self._open = open_jobs
        self._leases = 0
        self._ends: dict[str, tuple[datetime, Conclusion]] = {}

    def play(self, record: RunRecord, summary: str) -> list[RunFact]:
        plan = self.plan
        self.facts = [
            RunQueued(
                at=self._at,
                run=self.run,
                workflow=plan.workflow.file,
                name=plan.workflow.name,
                event=plan.event.name,
                run_name=plan.run_name,
                number=record.number,
            ),
            RunStarted(at=self._at, run=self.run),
        ]
        scope = scope_of(plan)
        for planned in plan.workflow.jobs:
            needs = [need.job_id for need in planned.written.needs]
            start = max((self._ends[need][0] for need in needs if need in self._ends), default=self._at)
            if any(self._ends.get(need, (start, "skipped"))[1] != "success" for need in needs):
                self._skip(planned.written.id, start)
                continue
            expansion = expand_job(planned, scope, {need: {"outputs": {}, "result": "success"} for need in needs})
            assert not expansion.mistake, expansion.mistake
            legs = expansion.legs
            self.facts.append(JobExpanded(at=start, run=self.run, job=planned.written.id, legs=legs))
            ends = [self._carry_out(leg, start, summary, index) for index, leg in enumerate(legs)]
            self._ends[planned.written.id] = (
                max(end for end, _ in ends),
                "failure" if any(result == "failure" for _, result in ends) else "success",
            )
        if not self._open:
            last = max(end for end, _ in self._ends.values())
            results = {result for _, result in self._ends.values()}
            conclusion: Conclusion = "failure" if "failure" in results else "success"
            self.facts.append(RunFinished(at=last, run=self.run, workflow=plan.workflow.file, conclusion=conclusion))
        return self.facts

    def _skip(self, job: str, at: datetime) -> None:
        self.facts.append(
            JobFinished(
                at=at,
                run=self.run,
                job=job,
                job_id=job,
                name=job,
                matrix=None,
                conclusion="skipped",
                outcome="skipped",
                reason="a job that it needs did not succeed",
            )
        )
        self._ends[job] = (at, "skipped")

    def _carry_out(self, leg: Leg, start: datetime, summary: str, index: int) -> tuple[datetime, Conclusion]:
        self._leases += 1
        lease = f"{self.run}.1.{self._leases}"
        at = start + timedelta(seconds=0.4 + index * 0.2)
        self.facts += [
            JobQueued(at=start, run=self.run, job=leg.key, lease=lease),
            JobStarted(
                at=at, run=self.run, job=leg.key, job_id=leg.job_id, name=leg.name, matrix=leg.matrix, runner="built-in"
            ),
        ]
        failing = self._failing.get(leg.key)
        outcome: Conclusion = "success"
        for number, name in enumerate(self._steps, 1):
            step = f"step_{number}"
            self.facts.append(StepStarted(at=at, run=self.run, job=leg.key, step=step, number=number, name=name))
            if leg.key in self._open and name == self._steps[-2]:
                return at, outcome
            at += timedelta(seconds=self._seconds * (0.1 + (len(name) * 7 + index) % 9) / 10)
            result: Conclusion = "skipped" if outcome == "failure" and name != self._steps[-1] else "success"
            if name == failing:
                result = outcome = "failure"
                self._fail(leg, step, at)
            self.facts.append(
                StepFinished(
                    at=at,
                    run=self.run,
                    job=leg.key,
                    step=step,
                    number=number,
                    name=name,
                    outcome=result,
                    conclusion=result,
                    exit_code=1 if result == "failure" else None,
                )
            )
        if summary and index == 0:
            self.facts.append(SummaryWritten(at=at, run=self.run, job=leg.key, step="step_4", markdown=summary))
        self.facts.append(
            JobFinished(
                at=at,
                run=self.run,
                job=leg.key,
                job_id=leg.job_id,
                name=leg.name,
                matrix=leg.matrix,
                conclusion=outcome,
                outcome=outcome,
            )
        )
        return at, outcome

    def _fail(self, leg: Leg, step: str, at: datetime) -> None:
        self.facts += [
            AnnotationRaised(
                at=at,
                run=self.run,
                job=leg.key,
                step=step,
                severity="error",
                message="assert total == 42\nE   assert 41 == 42",
                file="tests/test_total.py",
                line=12,
                title="test_total",
            ),
            AnnotationRaised(
                at=at,
                run=self.run,
                job=leg.key,
                step=step,
                severity="error",
                message="Process completed with exit code 1.",
            ),
        ]

"""Works out what follows for the checks of commits from what runs have remembered, and from workflows that could not be run at all."""

import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from urllib.parse import quote

import msgspec

from homeport.event import Event
from homeport.ports.approvals import Decision, HeldRun
from homeport.ports.clock import Clock
from homeport.ports.directory import HostedRepository, RepositoryDirectory
from homeport.ports.events import EventLog, WorkflowStart
from homeport.ports.forge import CheckAnnotation, CheckDetails, Status, Verdict
from homeport.ports.repositories import RunRepository, StoreError
from homeport.rest.journal import head_sha_of
from homeport.server.job_checks import AttemptChecks, JobReference, gather_details, make_context, make_prefix
from homeport.server.made_checks import describe_made_check, read_reference, report_made_checks
from homeport.store.tables.journal_reader import JournalReader
from homeport.store.tables.made_checks import TableMadeChecks
from homeport.store.tables.reports import JobReport, News, TableReports
from homeport.store.tables.statuses import CommitStatus

_LOG = logging.getLogger("homeport.reporting")
_MOST_REMEMBERED = 500
"""attempts whose fold is kept: a fold that was dropped is made anew from the journal"""
_CHECKED = ("jobs_kept", "job_expanded", "job_queued", "job_started", "job_finished", "run_finished")
_DETAILED = ("annotation_raised", "summary_written")


class _Followed(msgspec.Struct):
    """An attempt as far as it was read."""

    repository: HostedRepository
    source: str
    """the workflow's file and the event"""
    workflow: str
    """what it is called"""
    checks: AttemptChecks
    read: int = -1


class Reporting:
    """From journals to how checks stand. `work_off` is called by one thread; everything else may be called from any."""

    def __init__(
        self,
        reports: TableReports,
        journals: JournalReader,
        runs: RunRepository,
        directory: RepositoryDirectory,
        clock: Clock,
        url: str,
        events: EventLog | None = None,
        find_held: Callable[[str], HeldRun | None] = lambda _: None,
        *,
        made_checks: TableMadeChecks,
    ) -> None:
        self._made_checks = made_checks
        self._find_held = find_held
        self._reports = reports
        self._journals = journals
        self._runs = runs
        self._directory = directory
        self._clock = clock
        self._url = url
        self._events = events
        self._followed: dict[tuple[str, int], _Followed] = {}

    # --- runs ---------------------------------------------------------------------------------------------------------

    def work_off(self) -> bool:
        """Report all that has happened; whether there was anything. Raises `StoreError`."""
        news = self._reports.news()
        marks: dict[tuple[str, int], list[News]] = {}
        for each in news:
            marks.setdefault((each.run, each.attempt), []).append(each)
        pending = [
            self._report_safely(run, attempt, [each.id for each in found]) for (run, attempt), found in marks.items()
        ]
        for future in pending:
            future.result()
        return bool(news)

    def _report_safely(self, run: str, attempt: int, marks: Sequence[int]) -> "Future[None]":
        """Where a fault is in the way, nothing is told of what it is about: the other runs do not wait for it."""
        try:
            return self._report(run, attempt, marks)
        except StoreError:
            raise
        except Exception:  # the edge of the thread
            _LOG.exception(
                "it cannot be worked out how the checks of a run stand", extra={"run": run, "attempt": attempt}
            )
            self._followed.pop((run, attempt), None)
            return self._reports.drop(marks)

    def _report(self, run: str, attempt: int, marks: Sequence[int]) -> "Future[None]":
        followed = self._follow(run, attempt)
        if followed is None:
            return self._reports.drop(marks)
        reports = self._report_held(followed, run) if followed.read < 0 and attempt == 1 else []
        self._catch_up(followed, run, attempt)
        reports += [
            JobReport(source=f"{followed.source}:{job}", run=int(run), attempt=attempt, status=status)
            for job, status in followed.checks.take_changes()
        ]
        if followed.checks.is_finished:
            self._followed.pop((run, attempt), None)
        repository = followed.repository
        if attempt == 1 and is_forwarded(repository):
            reports += self._report_made(followed, run)
        return self._reports.report(
            repository.id, reports, at=self._clock.now(), is_forwarded=is_forwarded(repository), done=marks
        )

    def _report_held(self, followed: _Followed, run: str) -> list[JobReport]:
        """A run of a fork's pull request that waits for somebody's word, or has got it: a check called by the workflow's file."""
        held = self._find_held(run)
        if held is None:
            return []
        verdict, words = _HELD[held.decision]
        file, _, event = followed.source.rpartition(":")
        status = Status(
            sha=held.head_sha,
            context=make_context(make_prefix(followed.repository, file, event), file),
            verdict=verdict,
            description=words,
            target_url=f"{self._url}/{quote(followed.repository.full_name)}/actions/runs/{run}",
        )
        return [JobReport(source=f"{file}:held", run=int(run), attempt=0, status=status)]

    def _report_made(self, followed: _Followed, run: str) -> list[JobReport]:
        """Only to forges: here, as on GitHub, a check that a job has made is not a status too."""
        return report_made_checks(
            followed.repository,
            self._made_checks.of_run(followed.repository.id, int(run)),
            workflow=followed.workflow,
            event=followed.source.rpartition(":")[2],
            source=followed.source,
            page=f"{self._url}/{quote(followed.repository.full_name)}/actions/runs/{run}",
        )

    def _follow(self, run: str, attempt: int) -> _Followed | None:
        """None where the run or its repository is gone."""
        known = self._followed.get((run, attempt))
        if known is not None:
            return known
        found = self._runs.find(run, attempt)
        if found is None:
            return None
        record, plan = found
        repository = self._directory.get(record.repository_id) or self._directory.find(record.repository)
        if repository is None:
            return None
        previous = self._read_whole(run, attempt - 1) if attempt > 1 else None
        checks = AttemptChecks(repository, record, plan, self._url, previous.checks if previous else None)
        followed = _Followed(repository, f"{plan.workflow.file}:{plan.event.name}", plan.workflow.name, checks)
        if len(self._followed) >= _MOST_REMEMBERED:
            self._followed.pop(next(iter(self._followed)))
        self._followed[run, attempt] = followed
        return followed

    def _read_whole(self, run: str, attempt: int) -> _Followed | None:
        followed = self._follow(run, attempt)
        if followed is not None:
            self._catch_up(followed, run, attempt)
            self._followed.pop((run, attempt), None)
        return followed

    def _catch_up(self, followed: _Followed, run: str, attempt: int) -> None:
        for sequence, fact in self._journals.read(run, attempt, after=followed.read, types=_CHECKED):
            followed.checks.feed(fact)
            followed.read = sequence

    # --- what is not a run --------------------------------------------------------------------------------------------

    def report_starts(
        self, repository: HostedRepository, event: Event, number: int, starts: Sequence[WorkflowStart]
    ) -> None:
        """A workflow that cannot be read or run is a failing check of its own, called by its file, that says why. What was in the way of
        the same commit before, and is not any more, is a success. `number` is that of the stored event. Safe to repeat.
        """
        sha = head_sha_of(event)
        mended = {start.workflow for start in starts if start.outcome == "started"}
        reports = [
            JobReport(source=source, run=number, attempt=0, status=_mend(status))
            for source, status in (self._reports.find_problems(repository.id, sha) if mended else ())
            if (source in mended or source == event.name) and status.verdict == "failure"
        ]
        for start in starts:
            if start.outcome == "refused":
                prefix = make_prefix(repository, start.name, event.name)
                reports.append(
                    self._make_problem(
                        repository,
                        sha,
                        make_context(prefix, start.workflow),
                        start.workflow,
                        _say_refusal(start),
                        number,
                    )
                )
        self._put(repository, reports)

    def report_problem(self, repository: HostedRepository, sha: str, name: str, words: str, *, number: int) -> None:
        """Something that kept an event from starting anything (a pull request's conflict, a commit that cannot be read), as a failing check
        of that name. `number` is that of the stored event. Safe to repeat. What is called as the event is mended by the next such event
        of the commit that starts something.
        """
        context = make_context(make_prefix(repository, name, name), name)
        self._put(repository, [self._make_problem(repository, sha, context, name, words, number)])

    def _make_problem(
        self, repository: HostedRepository, sha: str, context: str, source: str, words: str, number: int
    ) -> JobReport:
        status = Status(
            sha=sha,
            context=context,
            verdict="failure",
            description=words,
            target_url=f"{self._url}/{quote(repository.full_name)}/actions",
            reference=f"start/{number}/{source}",
        )
        return JobReport(source=source, run=number, attempt=0, status=status)

    def _put(self, repository: HostedRepository, reports: Sequence[JobReport]) -> None:
        if reports:
            now = self._clock.now()
            self._reports.report(repository.id, reports, at=now, is_forwarded=is_forwarded(repository)).result()

    def set_status(self, repository: HostedRepository, status: Status, creator: str) -> CommitStatus:
        """A status that somebody sets by the interface: kept here, and told to the forge where the repository has one."""
        return self._reports.set_status(
            repository.id, status, creator=creator, at=self._clock.now(), is_forwarded=is_forwarded(repository)
        )

    # --- details --------------------------------------------------------------------------------------------------------

    def find_details(self, status: Status) -> CheckDetails:
        """What a check says beside its conclusion, read when it is told. Raises `StoreError`."""
        job = JobReference.read(status.reference)
        if job is not None:
            facts = (fact for _, fact in self._journals.read(job.run, job.attempt, after=-1, types=_DETAILED))
            return gather_details(job.job, facts, status.description)
        made = read_reference(status.reference)
        if made is not None:
            check = self._made_checks.get(made)
            return CheckDetails(status.description) if check is None else describe_made_check(check, status.description)
        kind, _, rest = status.reference.partition("/")
        number, _, workflow = rest.partition("/")
        if kind != "start" or self._events is None or not number.isdigit():
            return CheckDetails(status.description)
        start = next((each for each in self._events.starts(int(number)) if each.workflow == workflow), None)
        return CheckDetails(status.description) if start is None else _detail_refusal(start)


_HELD: Mapping[Decision, tuple[Verdict, str]] = {
    "waiting": ("queued", "Waiting for a maintainer's approval"),
    "approved": ("success", "Approved"),
    "rejected": ("error", "Rejected by a maintainer"),
    "expired": ("error", "Nobody approved it within 30 days"),
}


def is_forwarded(repository: HostedRepository) -> bool:
    """Whether there is a forge to be told."""
    return repository.origin != "own"


def _mend(status: Status) -> Status:
    return msgspec.structs.replace(status, verdict="success", description="This is not in the way any more")


def _say_refusal(start: WorkflowStart) -> str:
    first = next(iter(start.diagnostics), None)
    if first is None:
        return start.reason or "This workflow cannot be run"
    return f"Line {first.span.line}: {first.message}"


def _detail_refusal(start: WorkflowStart) -> CheckDetails:
    annotations = tuple(
        CheckAnnotation(
            path=each.span.file,
            line=each.span.line,
            end_line=each.span.end_line,
            column=each.span.column,
            end_column=each.span.end_column,
            level=each.severity,
            message=each.message if each.hint is None else f"{each.message}\n\n{each.hint}",
            title=each.code,
        )
        for each in start.diagnostics
    )
    return CheckDetails("This workflow cannot be run", start.reason, annotations)

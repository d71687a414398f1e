"""Checks: what jobs and runs are to other tools (docs: "REST API endpoints for check runs", "… check suites")."""

from collections.abc import Sequence

from homeport.ports.history import RunFilter
from homeport.rest.checks import (
    CheckAnnotation,
    CheckRun,
    CheckRuns,
    CheckSuite,
    CheckSuites,
    show_annotation,
    show_check_run,
    show_check_suite,
)
from homeport.rest.entries import JobEntry, RunEntry
from homeport.server.api.answers import Answer, Page
from homeport.server.api.call import Call, Permission
from homeport.server.api.commits import resolve_ref
from homeport.server.api.endpoint import Endpoint, Nothing, endpoint
from homeport.server.api.making_checks import show_made, show_made_annotation
from homeport.store.tables.made_checks import MadeCheck

READ = Permission("reader", "checks")
_REPOSITORY = "/repos/{owner}/{repo}"
_MOST_RUNS = 1_000
_Found = tuple[RunEntry, JobEntry]


class ChecksQuery(Page, frozen=True, kw_only=True):
    """What narrows a list of checks. `latest` is the last attempt of each run."""

    check_name: str | None = None
    status: str | None = None
    filter: str = "latest"
    app_id: int | None = None


class SuitesQuery(Page, frozen=True, kw_only=True):
    """What narrows a list of suites."""

    check_name: str | None = None
    app_id: int | None = None


def get_run(call: Call, _: Nothing) -> Answer:
    """A job as a check, or one that a job made."""
    made = call.parts.made_checks.find(call.repository.id, call.number("check_run_id"))
    if made is not None:
        return Answer(body=show_made(call, made))
    return Answer(body=_show(call, _find_job(call)))


def list_annotations(call: Call, query: Page) -> Answer:
    """What its steps had to say, or its maker."""
    made = call.parts.made_checks.find(call.repository.id, call.number("check_run_id"))
    if made is not None:
        remarks = [show_made_annotation(call, made, each) for each in query.cut(made.annotations)]
        return call.page(remarks, query, len(made.annotations))
    run, job = _find_job(call)
    found = call.parts.reading.annotations(run.id, job.attempt, job.key)
    shown = [show_annotation(each, run.head_sha, call.repository.full_name, call.links) for each in query.cut(found)]
    return call.page(shown, query, len(found))


def list_for_ref(call: Call, query: ChecksQuery) -> Answer:
    """Of a commit: the jobs of all its runs, and what jobs made."""
    sha = resolve_ref(call, call.text("ref"))
    found = [each for run in _runs_of(call, sha) for each in _jobs_of(call, run, query.filter)]
    return _page(call, query, found, call.parts.made_checks.of_commit(call.repository.id, sha))


def list_for_suite(call: Call, query: ChecksQuery) -> Answer:
    """Of a run."""
    run = _find_suite(call)
    made = call.parts.made_checks.of_run(call.repository.id, run.id)
    return _page(call, query, _jobs_of(call, run, query.filter), made)


def list_suites(call: Call, query: SuitesQuery) -> Answer:
    """The runs of a commit."""
    runs = _runs_of(call, resolve_ref(call, call.text("ref")))
    known = [(run, _jobs_of(call, run, "latest")) for run in runs if query.app_id in {None, 1}]
    wanted = [
        (run, jobs)
        for run, jobs in known
        if query.check_name is None or any(job.name == query.check_name for _, job in jobs)
    ]
    shown = tuple(show_check_suite(run, len(jobs), call.entry, call.links) for run, jobs in query.cut(wanted))
    return call.page(CheckSuites(len(wanted), shown), query, len(wanted))


def get_suite(call: Call, _: Nothing) -> Answer:
    """A run as a suite of checks."""
    run = _find_suite(call)
    return Answer(body=show_check_suite(run, len(_jobs_of(call, run, "latest")), call.entry, call.links))


def _runs_of(call: Call, sha: str) -> Sequence[RunEntry]:
    return call.parts.reading.list(call.repository, RunFilter(sha=sha), 0, _MOST_RUNS)[1]


def _jobs_of(call: Call, run: RunEntry, which: str) -> list[_Found]:
    first = 1 if which == "all" else run.attempt
    found = []
    for attempt in range(run.attempt, first - 1, -1):
        read = call.parts.reading.find(call.repository, run.id, attempt)
        if read is not None:
            found += [(read.run, job) for job in read.jobs if job.attempt == attempt or which != "all"]
    return found


def _find_job(call: Call) -> _Found:
    found = call.parts.reading.find_job(call.repository, call.number("check_run_id"))
    return call.refuse_unknown() if found is None else found


def _find_suite(call: Call) -> RunEntry:
    found = call.parts.reading.find(call.repository, call.number("check_suite_id"))
    return call.refuse_unknown() if found is None else found.run


def _page(call: Call, query: ChecksQuery, found: list[_Found], made: Sequence[MadeCheck]) -> Answer:
    """Of those that were made, the newest of each name counts, unless all are asked for."""
    latest = {each.name: each for each in reversed(made)}
    wanted: list[_Found | MadeCheck] = [
        (run, job)
        for run, job in found
        if query.check_name in {None, job.name} and query.status in {None, job.status} and query.app_id in {None, 1}
    ]
    wanted += [
        each
        for each in (made if query.filter == "all" else latest.values())
        if query.check_name in {None, each.name} and query.status in {None, each.status} and query.app_id in {None, 1}
    ]
    shown = tuple(
        show_made(call, each) if isinstance(each, MadeCheck) else _show(call, each) for each in query.cut(wanted)
    )
    return call.page(CheckRuns(len(wanted), shown), query, len(wanted))


def _show(call: Call, found: _Found) -> CheckRun:
    run, job = found
    return show_check_run(
        job,
        run,
        call.entry,
        call.links,
        annotations=len(call.parts.reading.annotations(run.id, job.attempt, job.key)),
        summary=call.parts.reading.summary(run.id, job.attempt, job.key),
    )


ENDPOINTS: tuple[Endpoint, ...] = (
    endpoint(
        "GET",
        f"{_REPOSITORY}/check-runs/{{check_run_id}}",
        "checks/get",
        "Get a check run: a job",
        get_run,
        Nothing,
        permission=READ,
        answer=CheckRun,
    ),
    endpoint(
        "GET",
        f"{_REPOSITORY}/check-runs/{{check_run_id}}/annotations",
        "checks/list-annotations",
        "List the annotations of a check run",
        list_annotations,
        Page,
        permission=READ,
        answer=tuple[CheckAnnotation, ...],
    ),
    endpoint(
        "GET",
        f"{_REPOSITORY}/check-suites/{{check_suite_id}}",
        "checks/get-suite",
        "Get a check suite: a run",
        get_suite,
        Nothing,
        permission=READ,
        answer=CheckSuite,
    ),
    endpoint(
        "GET",
        f"{_REPOSITORY}/check-suites/{{check_suite_id}}/check-runs",
        "checks/list-for-suite",
        "List the check runs of a suite",
        list_for_suite,
        ChecksQuery,
        permission=READ,
        answer=CheckRuns,
    ),
    endpoint(
        "GET",
        f"{_REPOSITORY}/commits/{{ref:path}}/check-runs",
        "checks/list-for-ref",
        "List the check runs of a commit",
        list_for_ref,
        ChecksQuery,
        permission=READ,
        answer=CheckRuns,
    ),
    endpoint(
        "GET",
        f"{_REPOSITORY}/commits/{{ref:path}}/check-suites",
        "checks/list-suites-for-ref",
        "List the check suites of a commit",
        list_suites,
        SuitesQuery,
        permission=READ,
        answer=CheckSuites,
    ),
)

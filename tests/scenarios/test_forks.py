"""Pull requests from forks: what waits for a maintainer, what begins then, and what they can never have."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from homeport.coordinator.journal import recall
from homeport.event import Event
from homeport.plan.model import Plan
from homeport.ports.access import Caller
from homeport.ports.directory import HostedRepository, RepositorySettings
from homeport.ports.history import RunFilter
from homeport.ports.repositories import RunRecord
from homeport.run.rerun import OneJob, RerunError
from homeport.server.audit import Audit
from homeport.server.forks import ApprovalError, Forks, must_wait, start_with
from homeport.server.limits import Limits
from homeport.store.tables.audit import TableAudit
from homeport.store.tables.held_runs import TableHeldRuns
from homeport.store.tables.history import TableHistory
from homeport.store.tables.history_fold import fold_again
from tests.support.jobs import SystemClock
from tests.support.planning import outcome_of
from tests.support.plans import FixedClock, record_of
from tests.support.server import Server, runner, running_server

pytestmark = pytest.mark.filterwarnings(
    "ignore:unclosed <socket:ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)

REPOSITORY = HostedRepository(id=1, owner="acme", name="tools")
MAINTAINER = Caller(kind="user", login="ada")
WORKFLOW = """
    on: [push, pull_request]
    jobs:
      build:
        runs-on: ubuntu-latest
        steps: [{run: "echo hello"}]
"""


def settings(approval: str) -> HostedRepository:
    return msgspec.structs.replace(REPOSITORY, settings=RepositorySettings(fork_approval=approval))  # type: ignore[arg-type]


def plan_for(event: Event | None = None) -> Plan:
    outcome = outcome_of(WORKFLOW)
    assert isinstance(outcome, Plan)
    return outcome if event is None else msgspec.structs.replace(outcome, event=event)


def pull_request(
    *, head: str | None = "mallory/tools", sha: str = "c" * 40, association: str = "NONE", name: str = "pull_request"
) -> Event:
    repository: Any = None if head is None else {"full_name": head}
    payload = {
        "number": 7,
        "pull_request": {
            "number": 7,
            "head": {"sha": sha, "ref": "patch", "repo": repository},
            "user": {"login": "mallory"},
            "author_association": association,
        },
    }
    event = plan_for().event
    own = msgspec.structs.replace(event.repository, owner="acme", name="tools")
    return msgspec.structs.replace(event, name=name, repository=own, payload=payload)


def forks_of(server: Server) -> Forks:
    clock = SystemClock()
    audit = Audit(TableAudit(server.database, b"k" * 32), clock, Limits(clock))
    return Forks(TableHeldRuns(server.database), start_with(server.engine, server.runs), clock, audit)


def record(server: Server, repository: int = REPOSITORY.id) -> RunRecord:
    run = server.runs.new_id()
    return msgspec.structs.replace(record_of(run, number=int(run)), repository_id=repository)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with running_server(tmp_path) as server:
        yield server


@pytest.mark.parametrize("name", ["pull_request", "pull_request_review", "pull_request_review_comment"])
def test_a_run_from_a_fork_waits_and_begins_when_it_is_approved(server: Server, tmp_path: Path, name: str) -> None:
    forks, event = forks_of(server), pull_request(name=name)
    held, plan = record(server), plan_for(event)
    assert not forks.admit(REPOSITORY, event, held, plan)
    assert not forks.admit(REPOSITORY, event, held, plan)
    assert server.engine.ask(lambda coordinator: coordinator.find_run(held.id)).result() is None
    assert [(each.run, each.pull_request, each.author) for each in forks.waiting()] == [(held.id, 7, "mallory")]
    assert [each.run for each in forks.approve(held.id, MAINTAINER)] == [held.id]
    with runner(tmp_path):
        assert server.await_end(held.id) == "success"
    assert "hello" in server.lines(held.id, "build")
    assert list(forks.waiting()) == []


def test_a_run_that_waits_is_shown_as_github_shows_it(server: Server) -> None:
    forks, event = forks_of(server), pull_request()
    held = record(server)
    forks.admit(REPOSITORY, event, held, plan_for(event))
    history = TableHistory(server.database)
    (shown,) = history.find(RunFilter(repositories=(REPOSITORY.id,))).runs
    assert (shown.id, shown.entry.status, shown.entry.conclusion) == (held.id, "completed", "action_required")
    fold_again(server.database)
    assert history.find(RunFilter(repositories=(REPOSITORY.id,))).runs == (shown,)
    forks.approve(held.id, MAINTAINER)
    assert server.runs.is_open(held.id)


def test_what_is_approved_is_the_commit_whatever_it_starts(server: Server) -> None:
    forks, event = forks_of(server), pull_request()
    first, second = record(server), record(server)
    for each in (first, second):
        assert not forks.admit(REPOSITORY, event, each, plan_for(event))
    assert [each.run for each in forks.approve(first.id, MAINTAINER)] == [first.id, second.id]
    assert forks.admit(REPOSITORY, event, record(server), plan_for(event))
    newer = pull_request(sha="d" * 40)
    assert not forks.admit(REPOSITORY, newer, record(server), plan_for(newer))
    elsewhere = msgspec.structs.replace(REPOSITORY, id=2)
    assert not forks.admit(elsewhere, event, record(server, 2), plan_for(event))


def test_what_is_rejected_does_not_begin_and_may_be_approved_after_all(server: Server) -> None:
    forks, event = forks_of(server), pull_request()
    held = record(server)
    forks.admit(REPOSITORY, event, held, plan_for(event))
    forks.reject(held.id, MAINTAINER)
    assert list(forks.waiting()) == []
    with pytest.raises(ApprovalError, match="rejected by ada already"):
        forks.reject(held.id, MAINTAINER)
    assert not server.runs.is_open(held.id)
    forks.approve(held.id, MAINTAINER)
    assert server.runs.is_open(held.id)
    for change in (forks.approve, forks.reject):
        with pytest.raises(ApprovalError, match="approved by ada already"):
            change(held.id, MAINTAINER)


def test_what_does_not_wait_cannot_be_approved(server: Server) -> None:
    for run in ("1", "", "x", "9" * 30, "-1", "²"):
        with pytest.raises(ApprovalError, match="does not wait"):
            forks_of(server).approve(run, MAINTAINER)


@pytest.mark.parametrize(
    ("approval", "association", "head", "waits"),
    [
        ("always", "NONE", "mallory/tools", True),
        ("always", "OWNER", "mallory/tools", True),
        ("always", "NONE", None, True),
        ("always", "NONE", "Acme/Tools", False),
        ("first-time", "NONE", "mallory/tools", True),
        ("first-time", "FIRST_TIME_CONTRIBUTOR", "mallory/tools", True),
        ("first-time", "FIRST_TIMER", "mallory/tools", True),
        ("first-time", "", "mallory/tools", True),
        ("first-time", "CONTRIBUTOR", "mallory/tools", False),
        ("first-time", "MEMBER", "mallory/tools", False),
        ("never", "NONE", "mallory/tools", False),
    ],
)
def test_who_has_to_wait_is_a_setting(approval: str, association: str, head: str | None, waits: bool) -> None:
    event = pull_request(head=head, association=association)
    assert must_wait(settings(approval), event) is waits


def test_other_events_never_wait() -> None:
    for name in ("push", "pull_request_target", "issue_comment", "workflow_run"):
        assert not must_wait(REPOSITORY, pull_request(name=name))


def test_what_was_deleted_does_not_begin(server: Server) -> None:
    forks, event = forks_of(server), pull_request()
    first, second = record(server), record(server)
    for each in (first, second):
        forks.admit(REPOSITORY, event, each, plan_for(event))
    server.runs.delete(first.id)
    assert [each.run for each in forks.waiting()] == [second.id]
    assert [each.run for each in forks.approve(second.id, MAINTAINER)] == [second.id]
    assert server.runs.find(first.id) is None
    for change in (forks.approve, forks.reject):
        with pytest.raises(ApprovalError, match="deleted"):
            change(first.id, MAINTAINER)


def test_running_it_again_is_no_way_around_approval(server: Server) -> None:
    forks, event = forks_of(server), pull_request()
    held = record(server)
    forks.admit(REPOSITORY, event, held, plan_for(event))
    recalled = recall(server.runs, held.id)
    assert recalled is not None
    again = msgspec.structs.replace(held, attempt=2)
    for selection in ("all", "failed", OneJob("build")):
        with pytest.raises(RerunError):
            server.engine.ask(
                lambda coordinator, chosen=selection: coordinator.resubmit(recalled[1], again, chosen)  # type: ignore[misc]
            ).result()
    assert [each.run for each in forks.waiting()] == [held.id]
    assert not server.runs.is_open(held.id)


def test_what_nobody_approves_in_thirty_days_cannot_begin_any_more(server: Server) -> None:
    event = pull_request()
    clock = FixedClock()
    audit = Audit(TableAudit(server.database, b"k" * 32), clock, Limits(clock))
    forks = Forks(TableHeldRuns(server.database), start_with(server.engine, server.runs), clock, audit)
    old, rejected = record(server), record(server)
    forks.admit(REPOSITORY, event, old, plan_for(event))
    other = pull_request(sha="d" * 40)
    forks.admit(REPOSITORY, other, rejected, plan_for(other))
    forks.reject(rejected.id, MAINTAINER)
    clock.advance(timedelta(days=29).total_seconds())
    forks.expire()
    assert [each.run for each in forks.waiting()] == [old.id]
    clock.advance(timedelta(days=1, seconds=1).total_seconds())
    young = record(server)
    forks.admit(REPOSITORY, event, young, plan_for(event))
    forks.expire()
    forks.expire()
    assert [each.run for each in forks.waiting()] == [young.id]
    for change in (forks.approve, forks.reject):
        with pytest.raises(ApprovalError, match="waited for 30 days"):
            change(old.id, MAINTAINER)
    found = [forks.find(each.id) for each in (old, rejected)]
    assert [each.decision for each in found if each is not None] == ["expired", "rejected"]
    assert [each.run for each in forks.approve(young.id, MAINTAINER)] == [young.id]
    assert not server.runs.is_open(old.id)
    assert [
        (entry.who, entry.target)
        for entry in TableAudit(server.database, b"k" * 32).list()
        if entry.action == "run.expired"
    ] == [("retention", f"run {old.id}")]


def test_what_was_approved_begins_after_a_restart(tmp_path: Path) -> None:
    event = pull_request()
    with running_server(tmp_path) as first:
        held = record(first)
        forks_of(first).admit(REPOSITORY, event, held, plan_for(event))
        # the process ends between the word and the deed
        TableHeldRuns(first.database).decide(REPOSITORY.id, "c" * 40, "approved", "ada", SystemClock().now())
    with running_server(tmp_path, 2) as second, runner(tmp_path):
        forks_of(second).start()
        forks_of(second).start()
        assert second.await_end(held.id) == "success"
    with running_server(tmp_path, 3) as third:
        forks_of(third).start()
        assert list(third.engine.ask(lambda coordinator: coordinator.open_runs).result()) == []


def test_decisions_are_in_the_audit_log(server: Server) -> None:
    forks, event = forks_of(server), pull_request()
    held = record(server)
    forks.admit(REPOSITORY, event, held, plan_for(event))
    forks.reject(held.id, MAINTAINER, "192.0.2.1")
    (entry,) = TableAudit(server.database, b"k" * 32).list()
    assert (entry.who, entry.action, entry.target, entry.address) == (
        "ada",
        "run.rejected",
        f"run {held.id}",
        "192.0.2.1",
    )
    assert "mallory" in entry.detail

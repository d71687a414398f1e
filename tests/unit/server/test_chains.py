"""What the event says that a run's end becomes, and what becomes of it where git cannot be asked."""

import os
import threading
from pathlib import Path
from typing import Any

import msgspec
import pytest

from homeport.git.hosted import make_hosted, open_hosted
from homeport.git.process import GitError
from homeport.git.repository import GitRepository
from homeport.ports.directory import HostedRepository
from homeport.run.facts import RunFinished
from homeport.server.chains import Chains, list_pull_requests
from tests.support.forges.bench import ReportingBench
from tests.support.planning import make_event
from tests.support.plans import plan_of, record_of
from tests.support.pushing import Checkout
from tests.support.serve import wait_until

LONG = 60.0

ADDRESS = "https://ci.example.com/api/v3/repos/octo/app"


def payload(head: str | None) -> dict[str, object]:
    ends = {
        "head": {"ref": "topic", "sha": "b" * 40, "repo": None if head is None else {"full_name": head}},
        "base": {"ref": "main", "sha": "c" * 40},
    }
    return {"pull_request": {"id": 70, "number": 7, **ends}}


def test_a_pull_request_of_the_repository_itself_is_named() -> None:
    own = make_event()
    pulled = make_event(
        "pull_request", payload=payload(own.repository.full_name), base_ref="main", head_ref="topic", action="opened"
    )
    (found,) = list_pull_requests(pulled, ADDRESS)
    assert (found["id"], found["number"], found["url"]) == (70, 7, f"{ADDRESS}/pulls/7")
    assert (found["head"]["ref"], found["head"]["sha"]) == ("topic", "b" * 40)
    assert (found["base"]["ref"], found["base"]["sha"]) == ("main", "c" * 40)
    assert found["head"]["repo"] == found["base"]["repo"]
    assert found["base"]["repo"]["url"] == ADDRESS


def test_one_of_a_fork_is_not_named_and_a_push_has_none() -> None:
    for head in ("mallory/app", None):
        assert list_pull_requests(make_event("pull_request", payload=payload(head), base_ref="main"), ADDRESS) == []
    assert list_pull_requests(make_event(), ADDRESS) == []


class Chained:
    """Two repositories with a run each, which has that number too, and workflows that wait for its end."""

    def __init__(self, bench: ReportingBench, folder: Path) -> None:
        self._bench = bench
        self._folder = folder
        checkout = Checkout(folder / "work", "http://nowhere")
        checkout.commit({"a": "1"})
        self.troubles: dict[int, list[Exception]] = {}
        """what happens instead when git is asked of a repository"""
        self.environment = dict(os.environ)
        """what git gets"""
        self.drained = threading.Event()
        """set when all of that has happened"""
        self.told = {1: threading.Event(), 2: threading.Event()}
        for name in ("one", "two"):
            repository = bench.directory.add(HostedRepository(id=0, owner="octo", name=name))
            make_hosted(self._git_dir(repository), "main")
            checkout.git("push", "--quiet", self._git_dir(repository), "main")
            record = msgspec.structs.replace(record_of(str(repository.id)), repository_id=repository.id)
            bench.runs.create(record, plan_of())
            bench.events.watch(record.id, 1, repository.id)

    def open(self, *, first_wait_seconds: float = 0.001) -> Chains:
        """Those of another process."""
        bench, parts = self._bench, self

        class Planner:
            def find_git(self, repository: HostedRepository) -> GitRepository | None:
                if troubles := parts.troubles.get(repository.id):
                    trouble = troubles.pop(0)
                    if not troubles:
                        parts.drained.set()
                    raise trouble
                return open_hosted(parts._git_dir(repository), parts.environment)

            def find_workflow(self, _: HostedRepository, path: str) -> dict[str, Any]:
                return {"id": 0, "path": path}

            def wake(self, repository: int) -> None:
                parts.told[repository].set()

        planner: Any = Planner()
        url = "http://ci.example"
        return Chains(bench.events, planner, bench.directory, bench.runs, url, first_wait_seconds=first_wait_seconds)

    def finish(self, number: int) -> RunFinished:
        """The run of this number ends."""
        fact = RunFinished(
            at=self._bench.clock.now(), run=str(number), workflow=".github/workflows/ci.yml", conclusion="success"
        )
        self._bench.runs.append(str(number), 1, [fact])
        return fact

    def list_told(self, number: int) -> list[tuple[str, str | None]]:
        """The events of a repository."""
        return [(each.event.name, each.event.action) for each in self._bench.events.list(number)]

    def _git_dir(self, repository: HostedRepository) -> str:
        return str(self._folder / f"{repository.id}.git")


@pytest.fixture
def chained(bench: ReportingBench, tmp_path: Path) -> Chained:
    return Chained(bench, tmp_path)


def test_the_end_of_a_run_is_told_when_git_can_be_asked_again(chained: Chained, bench: ReportingBench) -> None:
    chained.troubles[1] = [GitError("git cannot be started"), OSError(24, "Too many open files"), GitError("again")]
    chains = chained.open()
    chains.start()
    try:
        chains.hear([chained.finish(1)])
        assert chained.told[1].wait(LONG)
    finally:
        chains.stop()
    assert chained.list_told(1) == [("workflow_run", "completed")]
    assert bench.events.watched() == [("2", 1)]


def test_a_git_that_ends_as_if_there_was_no_commit_is_asked_again(
    chained: Chained, bench: ReportingBench, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    program = tmp_path / "bin" / "git"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\nexit 128\n")
    program.chmod(0o755)
    chained.environment["PATH"] = f"{program.parent}:{os.environ['PATH']}"
    fact = chained.finish(1)
    chains = chained.open(first_wait_seconds=10 * LONG)
    chains.start()  # which tells what the last process left
    try:
        chains.hear([chained.finish(2)])
        wait_until(lambda: caplog.text.count("yet") == 2)
    finally:
        chains.stop()
    assert (chained.list_told(1), chained.list_told(2)) == ([], [])
    program.unlink()
    following = chained.open()
    following.start()
    try:
        assert chained.told[1].wait(LONG)
        following.hear([fact])  # it was told: not again
        assert chained.told[2].wait(LONG)
    finally:
        following.stop()
    assert chained.list_told(1) == chained.list_told(2) == [("workflow_run", "completed")]
    assert all(each.event.sha.strip("0") for each in bench.events.list(1))


def test_what_cannot_be_told_now_holds_up_no_other(chained: Chained) -> None:
    chained.troubles[1] = [GitError("git is missing")]
    chains = chained.open(first_wait_seconds=10 * LONG)
    chains.start()
    try:
        chains.hear([chained.finish(1)])
        assert chained.drained.wait(LONG)
        chains.hear([chained.finish(2)])
        assert chained.told[2].wait(LONG)
    finally:
        chains.stop()
    assert (chained.list_told(1), chained.list_told(2)) == ([], [("workflow_run", "completed")])


def test_what_one_process_could_not_tell_the_next_one_tells(
    chained: Chained, bench: ReportingBench, caplog: pytest.LogCaptureFixture
) -> None:
    chained.troubles[1] = [GitError("git is missing")] * 6
    chains = chained.open()
    chains.start()
    try:
        chains.hear([chained.finish(1)])
        assert chained.drained.wait(LONG)
    finally:
        chains.stop()
    assert "by this process" in caplog.text
    assert (chained.list_told(1), bench.events.watched()) == ([], [("1", 1), ("2", 1)])
    following = chained.open()
    following.start()
    try:
        assert chained.told[1].wait(LONG)
    finally:
        following.stop()
    assert chained.list_told(1) == [("workflow_run", "completed")]
    assert bench.events.watched() == [("2", 1)]

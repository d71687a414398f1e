"""What else a forge is asked, and how long it wants to be left alone."""

import threading

import pytest

from homeport.forge.rest import find_wait
from homeport.ports.forge import CloneCredential, Forge, ForgeAwayError
from homeport.server.outbox import ForgeReporter
from tests.support.forges.bench import ReportingBench, leg, token
from tests.support.forges.gitea import GiteaStandIn
from tests.support.forges.github import GitHubStandIn
from tests.support.forges.stand_in import Answer
from tests.support.plans import NOW

StandIns = GitHubStandIn | GiteaStandIn


def open_forge(bench: ReportingBench, forge: StandIns) -> Forge:
    found = bench.forges.find(bench.add(forge, token()))
    assert found is not None
    return found


def test_a_forge_says_which_branch_is_the_default(bench: ReportingBench, forge: StandIns) -> None:
    assert open_forge(bench, forge).get_default_branch() == "trunk"


def test_a_forge_says_how_a_pull_request_stands(bench: ReportingBench, forge: StandIns) -> None:
    ends = {"head": {"ref": "topic", "sha": "b" * 40}, "base": {"ref": "main", "sha": "c" * 40}}
    forge.pulls[7] = {**ends, "mergeable": True, "merge_commit_sha": "d" * 40}
    forge.pulls[8] = {**ends, "mergeable": False, "merge_commit_sha": "e" * 40}
    asked = open_forge(bench, forge)
    good, bad = asked.get_pull_request(7), asked.get_pull_request(8)
    assert (good.head_sha, good.base_ref, good.base_sha, good.is_mergeable) == ("b" * 40, "main", "c" * 40, True)
    assert good.merge_sha == ("d" * 40 if isinstance(forge, GitHubStandIn) else "")
    assert (bad.merge_sha, bad.is_mergeable) == ("", False)


def test_git_shows_the_token_as_its_password(bench: ReportingBench, forge: StandIns) -> None:
    user = "x-access-token" if isinstance(forge, GitHubStandIn) else "oauth2"
    shown = open_forge(bench, forge).get_clone_credential()
    assert shown == CloneCredential(user, "token-of-a-robot")
    assert "token-of-a-robot" not in repr(shown)


@pytest.mark.parametrize("body", [[], {"default_branch": 7}, {}, "text"])
def test_an_answer_that_is_not_what_it_should_be_is_an_error_of_the_forge(
    bench: ReportingBench, forge: StandIns, body: object
) -> None:
    asked = open_forge(bench, forge)
    forge.troubles.append(Answer(200, body))
    with pytest.raises(ForgeAwayError, match="something unexpected"):
        asked.get_default_branch()


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "30"}, 30.0),
        ({"retry-after": "Sun, 01 Mar 2026 12:00:10 GMT"}, 10.0),
        ({"retry-after": "Sun, 01 Mar 2026 11:00:00 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "99999999"}, 3600.0),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(NOW.timestamp()) + 60)}, 60.0),
        ({"x-ratelimit-remaining": "5", "x-ratelimit-reset": str(int(NOW.timestamp()) + 60)}, None),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "never"}, None),
    ],
)
def test_a_forge_is_left_alone_for_as_long_as_it_says(headers: dict[str, str], seconds: float | None) -> None:
    assert find_wait(headers, NOW) == seconds


def test_the_threads_tell_what_they_hear_of_and_end_when_told(bench: ReportingBench, forge: StandIns) -> None:
    bench.add(forge, token())
    reporter = ForgeReporter(bench.reporting, bench.delivery, bench.forges.close)
    reporter.start()
    run, job = bench.begin("7"), leg("test")
    run.queue(job)
    reporter.wake()
    forge.wait_for(lambda: forge.states("test") == ["pending"])
    run.finish(job, "success")
    reporter.wake()
    forge.wait_for(lambda: forge.states("test") == ["pending", "success"])
    reporter.stop()
    assert bench.outbox.count_due() == 0


def test_the_threads_outlive_a_fault(
    bench: ReportingBench, forge: StandIns, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    bench.add(forge, token())
    tidy, went_wrong = bench.delivery.tidy, threading.Event()

    def tidy_badly() -> None:
        if not went_wrong.is_set():
            went_wrong.set()
            raise ZeroDivisionError
        tidy()

    monkeypatch.setattr(bench.delivery, "tidy", tidy_badly)
    reporter = ForgeReporter(bench.reporting, bench.delivery, bench.forges.close)
    run, job = bench.begin("7"), leg("test")
    reporter.start()
    try:
        assert went_wrong.wait(60)
        run.queue(job)
        reporter.wake()
        forge.wait_for(lambda: forge.states("test") == ["pending"])
    finally:
        reporter.stop()
    assert "ZeroDivisionError" in caplog.text

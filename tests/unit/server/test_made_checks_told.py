"""Checks that jobs have made are told to forges: as checks where the forge has them, as commit statuses elsewhere."""

from datetime import timedelta
from typing import Any

import msgspec

from homeport.store.tables.made_checks import MadeAnnotation, MadeCheck
from tests.support.forges.bench import SHA, ReportingBench, app, descriptions, leg, token
from tests.support.forges.gitea import GiteaStandIn
from tests.support.forges.github import GitHubStandIn

Forge = GitHubStandIn | GiteaStandIn


def make(bench: ReportingBench, repository: int, **given: Any) -> MadeCheck:
    now = bench.clock.now()
    return bench.made_checks.add(
        MadeCheck(repository=repository, **{"sha": SHA, "run": 7, "name": "style", "started_at": now, **given})
    )


def change(bench: ReportingBench, made: MadeCheck, **given: Any) -> None:
    changed = bench.made_checks.change(made.repository, made.id, lambda check: msgspec.structs.replace(check, **given))
    assert changed is not None


def test_it_goes_from_pending_to_its_end_on_each_forge(bench: ReportingBench, forge: Forge) -> None:
    repository = bench.add(forge, token())
    bench.begin("7")
    made = make(bench, repository.id, status="in_progress", title="Looking\nclosely")
    bench.tell()
    change(
        bench, made, status="completed", conclusion="failure", title="2 remarks", details_url="https://lint.example/1"
    )
    bench.tell()
    assert forge.states("style") == ["pending", "failure"]
    assert descriptions(forge.statuses, "style") == ["Looking closely", "2 remarks"]
    first, last = forge.statuses
    assert first["target_url"] == f"https://ci.example.com/octo/app/actions/runs/7#check-{made.id}"
    assert last["target_url"] == "https://lint.example/1"
    assert bench.outbox.count_due() == 0


def test_it_is_a_check_with_its_remarks_where_there_are_checks(bench: ReportingBench, github: GitHubStandIn) -> None:
    repository = bench.add(github, app(github))
    bench.begin("7")
    remark = MadeAnnotation(
        path="a.py", start_line=3, end_line=4, annotation_level="failure", message="Too old", title="Old"
    )
    made = make(bench, repository.id, status="in_progress")
    bench.tell()
    bench.clock.advance(5)
    end: dict[str, Any] = {"status": "completed", "conclusion": "neutral", "completed_at": bench.clock.now()}
    change(bench, made, **end, title="Style", summary="# One", text="two", annotations=(remark,) * 60)
    bench.tell()
    (told,) = github.checks
    assert (told["name"], told["conclusion"]) == ("style", "skipped")
    assert (told["output"]["title"], told["output"]["summary"]) == ("Style", "# One\n\ntwo")
    raised = github.annotations[told["id"]]
    assert (len(raised), raised[0]["annotation_level"], raised[0]["end_line"]) == (60, "failure", 4)
    change(bench, made, **end, title="Another word")
    bench.tell()
    assert [each["output"]["title"] for each in github.checks] == ["Style", "Another word"]


def test_the_newest_of_a_run_counts_and_the_gravest_of_several(bench: ReportingBench, forge: Forge) -> None:
    repository = bench.add(forge, token())
    run = bench.begin("7")
    make(bench, repository.id, status="completed", conclusion="failure")
    make(bench, repository.id, status="completed", conclusion="success")
    bench.tell()
    assert forge.states("style") == ["success"]
    job = leg("style")
    run.queue(job)
    run.finish(job, "failure")
    bench.tell()
    make(bench, repository.id, status="completed", conclusion="success", title="All is well")
    bench.tell()
    assert forge.states("style")[-1] == "failure", "a job that failed cannot be made green"


def test_nothing_is_lost_when_the_server_dies_in_between(bench: ReportingBench, forge: Forge) -> None:
    repository = bench.add(forge, token())
    bench.begin("7")
    make(bench, repository.id, status="completed", conclusion="success")
    following = bench.again()
    following.tell()
    assert forge.states("style") == ["success"]


def test_at_home_it_is_no_status(bench: ReportingBench) -> None:
    repository = bench.add(None)
    bench.begin("7")
    make(bench, repository.id, status="completed", conclusion="success", completed_at=bench.clock.now() + timedelta(1))
    bench.tell()
    assert bench.outbox.count_due() == 0

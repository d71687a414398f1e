"""The commands about past and present runs, against a real folder of them."""

import threading
from pathlib import Path

import pytest

from homeport.cli.clock import SystemClock
from homeport.cli.stores import open_stores
from homeport.coordinator.surroundings import Stores
from homeport.plan.model import Leg
from homeport.ports.control import CancelRun, RetryJob
from homeport.run.facts import (
    AnnotationRaised,
    CancelRequested,
    JobExpanded,
    JobFinished,
    JobPaused,
    JobQueued,
    JobResumed,
    JobStarted,
    RunFact,
    RunFinished,
    RunQueued,
    RunStarted,
    StepFinished,
    StepStarted,
)
from homeport.store.artifacts_folder import FolderArtifacts
from tests.support.console import call
from tests.support.plans import NOW, plan_of, record_of


@pytest.fixture
def stores(homeport_home: Path) -> Stores:
    return open_stores({"HOMEPORT_HOME": str(homeport_home)})


@pytest.fixture
def here(tmp_path: Path) -> Path:
    return tmp_path.resolve()


def leg() -> Leg:
    return Leg(key="build", job_id="build", name="Build it")


def begin(stores: Stores, source: Path, *, number: int = 1, printed: str = "one\ntwo") -> str:
    """A run whose one job has begun."""
    run = stores.runs.new_id()
    stores.runs.create(record_of(run, number=number, source=str(source)), plan_of())
    facts: list[RunFact] = [
        RunQueued(at=NOW, run=run, workflow="ci.yml", name="CI", event="push", run_name="first try", number=number),
        RunStarted(at=NOW, run=run),
        JobExpanded(at=NOW, run=run, job="build", legs=(leg(),)),
        JobQueued(at=NOW, run=run, job="build", lease=f"{run}.1.1"),
        JobStarted(
            at=NOW, run=run, job="build", job_id="build", name="Build it", matrix=None, runner="r", lease=f"{run}.1.1"
        ),
        StepStarted(at=NOW, run=run, job="build", step="compile", number=2, name="Compile"),
    ]
    stores.runs.append(run, 1, facts)
    stores.logs.append(run, 1, "build", "compile", NOW, printed)
    return run


def end(stores: Stores, run: str) -> None:
    facts: list[RunFact] = [
        AnnotationRaised(
            at=NOW, run=run, job="build", step="compile", severity="error", message="it is broken", file="a.c", line=3
        ),
        StepFinished(
            at=NOW,
            run=run,
            job="build",
            step="compile",
            number=2,
            name="Compile",
            outcome="failure",
            conclusion="failure",
            exit_code=7,
        ),
        JobFinished(
            at=NOW,
            run=run,
            job="build",
            job_id="build",
            name="Build it",
            matrix=None,
            conclusion="failure",
            outcome="failure",
        ),
        RunFinished(at=NOW, run=run, workflow="ci.yml", conclusion="failure"),
    ]
    stores.runs.append(run, 1, facts)
    stores.runs.close(run, 1)


# --- runs -------------------------------------------------------------------------------------------------------------


def test_runs_lists_those_of_this_repository_newest_first(stores: Stores, here: Path, tmp_path: Path) -> None:
    one = begin(stores, here)
    end(stores, one)
    two = begin(stores, here, number=2)
    begin(stores, tmp_path / "elsewhere")
    rows = call("runs", "--format", "json", folder=here).json
    assert [(row["id"], row["status"], row["conclusion"]) for row in rows] == [
        (two, "running", None),
        (one, "completed", "failure"),
    ]
    assert rows[0]["run_name"] == "first try"
    assert len(call("runs", "--all", "--format", "json", folder=here).json) == 3
    assert len(call("runs", "--limit", "1", "--format", "json", folder=here).json) == 1


def test_runs_as_text_names_workflow_number_and_ending(stores: Stores, here: Path) -> None:
    end(stores, begin(stores, here))
    text = call("runs", folder=here).text
    assert "✗" in text
    assert "CI #1" in text


def test_no_runs_is_no_error(here: Path) -> None:
    answer = call("runs", folder=here)
    assert (answer.code, answer.said) == (0, "no runs yet\n")
    assert call("runs", "--format", "json", folder=here).json == []


# --- which run is meant -----------------------------------------------------------------------------------------------


def test_a_run_is_meant_by_id_number_latest_or_nothing(stores: Stores, here: Path) -> None:
    one, two = begin(stores, here, number=7), begin(stores, here, number=8)
    meant = {
        words: call("show", *words, "--format", "json", folder=here).json["id"]
        for words in ((one,), ("#7",), ("latest",), ())
    }
    assert meant == {(one,): one, ("#7",): one, ("latest",): two, (): two}


def test_the_beginning_of_an_id_is_enough_where_it_is_unique(stores: Stores, here: Path) -> None:
    runs = [begin(stores, here) for _ in range(12)]
    for run in runs:
        stores.runs.close(run, 1)
    stores.runs.delete("1")
    answer = call("show", "1", folder=here)
    assert answer.code == 2
    assert "several runs begin with '1': 12, 11, 10" in answer.said


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("show", "99"), "there is no run '99'"),
        (("show", "#99"), "no run of this repository has the number #99"),
        (("show",), "nothing was run in this repository yet"),
        (("cancel",), "no run of this repository is going on"),
        (("logs", "x"), "there is no run 'x'"),
    ],
)
def test_a_run_that_is_not_there_is_a_usage_error(here: Path, words: tuple[str, ...], message: str) -> None:
    answer = call(*words, folder=here)
    assert answer.code == 2
    assert message in answer.said


def test_an_attempt_that_is_not_there_is_a_usage_error(stores: Stores, here: Path) -> None:
    begin(stores, here)
    assert call("show", "--attempt", "1", folder=here).code == 0
    answer = call("show", "--attempt", "2", folder=here)
    assert answer.code == 2
    assert "has no attempt 2" in answer.said


# --- show -------------------------------------------------------------------------------------------------------------


def test_show_gives_the_whole_of_a_run(stores: Stores, here: Path) -> None:
    end(stores, begin(stores, here))
    run = call("show", "--format", "json", folder=here).json
    assert (run["status"], run["conclusion"], run["event"]) == ("completed", "failure", "push")
    (job,) = run["jobs"]
    assert (job["job"], job["name"], job["conclusion"]) == ("build", "Build it", "failure")
    assert [(step["step"], step["number"], step["exit_code"]) for step in job["steps"]] == [("compile", 2, 7)]
    assert job["annotations"][0]["message"] == "it is broken"


def test_show_as_text_has_the_failed_step_with_its_last_lines(stores: Stores, here: Path) -> None:
    end(stores, begin(stores, here))
    text = call("show", folder=here).text
    for expected in ("Build it › Compile (exit code 7)", "│ two", "a.c:3", "it is broken", "CI #1"):
        assert expected in text


def test_show_leaves_out_the_header_that_prints_the_script(stores: Stores, here: Path) -> None:
    header = "##[group]Run cc\n\x1b[36;1mcc a.c\x1b[0m\nshell: bash -e {0}\n##[endgroup]"
    end(stores, begin(stores, here, printed=f"{header}\nundefined symbol"))
    text = call("show", folder=here).text
    assert "│ undefined symbol" in text
    assert "cc a.c" not in text
    assert "shell:" not in text


def test_a_run_whose_process_died_is_shown_as_lost(stores: Stores, here: Path) -> None:
    stores.runs.abandon(begin(stores, here), 1)
    assert call("show", "--format", "json", folder=here).json["status"] == "lost"
    assert call("runs", "--format", "json", folder=here).json[0]["status"] == "lost"


# --- logs -------------------------------------------------------------------------------------------------------------


def test_logs_print_what_the_steps_printed(stores: Stores, here: Path) -> None:
    begin(stores, here)
    assert call("logs", folder=here).text == "build │ one\nbuild │ two\n"
    assert call("logs", "--job", "Build it", folder=here).text == "one\ntwo\n"
    assert call("logs", "--job", "build", "-t", folder=here).text.startswith("2026-03-01T12:00:00.000000Z one\n")
    assert call("logs", "--step", "none", folder=here).text == ""


def test_logs_have_no_colours_where_nobody_can_see_them(stores: Stores, here: Path) -> None:
    begin(stores, here, printed="\x1b[36;1mmake\x1b[0m")
    assert call("logs", folder=here).text == "build │ make\n"
    assert call("logs", "--format", "json", folder=here).rows[0]["lines"] == ["\x1b[36;1mmake\x1b[0m"]


def test_logs_as_json_are_the_facts_of_a_run(stores: Stores, here: Path) -> None:
    run = begin(stores, here)
    stores.logs.append(run, 1, "build", "link", NOW, "three")
    assert [(row["type"], row["step"], row["lines"]) for row in call("logs", "--format", "json", folder=here).rows] == [
        ("lines_logged", "compile", ["one", "two"]),
        ("lines_logged", "link", ["three"]),
    ]


def test_logs_of_an_unknown_job_name_those_that_there_are(stores: Stores, here: Path) -> None:
    begin(stores, here)
    answer = call("logs", "--job", "none", folder=here)
    assert answer.code == 2
    assert "its jobs: build" in answer.said


def test_following_a_run_that_has_ended_prints_it_and_ends(stores: Stores, here: Path) -> None:
    end(stores, begin(stores, here))
    assert call("logs", "-f", folder=here).text == "build │ one\nbuild │ two\n"


# --- cancel and retry -------------------------------------------------------------------------------------------------


def test_cancel_reaches_the_run_and_waits_for_its_answer(stores: Stores, here: Path) -> None:
    run = begin(stores, here)
    inbox = stores.controls.open(run)
    # The answer of an earlier request stands in the journal already: asking again must not wait for another.
    stores.runs.append(run, 1, [CancelRequested(at=NOW, run=run, by="ann", reason="x")])
    answer = call("cancel", "--reason", "enough", "--format", "json", folder=here)
    assert (answer.code, answer.json["run"]) == (0, run)
    (request,) = inbox.receive()
    assert isinstance(request, CancelRun)
    assert (request.reason, request.force) == ("enough", False)


def test_cancelling_what_has_ended_is_an_error(stores: Stores, here: Path) -> None:
    run = begin(stores, here)
    end(stores, run)
    answer = call("cancel", run, folder=here)
    assert answer.code == 1
    assert f"run {run} is not going on" in answer.said


def test_retry_goes_on_with_the_job_that_waits(stores: Stores, here: Path) -> None:
    run = begin(stores, here)
    inbox = stores.controls.open(run)
    stores.runs.append(run, 1, [JobPaused(at=NOW, run=run, job="build", step="compile", number=2)])

    def answer_it() -> None:
        while not (requests := inbox.receive()):
            pass
        heard.extend(requests)
        stores.runs.append(run, 1, [JobResumed(at=NOW, run=run, job="build", number=1)])

    heard: list[object] = []
    thread = threading.Thread(target=answer_it)
    thread.start()
    answer = call("retry", "--from-step", "1", "--format", "json", folder=here)
    thread.join()
    assert heard == [RetryJob(job="build", step=1)]
    assert answer.json == {"run": run, "job": "build", "number": 1}


def test_a_step_that_failed_cannot_be_left_out_by_retrying_a_later_one(stores: Stores, here: Path) -> None:
    run = begin(stores, here)
    stores.runs.append(run, 1, [JobPaused(at=NOW, run=run, job="build", step="compile", number=2)])
    answer = call("retry", "--from-step", "3", folder=here)
    assert answer.code == 1
    assert f"job 'build' of run {run} waits at step 2, and cannot go on from step 3" in answer.said


def test_retrying_where_nothing_waits_is_an_error(stores: Stores, here: Path) -> None:
    run = begin(stores, here)
    answer = call("retry", folder=here)
    assert answer.code == 1
    assert f"no job of run {run} waits" in answer.said


# --- artifacts --------------------------------------------------------------------------------------------------------


def test_artifacts_are_listed_and_unpacked(stores: Stores, here: Path, homeport_home: Path) -> None:
    run = begin(stores, here)
    file = here / "report.txt"
    file.write_text("green")
    FolderArtifacts(str(homeport_home), SystemClock()).put(run, 1, "build", "report", [("report.txt", str(file))])
    (row,) = call("artifacts", "--format", "json", folder=here).json
    assert (row["name"], row["job"], row["attempt"]) == ("report", "build", 1)
    assert "report" in call("artifacts", folder=here).text
    assert call("artifacts", "--download", "report", "--to", "out", folder=here).code == 0
    assert (here / "out" / "report.txt").read_text() == "green"
    missing = call("artifacts", "--download", "none", folder=here)
    assert missing.code == 1
    assert "it has: report" in missing.said

"""Runs as plain text."""

from datetime import timedelta

import msgspec
import pytest

from homeport.plan.model import Leg
from homeport.present.plain import PlainView
from homeport.run.facts import (
    AnnotationRaised,
    CancelRequested,
    ConcurrencyWaiting,
    Fact,
    JobExpanded,
    JobFinished,
    JobPaused,
    JobStarted,
    LinesLogged,
    RunFinished,
    RunQueued,
    StepFinished,
    StepStarted,
    WorkflowNotStarted,
)
from tests.support.plans import NOW


class Page:
    def __init__(self) -> None:
        self.text = ""
        self.view = PlainView(self._write, needs={}, failed_command="homeport run --failed")

    def _write(self, data: bytes) -> None:
        self.text += data.decode()

    def feed(self, *facts: Fact) -> str:
        """What these facts add."""
        before = len(self.text)
        for fact in facts:
            self.view.feed(fact)
        self.view.tick(NOW)
        return self.text[before:]


def queued(run: str = "1", name: str = "CI") -> RunQueued:
    return RunQueued(at=NOW, run=run, workflow="ci.yml", name=name, event="push", run_name="first", number=4)


def started(run: str = "1") -> list[Fact]:
    leg = Leg(key="build", job_id="build", name="Build")
    return [
        JobExpanded(at=NOW, run=run, job="build", legs=(leg,)),
        JobStarted(at=NOW, run=run, job="build", job_id="build", name="Build", matrix=None, runner="r"),
        StepStarted(at=NOW, run=run, job="build", step="a", number=1, name="Compile"),
    ]


def lines(text: str, run: str = "1") -> LinesLogged:
    return LinesLogged(at=NOW, run=run, job="build", step="a", text=text)


@pytest.fixture
def page() -> Page:
    page = Page()
    page.feed(queued(), *started())
    return page


def test_a_run_is_headed_by_its_name_number_and_event() -> None:
    assert Page().feed(queued()) == "CI #4 (push): first\n"


def test_every_line_names_its_job(page: Page) -> None:
    assert page.feed(lines("one\ntwo\n\nfour")) == "Build │ one\nBuild │ two\nBuild │ \nBuild │ four\n"


def test_lines_name_their_workflow_too_where_there_are_several(page: Page) -> None:
    page.feed(queued("2", "Docs"), *started("2"))
    assert page.feed(lines("x", "2")) == "Docs / Build │ x\n"
    assert page.feed(lines("y")) == "CI / Build │ y\n"


def test_what_a_step_says_of_itself_is_left_out_once(page: Page) -> None:
    header = "##[group]Run make\nmake\nshell: bash\n##[endgroup]"
    assert page.feed(lines(header)) == ""
    assert page.feed(lines(header)) == "Build │ Run make\nBuild │ make\nBuild │ shell: bash\n"
    again = StepStarted(at=NOW, run="1", job="build", step="a", number=1, name="Compile")
    assert page.feed(again, lines(f"{header}\nhello")) == "Build │ ▸ Compile\nBuild │ hello\n"
    assert page.feed(again, lines("hello")) == "Build │ ▸ Compile\nBuild │ hello\n"


def test_the_runners_marks_become_words(page: Page) -> None:
    page.feed(lines("first"))
    text = "##[group]Files\nmake\n##[endgroup]\n##[error]it broke\n##[warning]careful"
    assert page.feed(lines(text)) == "".join(
        f"Build │ {line}\n" for line in ("Files", "make", "error: it broke", "warning: careful")
    )
    assert page.feed(lines("##[endgroup]")) == ""


def test_a_failed_step_says_so_and_a_good_one_is_silent(page: Page) -> None:
    step = StepFinished(
        at=NOW, run="1", job="build", step="a", number=1, name="Compile", outcome="success", conclusion="success"
    )
    assert page.feed(step) == ""
    failed = StepFinished(
        at=NOW,
        run="1",
        job="build",
        step="a",
        number=1,
        name="Compile",
        outcome="failure",
        conclusion="failure",
        exit_code=2,
    )
    assert page.feed(failed) == "Build │ ✗ Compile failed with exit code 2\n"
    failed = msgspec.structs.replace(failed, reason="Process completed with exit code 2.")
    assert page.feed(failed) == "Build │ ✗ Compile failed with exit code 2\n"
    failed = msgspec.structs.replace(failed, exit_code=0, reason="a workflow command failed")
    assert page.feed(failed) == "Build │ ✗ Compile failed: a workflow command failed\n"
    failed = msgspec.structs.replace(failed, exit_code=None, reason="no Python 3.99\nthese are here: 3.12")
    assert page.feed(failed) == "Build │ ✗ Compile failed: no Python 3.99\n"


def test_annotations_of_the_job_itself_are_shown_with_their_place(page: Page) -> None:
    annotation = AnnotationRaised(
        at=NOW, run="1", job="build", step=None, severity="error", message="no runner", file="ci.yml", line=3, column=5
    )
    assert page.feed(annotation) == "Build │ error: ci.yml:3:5: no runner\n"


def test_annotations_of_steps_stand_in_their_lines_already(page: Page) -> None:
    annotation = AnnotationRaised(at=NOW, run="1", job="build", step="a", severity="error", message="x")
    assert page.feed(annotation) == ""


def test_endings_waits_pauses_and_cancellations_are_told(page: Page) -> None:
    finished = JobFinished(
        at=NOW + timedelta(seconds=2),
        run="1",
        job="build",
        job_id="build",
        name="Build",
        matrix=None,
        conclusion="success",
        outcome="success",
    )
    waiting = ConcurrencyWaiting(at=NOW, run="1", job=None, group="deploy", holder="run 7")
    paused = JobPaused(at=NOW, run="1", job="build", step="a", number=1)
    assert page.feed(paused) == "Build │ ‖ paused after a failure: `homeport retry` goes on\n"
    paused = msgspec.structs.replace(paused, workspace="/w/app")
    assert page.feed(paused).endswith("‖ paused after a failure: its workspace is /w/app; `homeport retry` goes on\n")
    assert page.feed(finished) == "Build │ ✓ success in 2.0s\n"
    assert page.feed(waiting) == "waits for concurrency group deploy, held by run 7\n"
    assert page.feed(CancelRequested(at=NOW, run="1", by="ann", reason="x")) == "cancelled by ann: x\n"
    assert page.feed(WorkflowNotStarted(at=NOW, workflow="b.yml", reason="no")) == "b.yml does not start: no\n"


def test_the_last_word_is_the_summary(page: Page) -> None:
    page.feed(RunFinished(at=NOW, run="1", workflow="ci.yml", conclusion="failure"))
    before = len(page.text)
    page.view.close()
    summary = page.text[before:]
    assert "✗ CI #4 (push) failed" in summary
    assert "homeport run --failed" in summary


def test_nothing_shown_has_no_summary() -> None:
    page = Page()
    page.view.close()
    assert page.text == ""

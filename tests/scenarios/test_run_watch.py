"""`homeport run --watch`: runs again when a file changes, and survives mistakes in between."""

from pathlib import Path

from tests.support.live import LiveRun
from tests.support.projects import make_repository

WORKFLOW = """
    on: push
    jobs:
      one: {runs-on: ubuntu-latest, steps: [{uses: actions/checkout@v4}, {id: say, run: cat word}]}
"""


def test_a_change_runs_again_until_interrupted(tmp_path: Path) -> None:
    repository = make_repository(tmp_path, WORKFLOW, files={"word": "first\n", ".gitignore": "noise\n"})
    with LiveRun(["run", "--watch"], cwd=repository) as live:
        live.until_printed("first")
        live.until("run_finished")
        (repository / "noise").write_text("ignored files start nothing")
        (repository / "word").write_text("second\n")
        live.until_printed("second")
        live.until("run_finished")
        (repository / ".github/workflows/ci.yml").write_text("on: push\njobs: {one: {stepz: []}}\n")
        live.until_said("stepz")
        (repository / ".github/workflows/ci.yml").write_text(
            "on: push\njobs: {one: {runs-on: ubuntu-latest, steps: [{run: echo mended}]}}\n"
        )
        live.until_printed("mended")
        live.until("run_finished")
        live.interrupt()
        answer = live.rest()
    assert answer.exit_code == 130
    assert [fact["number"] for fact in answer.of("run_queued")] == [1, 2, 3]
    assert "word changed" in answer.stderr


def test_an_interrupt_while_it_runs_ends_the_watch_too(tmp_path: Path) -> None:
    workflow = "on: push\njobs: {one: {runs-on: ubuntu-latest, steps: [{run: echo ready; sleep 300}]}}\n"
    with LiveRun(["run", "--watch"], cwd=make_repository(tmp_path, workflow)) as live:
        live.until_printed("ready")
        live.interrupt()
        answer = live.rest()
    assert (answer.exit_code, answer.conclusion) == (130, "cancelled")

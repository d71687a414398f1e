"""What the live view leaves on a terminal, seen through a terminal emulator."""

from datetime import timedelta

import pyte

from homeport.present.live_view import LiveView
from homeport.run.facts import RunFinished, RunQueued, RunStarted
from tests.unit.present.test_run_view import NEEDS, START, job_facts


def rows_of(screen: pyte.Screen) -> list[str]:
    return [row.rstrip() for row in screen.display]


def test_failures_stay_the_picture_goes_and_the_summary_is_last() -> None:
    screen = pyte.Screen(80, 24)
    screen.set_mode(pyte.modes.LNM)
    stream = pyte.Stream(screen)
    view = LiveView(stream.feed, lambda: (80, 24), needs=NEEDS, failed_command="homeport run --failed")
    view.feed(RunQueued(at=START, run="1", workflow="ci.yml", name="CI", event="push", run_name="CI", number=7))
    view.feed(RunStarted(at=START, run="1"))
    view.tick(START)
    for fact in [*job_facts("lint", 0, 2), *job_facts("build", 2, 9, failed=True)]:
        view.feed(fact)
        view.tick(fact.at)
    view.tick(START + timedelta(seconds=20))
    assert screen.cursor.hidden is True
    drawn = rows_of(screen)
    assert drawn[0] == "✗ Build › Run tests (exit code 1)"
    assert drawn[5] == "CI #7 · push · 2/3 jobs · 20.0s"
    view.feed(RunFinished(at=START + timedelta(seconds=9), run="1", workflow="ci.yml", conclusion="failure"))
    view.close()
    left = rows_of(screen)
    assert bool(screen.cursor.hidden) is False
    assert left[5].startswith("✗ CI #7 (push) failed in 9.0s")
    assert not any("jobs ·" in row for row in left)
    assert "Re-run just the failed part: homeport run --failed" in left


def test_frames_are_not_drawn_faster_than_an_eye_sees() -> None:
    written: list[str] = []
    view = LiveView(written.append, lambda: (80, 24), needs={})
    view.feed(RunQueued(at=START, run="1", workflow="ci.yml", name="CI", event="push", run_name="CI"))
    for milliseconds in range(0, 160, 10):
        view.tick(START + timedelta(milliseconds=milliseconds))
    assert len(written) == 2


def test_the_terminal_is_left_clean_for_a_shell_and_the_picture_comes_back_below_it() -> None:
    screen = pyte.Screen(80, 24)
    screen.set_mode(pyte.modes.LNM)
    stream = pyte.Stream(screen)
    view = LiveView(stream.feed, lambda: (80, 24), needs={})
    view.feed(RunQueued(at=START, run="1", workflow="ci.yml", name="CI", event="push", run_name="CI", number=7))
    view.tick(START)
    view.step_aside()
    assert (rows_of(screen)[0], bool(screen.cursor.hidden)) == ("", False)
    stream.feed("$ exit\n")
    view.tick(START)
    assert rows_of(screen)[0] == "$ exit"
    assert rows_of(screen)[1].startswith("CI #7 · push")

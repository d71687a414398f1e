"""Ages, sizes, counts and states as pages say them."""

from datetime import UTC, datetime, timedelta

import pytest

from homeport.present.html_timeline import draw_timeline
from homeport.present.html_words import show_age, show_count, show_moment, show_size, state_of
from homeport.present.run_view import JobView, RunView

NOW = datetime(2026, 11, 21, 15, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "just now"),
        (-5, "just now"),
        (12, "12 seconds ago"),
        (60, "1 minute ago"),
        (3599, "59 minutes ago"),
        (3600, "1 hour ago"),
        (86400, "1 day ago"),
        (13 * 86400, "13 days ago"),
        (20 * 86400, "1 Nov"),
        (400 * 86400, "17 Oct 2025"),
        (-120, "in 2 minutes"),
    ],
)
def test_ages(seconds: int, words: str) -> None:
    assert show_age(NOW - timedelta(seconds=seconds), NOW) == words


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (99_949, "99.9 kB"),
        (123_456, "123 kB"),
        (5_000_000_000_000, "5.0 TB"),
    ],
)
def test_sizes(size: int, words: str) -> None:
    assert show_size(size) == words


def test_counts_and_moments() -> None:
    assert show_count(1, "run") == "1 run"
    assert show_count(12_000, "run") == "12,000 runs"
    assert show_count(2, "entry", "entries") == "2 entries"
    assert show_moment(NOW) == "21 Nov 2026, 15:00:00 UTC"


def test_a_failure_that_may_be_is_a_state_of_its_own() -> None:
    assert state_of("completed", "success", outcome="failure") == "forgiven"
    assert state_of("completed", "failure", outcome="failure") == "failure"
    assert state_of("running", None) == "running"


def test_bars_lie_within_the_time_of_the_run() -> None:
    run = RunView(id="1", queued_at=NOW, finished_at=NOW + timedelta(seconds=100))
    jobs = [
        JobView(
            key=str(index),
            job_id=str(index),
            name=str(index),
            status="completed",
            conclusion="success",
            queued_at=NOW + timedelta(seconds=index),
            started_at=NOW + timedelta(seconds=10 * index),
            finished_at=NOW + timedelta(seconds=10 * index + 10),
        )
        for index in range(10)
    ]
    timeline = draw_timeline(run, jobs, NOW)
    assert [bar.x for bar in timeline.bars] == [10.0 * index for index in range(10)]
    assert all(bar.width == 10 and bar.wait_x <= bar.x for bar in timeline.bars)
    assert [tick.label for tick in timeline.ticks] == ["30s", "1m", "1m 30s"]
    assert timeline.total == "1m 40s"


def test_a_job_that_was_kept_has_no_bar_in_this_attempt() -> None:
    run = RunView(id="1", queued_at=NOW)
    kept = JobView(key="a", job_id="a", name="a", started_at=NOW - timedelta(hours=1), kept_from=1)
    assert draw_timeline(run, [kept], NOW + timedelta(seconds=5)).bars == ()

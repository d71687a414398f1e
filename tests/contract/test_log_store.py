"""What every `LogStore` promises."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from homeport.ports.logs import LogLine, LogStore
from homeport.store.logs_folder import FolderLogs
from homeport.store.logs_packed import PackedLogs
from homeport.store.memory import MemoryLogs
from tests.support.plans import NOW


@pytest.fixture(params=["memory", "folder", "packed", "packed at once"])
def logs(request: pytest.FixtureRequest, tmp_path: Path) -> LogStore:
    match request.param:
        case "memory":
            return MemoryLogs()
        case "folder":
            return FolderLogs(str(tmp_path / "home"))
        case "packed":
            return PackedLogs(str(tmp_path / "logs"))
        case _:
            return PackedAtOnce(str(tmp_path / "logs"))


class PackedAtOnce(PackedLogs):
    """Every chunk finds a log that was packed, as if it came late."""

    def append(self, run: str, attempt: int, job: str, step: str, at: datetime, text: str) -> None:
        super().append(run, attempt, job, step, at, text)
        self.close(run, attempt, job)
        self.pack()


def texts(logs: LogStore, job: str = "build", step: str | None = None, start: int = 0) -> list[str]:
    return [line.text for line in logs.read("1", 1, job, step=step, start=start)]


def test_lines_come_back_with_their_step_and_time(logs: LogStore) -> None:
    later = NOW + timedelta(microseconds=1500)
    logs.append("1", 1, "build", "a", NOW, "one\ntwo")
    logs.append("1", 1, "build", "b", later, "three")
    assert list(logs.read("1", 1, "build")) == [
        LogLine(NOW, "a", "one"),
        LogLine(NOW, "a", "two"),
        LogLine(later, "b", "three"),
    ]


def test_lines_are_readable_as_soon_as_they_are_appended(logs: LogStore) -> None:
    logs.append("1", 1, "build", "a", NOW, "one")
    assert texts(logs) == ["one"]
    logs.append("1", 1, "build", "a", NOW, "two")
    assert texts(logs) == ["one", "two"]


def test_steps_may_take_turns(logs: LogStore) -> None:
    for step, text in (("a", "1"), ("b", "2"), ("a", "3")):
        logs.append("1", 1, "build", step, NOW, text)
    assert texts(logs, step="a") == ["1", "3"]
    assert texts(logs, step="b") == ["2"]


def test_reading_may_start_further_on(logs: LogStore) -> None:
    logs.append("1", 1, "build", "a", NOW, "0\n1\n2\n3")
    assert texts(logs, start=2) == ["2", "3"]
    assert texts(logs, start=9) == []


@pytest.mark.parametrize(
    "text", ["", "\n", "a\n\nb", "\r\n\t", "ünïcode ✓", "\x1estep", "2026-01-01T00:00:00.000000Z x", "x" * 2_000_000]
)
def test_any_text_comes_back_as_it_was(logs: LogStore, text: str) -> None:
    logs.append("1", 1, "build", "a", NOW, text)
    logs.append("1", 1, "build", "a", NOW, "end")
    assert texts(logs) == [*text.split("\n"), "end"]


def test_jobs_attempts_and_runs_are_kept_apart(logs: LogStore) -> None:
    logs.append("1", 1, "build", "a", NOW, "mine")
    logs.append("1", 1, "deploy (eu)/test (3.12, a/b)", "a", NOW, "other job")
    logs.append("1", 2, "build", "a", NOW, "other attempt")
    logs.append("2", 1, "build", "a", NOW, "other run")
    assert texts(logs) == ["mine"]
    assert texts(logs, job="deploy (eu)/test (3.12, a/b)") == ["other job"]


def test_keys_that_differ_little_are_kept_apart(logs: LogStore) -> None:
    keys = ["a/b", "a-b", "a b", "a.b", ".", "..", "x" * 300, "x" * 299 + "y", "é", ""]
    for key in keys:
        logs.append("1", 1, key, "a", NOW, f"of {key}")
    assert [texts(logs, job=key) for key in keys] == [[f"of {key}"] for key in keys]


def test_a_job_without_lines_reads_as_empty(logs: LogStore) -> None:
    assert texts(logs, job="none") == []


def test_a_tail_goes_on_where_it_was(logs: LogStore) -> None:
    tail = logs.tail("1", 1, "build")
    assert list(tail.read()) == []
    logs.append("1", 1, "build", "a", NOW, "one\ntwo")
    assert [line.text for line in tail.read()] == ["one", "two"]
    assert list(tail.read()) == []
    logs.append("1", 1, "build", "b", NOW, "three")
    assert list(tail.read()) == [LogLine(NOW, "b", "three")]


def test_closing_ends_nothing_for_readers(logs: LogStore) -> None:
    logs.append("1", 1, "build", "a", NOW, "one")
    logs.close("1", 1, "build")
    logs.close("1", 1, "build")
    assert texts(logs) == ["one"]


def test_what_was_appended_after_a_size_can_be_forgotten_and_said_again(logs: LogStore) -> None:
    assert logs.size("1", 1, "build") == 0
    logs.append("1", 1, "build", "a", NOW, "one\ntwo")
    logs.sync()
    size = logs.size("1", 1, "build")
    logs.append("1", 1, "build", "b", NOW, "three")
    logs.append("1", 1, "build", "b", NOW, "four")
    logs.cut("1", 1, "build", size)
    assert texts(logs) == ["one", "two"]
    assert logs.size("1", 1, "build") == size
    logs.append("1", 1, "build", "b", NOW, "three")
    assert [(line.step, line.text) for line in logs.read("1", 1, "build")] == [
        ("a", "one"),
        ("a", "two"),
        ("b", "three"),
    ]
    logs.cut("1", 1, "build", 0)
    assert texts(logs) == []
    logs.cut("1", 1, "none", 0)
    assert texts(logs, job="none") == []

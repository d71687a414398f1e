"""A server's log files: any line without the others, whole after a crash, marked where something is missing."""

import errno
import os
import random
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest

from homeport.ports.repositories import StoreError
from homeport.store.logs_packed import PackedLogs
from tests.support.plans import NOW


def fill(logs: PackedLogs, chunks: int, size: int = 500) -> list[str]:
    """Lines of three steps."""
    lines = [f"line {number} of them all" for number in range(chunks * size)]
    for chunk in range(chunks):
        text = "\n".join(lines[chunk * size : (chunk + 1) * size])
        logs.append("1", 1, "build", f"step{chunk * 3 // chunks}", NOW + timedelta(seconds=chunk), text)
    return lines


def part(logs: PackedLogs, first: int, count: int) -> list[str]:
    return [line.text for line in logs.part("1", 1, "build", first, count).lines]


@pytest.mark.parametrize("is_packed", [False, True])
def test_any_lines_are_read_from_the_blocks_that_they_are_in(tmp_path: Path, is_packed: bool) -> None:
    logs = PackedLogs(str(tmp_path))
    lines = fill(logs, 60)
    if is_packed:
        logs.close("1", 1, "build")
        assert logs.pack() == 1
        (packed,) = (tmp_path / "1" / "1").iterdir()
        assert packed.stat().st_size < sum(map(len, lines)) / 4
    for reader in (logs, PackedLogs(str(tmp_path))):
        for first in (0, 1, 499, 500, 12_345, 29_990, 30_000, 99_999):
            assert part(reader, first, 20) == lines[first : first + 20]
        assert [line.text for line in reader.read("1", 1, "build", step="step1", start=7)][:3] == lines[10_007:10_010]
        outline = reader.outline("1", 1, "build")
        assert outline.segments == (("step0", 0, 10_000), ("step1", 10_000, 10_000), ("step2", 20_000, 10_000))
        assert reader.find_moment("1", 1, "build", NOW + timedelta(seconds=31)) == 15_500
        found = reader.search("1", 1, "build", "LINE 2999")
        assert found.lines == tuple(n for n in range(30_000) if "line 2999" in lines[n])
        assert reader.search("1", 1, "build", "line", most=10).next == 10


def test_a_part_is_not_larger_than_it_may_be(tmp_path: Path) -> None:
    logs = PackedLogs(str(tmp_path))
    logs.append("1", 1, "build", "a", NOW, "\n".join(["x" * 1000] * 100))
    assert len(logs.part("1", 1, "build", 0, 100, most_bytes=10_500).lines) == 10
    assert len(logs.part("1", 1, "build", 0, 100, most_bytes=1).lines) == 1


def test_groups_are_known_by_line_and_end_with_their_step(tmp_path: Path) -> None:
    logs = PackedLogs(str(tmp_path))
    logs.append("1", 1, "build", "a", NOW, "##[group]one\nin\n##[group]inner\n##[endgroup]\n##[endgroup]\nout")
    logs.append("1", 1, "build", "a", NOW, "##[group]open\nx")
    logs.append("1", 1, "build", "b", NOW, "##[group]two")
    assert logs.outline("1", 1, "build").groups == ((0, 4), (6, 7), (8, 8))


def test_a_torn_end_is_not_read_and_not_left(tmp_path: Path) -> None:
    logs = PackedLogs(str(tmp_path))
    fill(logs, 1)
    (path,) = tmp_path.rglob("*.live")
    with path.open("ab") as file:
        file.write(path.read_bytes()[:50])
    again = PackedLogs(str(tmp_path))
    assert again.count("1", 1, "build") == 500
    again.append("1", 1, "build", "b", NOW, "after")
    assert part(again, 499, 5) == ["line 499 of them all", "after"]
    assert part(PackedLogs(str(tmp_path)), 499, 5) == ["line 499 of them all", "after"]


def test_packing_that_was_interrupted_loses_nothing(tmp_path: Path) -> None:
    logs = PackedLogs(str(tmp_path))
    lines = fill(logs, 4)
    (live,) = tmp_path.rglob("*.live")
    kept = live.read_bytes()
    logs.close("1", 1, "build")
    logs.pack()
    live.write_bytes(kept)  # it died before it removed the file
    live.with_name("build.packed.part").write_bytes(b"half")
    again = PackedLogs(str(tmp_path))
    assert part(again, 0, 9999) == lines
    assert not live.exists()


def test_readers_notice_nothing_of_packing(tmp_path: Path) -> None:
    logs = PackedLogs(str(tmp_path))
    lines = fill(logs, 60)
    reading = logs.read("1", 1, "build")
    begun = [next(reading).text for _ in range(10)]
    logs.close("1", 1, "build")
    logs.pack()
    assert begun + [line.text for line in reading] == lines


def test_a_log_that_is_too_long_says_so_and_ends(tmp_path: Path) -> None:
    logs = PackedLogs(str(tmp_path), largest=100_000)
    fill(logs, 60)
    outline = logs.outline("1", 1, "build")
    assert outline.is_cut
    assert outline.size < 110_000
    assert part(logs, outline.lines - 1, 1) == [
        "##[warning]This log has more than 100,000 bytes: what came after this line is not kept"
    ]
    again = PackedLogs(str(tmp_path), largest=100_000)
    again.append("1", 1, "build", "a", NOW, "more")
    assert again.count("1", 1, "build") == outline.lines


def test_a_full_disk_costs_lines_which_the_log_tells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    logs = PackedLogs(str(tmp_path))
    logs.append("1", 1, "build", "a", NOW, "one")

    def fail(descriptor: int, data: bytes) -> None:
        os.write(descriptor, data[:7])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("homeport.store.job_log.write_all", fail)  # a disk of the test's own needs root
    logs.append("1", 1, "build", "a", NOW, "two\nthree")
    logs.append("1", 1, "build", "a", NOW, "four")
    monkeypatch.undo()
    logs.append("1", 1, "build", "a", NOW, "five")
    assert part(PackedLogs(str(tmp_path)), 0, 9) == [
        "one",
        "##[warning]3 lines are missing here: they could not be written to the disk",
        "five",
    ]


def test_a_damaged_file_is_an_error_in_words(tmp_path: Path) -> None:
    logs = PackedLogs(str(tmp_path))
    fill(logs, 4)
    logs.close("1", 1, "build")
    logs.pack()
    (packed,) = tmp_path.rglob("*.packed")
    packed.write_bytes(packed.read_bytes()[:-3])
    with pytest.raises(StoreError, match="damaged"):
        PackedLogs(str(tmp_path)).count("1", 1, "build")


def test_a_log_that_an_earlier_process_wrote_is_packed_when_its_job_ends(tmp_path: Path) -> None:
    lines = fill(PackedLogs(str(tmp_path)), 2)
    again = PackedLogs(str(tmp_path))
    again.close("1", 1, "build")
    assert again.pack() == 1
    assert again.list_unpacked() == []
    assert part(again, 0, 9999) == lines
    again.close("1", 1, "build")
    assert again.pack() == 0


def test_what_is_deleted_is_gone(tmp_path: Path) -> None:
    logs = PackedLogs(str(tmp_path))
    fill(logs, 1)
    assert (list(logs.list_runs()), logs.list_unpacked()) == (["1"], [("1", 1)])
    logs.delete("1")
    assert (list(logs.list_runs()), logs.count("1", 1, "build")) == ([], 0)
    logs.close("1", 1, "build")
    assert logs.pack() == 0


WRITER = """
import sys
from datetime import UTC, datetime
from homeport.store.logs_packed import PackedLogs
logs = PackedLogs(sys.argv[1])
number = 0
while True:
    logs.append("1", 1, "build", "a", datetime.now(UTC), "\\n".join(str(n) for n in range(number, number + 700)))
    logs.sync()
    number += 700
    print(number, logs.size("1", 1, "build"), flush=True)
"""


@pytest.mark.parametrize("seed", range(5))
def test_what_was_acknowledged_is_there_after_a_kill_and_nothing_twice(tmp_path: Path, seed: int) -> None:
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    said = [writer.stdout.readline()]
    time.sleep(random.Random(seed).uniform(0, 0.2))
    writer.send_signal(signal.SIGKILL)
    said += writer.stdout.read().splitlines()
    writer.stdout.close()
    writer.wait()
    acknowledged, size = map(int, [line for line in said if len(line.split()) == 2][-1].split())
    logs = PackedLogs(str(tmp_path))
    assert logs.count("1", 1, "build") >= acknowledged
    logs.cut("1", 1, "build", size)
    assert [line.text for line in logs.read("1", 1, "build")] == [str(number) for number in range(acknowledged)]


def test_what_cannot_be_packed_now_is_packed_later_and_holds_up_no_other(tmp_path: Path) -> None:
    logs = PackedLogs(str(tmp_path), retry_seconds=0)
    for run in ("1", "2"):
        logs.append(run, 1, "build", "a", NOW, "said")
        logs.close(run, 1, "build")
    (live,) = (tmp_path / "1" / "1").glob("*.live")
    in_the_way = live.with_name(live.name.removesuffix(".live") + ".packed.part")
    in_the_way.mkdir()
    with pytest.raises(StoreError):
        logs.pack()
    assert [path.name.rpartition(".")[2] for path in sorted((tmp_path / "2" / "1").iterdir())] == ["packed"]
    in_the_way.rmdir()
    assert logs.pack() == 1
    assert not live.exists()
    assert part(logs, 0, 5) == ["said"]
    assert logs.pack() == 0

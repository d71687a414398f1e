"""The tool cache: whole versions or none, also where two jobs bring the same one."""

import os
import threading
from pathlib import Path

import pytest

from homeport.runner.actions.native.semver import Version
from homeport.runner.actions.native.tool_cache import keep_tool, list_cached

VERSION = Version(1, 2, 3)


def write(text: str, folder: str) -> None:
    Path(folder, "program").write_text(text)


def test_what_is_kept_is_found_in_githubs_layout(tmp_path: Path) -> None:
    folder = keep_tool(str(tmp_path), "tool", VERSION, "x64", lambda target: write("one", target))
    assert folder == f"{tmp_path}/tool/1.2.3/x64"
    assert list_cached(str(tmp_path), "tool", "x64") == {VERSION: folder}
    assert sorted(os.listdir(tmp_path / "tool" / "1.2.3")) == ["x64", "x64.complete"]
    assert list_cached(str(tmp_path), "tool", "arm64") == {}
    assert list_cached(str(tmp_path), "other", "x64") == {}


def test_what_fails_half_way_leaves_nothing(tmp_path: Path) -> None:
    def fill(target: str) -> None:
        write("half", target)
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        keep_tool(str(tmp_path), "tool", VERSION, "x64", fill)
    assert os.listdir(tmp_path / "tool" / "1.2.3") == []


def test_what_is_complete_stays_as_it_is(tmp_path: Path) -> None:
    """Another job may be running it."""
    folder = keep_tool(str(tmp_path), "tool", VERSION, "x64", lambda target: write("one", target))
    before = os.stat(f"{folder}/program").st_ino
    keep_tool(str(tmp_path), "tool", VERSION, "x64", lambda target: write("two", target))
    assert os.stat(f"{folder}/program").st_ino == before


def test_what_a_dead_process_left_is_replaced(tmp_path: Path) -> None:
    broken = tmp_path / "tool" / "1.2.3" / "x64"
    broken.mkdir(parents=True)
    (broken / "program").write_text("half")
    assert list_cached(str(tmp_path), "tool", "x64") == {}
    keep_tool(str(tmp_path), "tool", VERSION, "x64", lambda target: write("whole", target))
    assert (broken / "program").read_text() == "whole"


def test_of_many_jobs_at_once_one_keeps_it_and_all_may_use_it(tmp_path: Path) -> None:
    barrier = threading.Barrier(8)
    seen: list[str] = []

    def bring() -> None:
        def fill(target: str) -> None:
            write("whole", target)
            barrier.wait(60)

        folder = keep_tool(str(tmp_path), "tool", VERSION, "x64", fill)
        seen.extend(Path(folder, "program").read_text() for _ in range(200))

    threads = [threading.Thread(target=bring) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == ["whole"] * 1600
    assert sorted(os.listdir(tmp_path / "tool" / "1.2.3")) == ["x64", "x64.complete"]

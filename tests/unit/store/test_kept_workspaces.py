"""What failed jobs leave behind: found while it is kept, taken by one, gone when its time is over."""

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from homeport.ports.kept_workspaces import KeptWorkspace
from homeport.store.kept_workspaces import FolderKeptWorkspaces
from tests.support.plans import FixedClock


class Kept:
    """A store in a folder of the test's."""

    def __init__(self, home: Path, free: float = 0.5) -> None:
        self.home = home
        self.clock = FixedClock()
        self.free = free
        self.store = FolderKeptWorkspaces(str(home), self.clock, free=lambda _: self.free)

    def make(self, job: str = "build", minutes: float = 60, run: str = "7") -> KeptWorkspace:
        root = self.home / "work" / f"{os.getpid()}-{run}-{len(job)}{job[-2:]}"
        root.mkdir(parents=True)
        (root / "file").write_text("left")
        until = self.clock.now() + timedelta(minutes=minutes)
        return KeptWorkspace(run=run, attempt=1, job=job, root=str(root), until=until, failed=3, steps=(1, 2, 3))


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path)


def test_what_is_kept_is_found_and_taken_once(kept: Kept) -> None:
    made = kept.make("build (3.12, a/b)")
    assert kept.store.keep(made, b"memory")
    assert kept.store.find("7", 1, made.job) == made
    assert list(kept.store.list("7")) == [made]
    assert kept.store.find("7", 2, made.job) is None
    assert list(kept.store.list("70")) == []
    assert kept.store.take("7", 1, made.job) == (made, b"memory")
    assert kept.store.take("7", 1, made.job) is None
    assert kept.store.find("7", 1, made.job) is None
    assert list(kept.store.roots()) == [made.root]  # nobody clears it up while a job is in it
    kept.store.drop(made)
    assert list(kept.store.roots()) == []
    assert os.listdir(kept.home / "kept") == []


def test_records_are_their_owners_alone(kept: Kept) -> None:
    kept.store.keep(kept.make(), b"memory")
    assert {path.stat().st_mode & 0o777 for path in (kept.home / "kept").iterdir()} == {0o600}


def test_what_is_over_is_not_found_and_goes(kept: Kept) -> None:
    old, young = kept.make("old", 10), kept.make("younger", 30)
    kept.store.keep(old, b"")
    kept.store.keep(young, b"")
    kept.clock.moment += timedelta(minutes=11)
    assert kept.store.find("7", 1, "old") is None
    assert kept.store.take("7", 1, "old") is None
    assert list(kept.store.list("7")) == [young]
    kept.store.sweep()
    assert (Path(old.root).exists(), Path(young.root).exists()) == (False, True)
    assert list(kept.store.roots()) == [young.root]


def test_no_more_than_twenty_are_kept(kept: Kept) -> None:
    made = [kept.make(f"job{number:02}", 30 + number) for number in range(22)]
    for each in made:
        kept.store.keep(each, b"")
    kept.store.sweep()
    assert [Path(each.root).exists() for each in made] == [False, False] + [True] * 20


def test_a_full_disk_keeps_nothing_and_frees_the_oldest(kept: Kept) -> None:
    old, young = kept.make("old", 10), kept.make("younger", 30)
    kept.store.keep(old, b"")
    kept.store.keep(young, b"")
    kept.free = 0.05
    assert not kept.store.keep(kept.make("one more"), b"")
    kept.store.sweep()
    assert (Path(old.root).exists(), Path(young.root).exists()) == (False, True)
    kept.store.sweep()
    assert not Path(young.root).exists()


def test_what_a_dead_process_had_taken_goes(kept: Kept) -> None:
    made = kept.make()
    kept.store.keep(made, b"")
    taker = (
        "import sys\n"
        "from homeport.store.kept_workspaces import FolderKeptWorkspaces\n"
        "from tests.support.plans import FixedClock\n"
        "assert FolderKeptWorkspaces(sys.argv[1], FixedClock()).take('7', 1, 'build')\n"
    )
    subprocess.run([sys.executable, "-c", taker, str(kept.home)], check=True)
    assert list(kept.store.roots()) == []
    kept.store.sweep()
    assert not Path(made.root).exists()
    assert os.listdir(kept.home / "kept") == []


def test_what_is_kept_of_a_deleted_run_goes_but_not_from_under_a_job(kept: Kept) -> None:
    of_the_run, taken, another = kept.make("build"), kept.make("tested"), kept.make("build", run="70")
    for each in (of_the_run, taken, another):
        kept.store.keep(each, b"")
    kept.store.take("7", 1, "tested")
    kept.store.forget("7")
    assert [Path(each.root).exists() for each in (of_the_run, taken, another)] == [False, True, True]


def test_a_record_that_cannot_be_read_is_none(kept: Kept) -> None:
    kept.store.keep(kept.make(), b"")
    (record,) = (kept.home / "kept").glob("*.json")
    record.write_bytes(b"{}")
    assert kept.store.find("7", 1, "build") is None
    assert kept.store.take("7", 1, "build") is None

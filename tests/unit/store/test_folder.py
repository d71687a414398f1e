"""The careful ways in which the folder store's files are made."""

import os
import stat
from pathlib import Path

import pytest

from homeport.ports.repositories import StoreError
from homeport.run.facts import RunStarted
from homeport.store.folder import count_up, file_name, make_folder, remove_tree
from homeport.store.runs_folder import FolderRuns
from tests.support.plans import NOW, plan_of, record_of


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def test_everything_is_for_its_owner_only(tmp_path: Path) -> None:
    home = tmp_path / "state" / "homeport"
    runs = FolderRuns(str(home))
    run = runs.new_id()
    runs.create(record_of(run), plan_of())
    runs.next_number("octo/app", "ci.yml")
    found = [tmp_path / "state", home, *home.rglob("*")]
    assert {oct(mode(path)) for path in found if path.is_dir()} == {"0o700"}
    assert {oct(mode(path)) for path in found if not path.is_dir()} == {"0o600"}


def test_a_file_in_the_way_of_a_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="file"):
        make_folder(str(tmp_path / "file"))
    with pytest.raises(StoreError, match="Not a directory"):
        make_folder(str(tmp_path / "file" / "below"))


def test_a_counter_that_was_torn_begins_again(tmp_path: Path) -> None:
    counter = tmp_path / "next"
    assert [count_up(str(counter)) for _ in range(11)] == list(range(1, 12))
    counter.write_text("")
    assert count_up(str(counter)) == 1


@pytest.mark.parametrize("text", ["build", "test-1.2", "Ünï", "a/b", "..", ".hidden", "", "x" * 500, "con: <aux>|?*"])
def test_any_text_has_a_file_name_that_stays_in_its_folder(text: str) -> None:
    name = file_name(text)
    assert name
    assert "/" not in name
    assert not name.startswith(".")
    assert len(name.encode()) < 200


def test_names_that_are_safe_are_kept_as_they_are() -> None:
    assert file_name("build-3.11_x") == "build-3.11_x"


def test_removing_a_tree_does_not_follow_links(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_text("")
    tree = tmp_path / "tree"
    (tree / "deep").mkdir(parents=True)
    (tree / "deep" / "link").symlink_to(outside)
    os.symlink("nowhere", tree / "broken")
    remove_tree(str(tree))
    assert not tree.exists()
    assert (outside / "precious").exists()


def test_a_journal_with_a_torn_last_line_is_read_and_written_on(tmp_path: Path) -> None:
    runs = FolderRuns(str(tmp_path))
    run = runs.new_id()
    runs.create(record_of(run), plan_of())
    runs.append(run, 1, [RunStarted(at=NOW, run=run)])
    runs.abandon(run, 1)
    journal = tmp_path / "runs" / run / "1" / "facts.jsonl"
    whole = journal.read_bytes()
    journal.write_bytes(whole + b'{"v":1,"type":"run_fin')
    assert list(runs.facts(run)) == [RunStarted(at=NOW, run=run)]
    assert [record.id for record in runs.adopt()] == [run]
    runs.append(run, 1, [RunStarted(at=NOW, run=run)])
    assert journal.read_bytes() == whole * 2


def test_a_journal_that_makes_no_sense_is_named_with_its_line(tmp_path: Path) -> None:
    runs = FolderRuns(str(tmp_path))
    run = runs.new_id()
    runs.create(record_of(run), plan_of())
    (tmp_path / "runs" / run / "1" / "facts.jsonl").write_text("nonsense\n")
    with pytest.raises(StoreError, match=r"facts\.jsonl: line 1"):
        list(runs.facts(run))

"""A copy of everything, made while somebody writes, and put back."""

import os
import shutil
import subprocess
import threading
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from homeport.ports.repositories import StoreError
from homeport.store.backup import MANIFEST, back_up, restore
from homeport.store.data_folder import DataFolder
from homeport.store.tables.database import Database

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path) -> DataFolder:
    """A server's folder with something of each kind."""
    data = tmp_path / "data"
    for name in ("keys", "caches", "logs/1", "runner/work"):
        (data / name).mkdir(parents=True)
    for name in ("keys/master", "caches/one", "logs/1/log", "runner/work/file", "lock"):
        (data / name).write_text(name)
    subprocess.run(["git", "init", "-q", "--bare", str(data / "repositories" / "1.git")], check=True)
    Database(DataFolder(str(data)).database_url).close()
    return DataFolder(str(data))


def copy(folder: DataFolder, target: Path, *, keys: bool = True, caches: bool = False) -> None:
    back_up(folder, str(target), version="1", at=NOW, keys=keys, caches=caches)


def test_what_is_kept_comes_back_and_what_belongs_to_this_machine_does_not(folder: DataFolder, tmp_path: Path) -> None:
    copy(folder, tmp_path / "copy.tar")
    assert (tmp_path / "copy.tar").stat().st_mode & 0o777 == 0o600
    manifest = restore(str(tmp_path / "copy.tar"), DataFolder(str(tmp_path / "elsewhere")))
    assert (manifest.made_at, manifest.has_keys, manifest.has_caches) == (NOW, True, False)
    back = tmp_path / "elsewhere"
    assert (back / "keys" / "master").read_text() == "keys/master"
    assert (back / "logs" / "1" / "log").read_text() == "logs/1/log"
    assert not (back / "caches").exists()
    assert not (back / "runner").exists()
    assert not (back / "lock").exists()
    assert not (back / MANIFEST).exists()
    subprocess.run(["git", "-C", str(back / "repositories" / "1.git"), "fsck"], check=True)
    Database(DataFolder(str(back)).database_url).close()


def test_a_new_server_that_has_no_repository_yet_is_copied_too(folder: DataFolder, tmp_path: Path) -> None:
    shutil.rmtree(folder.repositories)
    copy(folder, tmp_path / "copy.tar")
    restore(str(tmp_path / "copy.tar"), DataFolder(str(tmp_path / "elsewhere")))
    assert (tmp_path / "elsewhere" / "keys" / "master").is_file()


def test_what_is_no_folder_of_a_server_is_not_copied(folder: DataFolder, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no homeport"):
        copy(DataFolder(str(tmp_path)), tmp_path / "copy.tar")
    with pytest.raises(StoreError, match="no keys"):
        back_up(
            DataFolder(str(tmp_path)), f"{tmp_path}/1", version="1", at=NOW, keys=True, caches=False, database=False
        )
    assert not list(tmp_path.glob("copy*"))


def test_keys_stay_at_home_and_caches_come_along_as_asked(folder: DataFolder, tmp_path: Path) -> None:
    copy(folder, tmp_path / "copy.tar", keys=False, caches=True)
    restore(str(tmp_path / "copy.tar"), DataFolder(str(tmp_path / "elsewhere")))
    assert not (tmp_path / "elsewhere" / "keys").exists()
    assert (tmp_path / "elsewhere" / "caches" / "one").exists()


def test_a_copy_made_while_somebody_writes_holds_one_moment(folder: DataFolder, tmp_path: Path) -> None:
    database = Database(folder.database_url)
    database.write(lambda connection: connection.execute(text("CREATE TABLE pairs (a INTEGER, b INTEGER)")))
    done = threading.Event()

    def write() -> None:
        number = 0
        while not done.is_set():
            number += 1
            statement = text(f"INSERT INTO pairs VALUES ({number}, {number})")
            database.write(partial(Connection.execute, statement=statement))

    thread = threading.Thread(target=write)
    thread.start()
    try:
        for number in range(5):
            copy(folder, tmp_path / f"{number}.tar")
    finally:
        done.set()
        thread.join()
        database.close()
    for number in range(5):
        back = DataFolder(str(tmp_path / f"back-{number}"))
        restore(str(tmp_path / f"{number}.tar"), back)
        restored = Database(back.database_url)
        with restored.read() as connection:
            rows = connection.execute(text("SELECT a, b FROM pairs ORDER BY a")).all()
        restored.close()
        assert [row.a for row in rows] == list(range(1, len(rows) + 1))


def test_a_push_meanwhile_leaves_no_ref_without_its_commit(folder: DataFolder, tmp_path: Path) -> None:
    bare = Path(folder.repository(1))
    work = tmp_path / "work"
    subprocess.run(["git", "clone", "-q", str(bare), str(work)], check=True, capture_output=True)
    done = threading.Event()

    def push() -> None:
        identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
        while not done.is_set():
            subprocess.run(["git", *identity, "commit", "-q", "--allow-empty", "-m", "one"], cwd=work, check=True)
            subprocess.run(["git", "push", "-q", "origin", "HEAD:main"], cwd=work, check=True, capture_output=True)
            subprocess.run(["git", "repack", "-adq"], cwd=bare, check=True)

    thread = threading.Thread(target=push)
    thread.start()
    try:
        for number in range(4):
            copy(folder, tmp_path / f"{number}.tar")
            shutil.rmtree(tmp_path / "back", ignore_errors=True)
            restore(str(tmp_path / f"{number}.tar"), DataFolder(str(tmp_path / "back")))
            restored = tmp_path / "back" / "repositories" / "1.git"
            subprocess.run(["git", "-C", str(restored), "fsck", "--connectivity-only"], check=True)
    finally:
        done.set()
        thread.join()


@pytest.mark.parametrize("moment", ["objects/pack", "refs/heads"])
def test_what_git_packs_between_a_look_and_the_next_is_not_missed(
    folder: DataFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    bare, work = folder.repository(1), str(tmp_path / "work")
    packing = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-C"]

    def git(*arguments: str) -> None:
        subprocess.run(["git", *packing, *arguments], check=True, capture_output=True)

    def push_and_pack() -> None:
        git(work, "commit", "-q", "--allow-empty", "-m", "one")
        git(work, "push", "-q", bare, "HEAD:refs/heads/main")
        git(bare, "repack", "-adq")

    subprocess.run(["git", "init", "-q", work], check=True)
    push_and_pack()
    listdir, is_packed = os.listdir, False

    def list_and_pack(path: str) -> list[str]:
        nonlocal is_packed
        is_before = moment == "refs/heads"
        names = [] if is_before else listdir(path)
        if path.endswith(moment) and not is_packed:
            is_packed = True
            push_and_pack()
            git(bare, "pack-refs", "--all")
        return listdir(path) if is_before else names

    with monkeypatch.context() as patched:
        patched.setattr(os, "listdir", list_and_pack)
        copy(folder, tmp_path / "copy.tar")
    assert is_packed
    restore(str(tmp_path / "copy.tar"), DataFolder(str(tmp_path / "back")))
    restored = str(tmp_path / "back" / "repositories" / "1.git")
    git(restored, "fsck", "--connectivity-only")
    git(restored, "rev-parse", "--verify", "refs/heads/main^{tree}")


def test_a_copy_that_is_cut_or_foreign_is_refused_and_leaves_nothing(folder: DataFolder, tmp_path: Path) -> None:
    target = tmp_path / "copy.tar"
    copy(folder, target)
    whole = target.read_bytes()
    back = DataFolder(str(tmp_path / "back"))
    for content in (whole[: len(whole) // 2], b"not a tar file", b""):
        target.write_bytes(content)
        with pytest.raises(StoreError):
            restore(str(target), back)
        assert [name for name in os.listdir(tmp_path) if name.startswith("back")] == []


def test_nothing_is_written_over(folder: DataFolder, tmp_path: Path) -> None:
    target = tmp_path / "copy.tar"
    target.write_text("mine")
    with pytest.raises(StoreError, match="is there already"):
        copy(folder, target)
    assert target.read_text() == "mine"
    target.unlink()
    copy(folder, target)
    with pytest.raises(StoreError, match="is not empty"):
        restore(str(target), folder)


def test_a_folder_that_is_no_servers_cannot_be_copied(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="is it the folder of a server"):
        copy(DataFolder(str(tmp_path)), tmp_path / "copy.tar")
    assert os.listdir(tmp_path) == []

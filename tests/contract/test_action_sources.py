"""What every place that published actions come from keeps to: addresses, working trees and bare repositories alike."""

import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Literal

import pytest

from homeport.ports.action_sources import Resolution, SourceError, SourceStoppedError
from homeport.store.action_locations import parse_sources
from homeport.store.actions_folder import FolderActions
from tests.support.git_folders import commit, git, init
from tests.support.git_http import GitServer, git_server
from tests.support.jobs import SystemClock

Kind = Literal["http", "working tree", "bare"]


def never() -> bool:
    return False


class Place:
    """A source with one repository, `o/action`, and a home to keep it in."""

    def __init__(self, root: Path, kind: Kind, server: GitServer | None) -> None:
        self.kind = kind
        self.server = server
        self.home = root / "home"
        self.base = root / "published"
        self.written = init(root / "written" / "o" / "action")
        (self.written / "action.yml").write_text("one")
        (self.written / "run.sh").write_text("#!/bin/sh\n")
        (self.written / "run.sh").chmod(0o755)
        (self.written / "link").symlink_to("run.sh")
        (self.written / "sub").mkdir()
        (self.written / "sub" / "schön.txt").write_bytes(b"\0\xff")
        self.first = commit(self.written)
        git(self.written, "tag", "v1")
        git(self.written, "tag", "-a", "v1.0.0", "-m", "annotated")
        self.publish()

    def publish(self) -> None:
        """What was written can be seen by others now."""
        target = self.base / "o" / ("action.git" if self.kind == "bare" else "action")
        shutil.rmtree(target, ignore_errors=True)
        if self.kind == "bare":
            git(self.written, "clone", "-q", "--mirror", str(self.written), str(target))
        else:
            shutil.copytree(self.written, target, symlinks=True)

    def move(self, text: str) -> str:
        """Another commit on `main`, to which `v1` moves; gives its id."""
        (self.written / "action.yml").write_text(text)
        moved = commit(self.written)
        git(self.written, "tag", "-f", "v1")
        self.publish()
        return moved

    def vanish(self) -> None:
        """Nobody answers any more."""
        shutil.rmtree(self.base)
        if self.server is not None:
            self.server.address = "gone"

    def open(self) -> FolderActions:
        """As another process would."""
        source = self.server.address if self.server is not None else str(self.base)
        if source == "gone":
            source = "http://127.0.0.1:9"
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.home)}
        return FolderActions(str(self.home / "state"), parse_sources([source], "/"), environment, SystemClock())

    def resolve(self, ref: str, *, run: str = "1", actions: FolderActions | None = None, **more: str) -> Resolution:
        return (actions or self.open()).resolve("o/action", ref, run=run, is_stopped=never, **more)

    @property
    def leftovers(self) -> list[str]:
        """What grows, or grew, in the store."""
        state = self.home / "state" / "actions"
        return [str(path) for path in [*(state / "new").glob("*"), *(state / "trees").glob("*.*")]]


@pytest.fixture(params=["http", "working tree", "bare"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    with ExitStack() as stack:
        server = stack.enter_context(git_server(tmp_path / "published")) if request.param == "http" else None
        yield Place(tmp_path, request.param, server)


@pytest.mark.parametrize(
    ("ref", "full"),
    [
        ("main", "refs/heads/main"),
        ("v1", "refs/tags/v1"),
        ("v1.0.0", "refs/tags/v1.0.0"),
        ("refs/heads/main", "refs/heads/main"),
        ("heads/main", "refs/heads/main"),
    ],
)
def test_a_ref_leads_to_its_commit(place: Place, ref: str, full: str) -> None:
    resolution = place.resolve(ref)
    assert (resolution.commit, resolution.full_ref, resolution.remark) == (place.first, full, "")


def test_a_tag_comes_before_a_branch_of_the_same_name(place: Place) -> None:
    git(place.written, "checkout", "-q", "-b", "v1")
    (place.written / "action.yml").write_text("of the branch")
    commit(place.written)
    place.publish()
    assert place.resolve("v1").commit == place.first


def test_a_whole_commit_id_is_itself(place: Place) -> None:
    old = place.first
    place.move("two")
    assert place.resolve(old).commit == old
    assert place.open().read(place.resolve(old), "action.yml", is_stopped=never) == b"one"


def test_the_files_are_those_of_the_commit(place: Place, tmp_path: Path) -> None:
    actions = place.open()
    copy = tmp_path / "copy"
    actions.copy(place.resolve("v1", actions=actions), str(tmp_path), "copy", is_stopped=never)
    assert sorted(path.name for path in copy.rglob("*")) == ["action.yml", "link", "run.sh", "schön.txt", "sub"]
    assert (copy / "action.yml").read_text() == "one"
    assert os.access(copy / "run.sh", os.X_OK)
    assert not os.access(copy / "action.yml", os.X_OK)
    assert os.readlink(copy / "link") == "run.sh"
    assert (copy / "sub" / "schön.txt").read_bytes() == b"\0\xff"
    assert place.leftovers == []


def test_files_are_as_a_forge_hands_them_out(place: Place) -> None:
    (place.written / ".gitattributes").write_text("tests export-ignore\nversion export-subst\n")
    (place.written / "tests").write_text("not for users")
    (place.written / "version").write_text("$Format:%H$")
    moved = place.move("two")
    actions, resolution = place.open(), place.resolve("main")
    assert actions.read(resolution, "tests", is_stopped=never) is None
    assert actions.read(resolution, "version", is_stopped=never) == moved.encode()


def test_a_repository_cannot_have_programs_run(place: Place, tmp_path: Path) -> None:
    """Hooks and filters in a repository's own configuration are for its owner."""
    proof = tmp_path / "proof"
    (place.written / ".gitattributes").write_text("* filter=bad diff=bad\n")
    place.move("two")
    folder = next(path for path in place.base.rglob("config") if path.parent.name in (".git", "action.git"))
    with folder.open("a") as config:
        config.write(f'[filter "bad"]\nsmudge = touch {proof}\n[core]\nfsmonitor = touch {proof}\n')
    assert place.open().read(place.resolve("main"), "action.yml", is_stopped=never) == b"two"
    assert not proof.exists()


def test_a_copy_is_the_jobs_own(place: Place, tmp_path: Path) -> None:
    actions = place.open()
    resolution = place.resolve("v1", actions=actions)
    for name in ("a", "b"):
        actions.copy(resolution, str(tmp_path), name, is_stopped=never)
        assert (tmp_path / name / "action.yml").read_text() == "one"
        (tmp_path / name / "action.yml").write_text("changed by a job")
    assert actions.read(resolution, "action.yml", is_stopped=never) == b"one"


@pytest.mark.parametrize("part", ["_actions", "_actions/o", "_actions/o/action", "_actions/o/action/v1"])
def test_nothing_is_written_through_a_link_of_the_jobs(place: Place, tmp_path: Path, part: str) -> None:
    """A job may have put it there, to have files of the machine overwritten."""
    root, outside = tmp_path / "job", tmp_path / "outside"
    link = root / part
    link.parent.mkdir(parents=True)
    outside.mkdir()
    link.symlink_to(outside)
    with pytest.raises(OSError, match=r"Not a directory|Too many levels"):
        place.open().copy(place.resolve("v1"), str(root), "_actions/o/action/v1", is_stopped=never)
    assert list(outside.iterdir()) == []


def test_links_within_the_copy_are_replaced_and_not_followed(place: Place, tmp_path: Path) -> None:
    (tmp_path / "target").write_text("the machine's")
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / "action.yml").symlink_to(tmp_path / "target")
    place.open().copy(place.resolve("v1"), str(tmp_path), "copy", is_stopped=never)
    assert (tmp_path / "copy" / "action.yml").read_text() == "one"
    assert (tmp_path / "target").read_text() == "the machine's"


# --- what moves, and what does not --------------------------------------------------------------------------------------


def test_a_moving_ref_is_asked_for_once_a_run(place: Place) -> None:
    actions = place.open()
    first = place.resolve("v1", actions=actions)
    moved = place.move("two")
    assert place.resolve("v1", actions=actions) == first
    assert place.resolve("v1", actions=actions, run="2").commit == moved
    assert place.resolve("v1").commit == moved


def test_what_an_earlier_attempt_recorded_holds_wherever_the_ref_has_moved(place: Place) -> None:
    place.resolve("v1")
    place.move("two")
    assert place.resolve("v1", commit=place.first).commit == place.first


def test_a_recorded_commit_that_is_not_kept_any_more_is_fetched(place: Place) -> None:
    place.move("two")
    resolution = place.resolve("v1", commit=place.first)
    assert place.open().read(resolution, "action.yml", is_stopped=never) == b"one"


# --- bad input ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ref", ["v2", "heads/none", "0" * 40, "f" * 64])
def test_a_ref_that_does_not_exist_has_githubs_words(place: Place, ref: str) -> None:
    with pytest.raises(SourceError) as caught:
        place.resolve(ref)
    assert caught.value.message == f"Unable to resolve action `o/action@{ref}`, unable to find version `{ref}`"
    assert caught.value.is_final
    assert place.leftovers == []


def test_a_repository_that_does_not_exist_has_githubs_words(place: Place) -> None:
    with pytest.raises(SourceError) as caught:
        place.open().resolve("o/none", "v1", run="1", is_stopped=never)
    assert caught.value.message == "Unable to resolve action. Repository not found: o/none"
    assert caught.value.is_final


@pytest.mark.parametrize("damage", ["cut", "changed", "gone", "manifest"])
def test_damaged_files_are_fetched_again(place: Place, tmp_path: Path, damage: str) -> None:
    actions = place.open()
    resolution = place.resolve("v1", actions=actions)
    tree = place.home / "state" / "actions" / "trees" / resolution.commit
    match damage:
        case "cut":
            (tree / "files" / "action.yml").write_text("o")
        case "changed":
            (tree / "files" / "action.yml").write_text("two")
        case "gone":
            (tree / "files" / "run.sh").unlink()
        case _:
            (tree / "manifest").write_bytes(b"garbage")
    actions.copy(resolution, str(tmp_path), "copy", is_stopped=never)
    assert (tmp_path / "copy" / "action.yml").read_text() == "one"
    assert (tmp_path / "copy" / "run.sh").exists()
    assert place.leftovers == []


def test_damaged_files_that_cannot_be_fetched_again_are_refused(place: Place, tmp_path: Path) -> None:
    resolution = place.resolve("v1")
    (place.home / "state" / "actions" / "trees" / resolution.commit / "files" / "run.sh").write_text("rm -rf /")
    place.vanish()
    with pytest.raises(SourceError, match=r"was damaged \(run.sh is not what it was\), and cannot be fetched again"):
        place.open().copy(resolution, str(tmp_path), "copy", is_stopped=never)


def test_whoever_was_stopped_gets_nothing_and_leaves_nothing(place: Place, tmp_path: Path) -> None:
    with pytest.raises(SourceStoppedError):
        place.open().resolve("o/action", "v1", run="1", is_stopped=lambda: True)
    assert place.leftovers == []
    resolution = place.resolve("v1")
    with pytest.raises(SourceStoppedError):
        place.open().copy(resolution, str(tmp_path), "copy", is_stopped=lambda: True)


def test_many_that_ask_at_the_same_time_fetch_once(place: Place, tmp_path: Path) -> None:
    """Threads of one process, and instances as other processes have them."""
    found: list[str] = []

    def ask(actions: FolderActions, number: int) -> None:
        resolution = actions.resolve("o/action", "v1", run="1", is_stopped=never)
        actions.copy(resolution, str(tmp_path), f"copy {number}", is_stopped=never)
        found.append((tmp_path / f"copy {number}" / "action.yml").read_text())

    instances = [place.open(), place.open()]
    threads = [threading.Thread(target=ask, args=(instances[number % 2], number)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == ["one"] * 12
    assert place.leftovers == []
    if place.server is not None:
        listings = [path for path, _ in place.server.requests if "info/refs" in path]
        assert len(listings) == 3, "two instances ask for the ref, one of them fetches"

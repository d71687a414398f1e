"""What every `ArtifactStore` promises."""

import hashlib
import multiprocessing
import os
import signal
import zipfile
from datetime import timedelta
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest

from homeport.ports.artifacts import Artifact, ArtifactStore, DigestMismatchError, NameTakenError
from homeport.store.artifacts_folder import FolderArtifacts
from tests.support.plans import NOW, FixedClock


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture(params=["folder"])
def store(request: pytest.FixtureRequest, tmp_path: Path, clock: FixedClock) -> ArtifactStore:
    return FolderArtifacts(str(tmp_path / "home"), clock)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "a.txt").write_text("hello")
    (tmp_path / "source" / "b.bin").write_bytes(bytes(range(256)) * 100)
    return tmp_path / "source"


def files(source: Path) -> list[tuple[str, str]]:
    return [("a.txt", str(source / "a.txt")), ("deep/b.bin", str(source / "b.bin"))]


def put(
    store: ArtifactStore, source: Path, name: str = "dist", *, attempt: int = 1, overwrite: bool = False
) -> Artifact:
    return store.put("7", attempt, "build", name, files(source), overwrite=overwrite)


def left_over(home: Path) -> list[str]:
    """Files below the store that belong to no artifact."""
    artifacts = {path.stem for path in home.rglob("*.json")}
    return sorted(
        path.name
        for path in home.rglob("*")
        if path.is_file() and path.stem not in artifacts and path.name not in {"lock", "next"}
    )


def test_an_artifact_is_listed_with_what_it_is(store: ArtifactStore, source: Path) -> None:
    artifact = put(store, source)
    data = Path(store.archive_path(artifact)).read_bytes()
    assert artifact.size == len(data)
    assert artifact.digest == "sha256:" + hashlib.sha256(data).hexdigest()
    assert (artifact.run, artifact.attempt, artifact.job, artifact.name) == ("7", 1, "build", "dist")
    assert artifact.created_at == NOW
    assert list(store.list("7")) == [artifact]
    assert list(store.list("8")) == []


def test_the_archive_is_a_zip_file_that_others_read(store: ArtifactStore, source: Path) -> None:
    with zipfile.ZipFile(store.archive_path(put(store, source))) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["a.txt", "deep/b.bin"]


def test_it_comes_back(store: ArtifactStore, source: Path, tmp_path: Path) -> None:
    store.extract(put(store, source), str(tmp_path / "out" / "new"))
    assert (tmp_path / "out" / "new" / "a.txt").read_text() == "hello"
    assert (tmp_path / "out" / "new" / "deep" / "b.bin").read_bytes() == (source / "b.bin").read_bytes()


def test_ids_are_numbers_that_only_grow(store: ArtifactStore, source: Path) -> None:
    ids = [int(put(store, source, name).id) for name in ("a", "b", "c")]
    assert ids == sorted(set(ids))


def test_a_name_is_taken_once_an_attempt(store: ArtifactStore, source: Path) -> None:
    first = put(store, source)
    with pytest.raises(NameTakenError):
        put(store, source)
    assert list(store.list("7")) == [first]


def test_overwriting_replaces(store: ArtifactStore, source: Path) -> None:
    first = put(store, source)
    (source / "a.txt").write_text("changed")
    second = put(store, source, overwrite=True)
    assert list(store.list("7")) == [second]
    assert second.id != first.id
    assert not os.path.exists(store.archive_path(first))


def test_a_new_attempt_supersedes_and_the_old_one_stays(store: ArtifactStore, source: Path, tmp_path: Path) -> None:
    old = put(store, source)
    (source / "a.txt").write_text("second try")
    new = put(store, source, attempt=2)
    assert list(store.list("7")) == [new, old]
    assert list(store.list("7", attempt=1)) == [old]
    store.extract(old, str(tmp_path / "old"))
    assert (tmp_path / "old" / "a.txt").read_text() == "hello"


def test_artifacts_are_listed_by_name_then_newest_first(store: ArtifactStore, source: Path) -> None:
    put(store, source, "z")
    put(store, source, "a")
    put(store, source, "a", attempt=2)
    put(store, source, "a", attempt=10)
    assert [(a.name, a.attempt) for a in store.list("7")] == [("a", 10), ("a", 2), ("a", 1), ("z", 1)]


def test_a_failed_upload_leaves_nothing_and_does_not_burn_the_name(
    store: ArtifactStore, source: Path, tmp_path: Path
) -> None:
    with pytest.raises(OSError, match="missing"):
        store.put("7", 1, "build", "dist", [*files(source), ("c", str(source / "missing"))])
    assert list(store.list("7")) == []
    assert left_over(tmp_path / "home") == []
    put(store, source)


def test_a_failed_overwrite_keeps_what_was_there(store: ArtifactStore, source: Path) -> None:
    first = put(store, source)
    with pytest.raises(OSError, match="missing"):
        store.put("7", 1, "build", "dist", [("c", str(source / "missing"))], overwrite=True)
    assert list(store.list("7")) == [first]
    assert os.path.exists(store.archive_path(first))


def test_a_deleted_artifact_is_gone_and_deleting_it_again_is_no_error(store: ArtifactStore, source: Path) -> None:
    artifact = put(store, source)
    store.delete(artifact)
    store.delete(artifact)
    assert list(store.list("7")) == []
    put(store, source)


def test_names_may_be_any_text(store: ArtifactStore, source: Path) -> None:
    names = ["..", "a b", "ünï☃", "x" * 250, ".hidden", "CON"]
    for name in names:
        put(store, source, name)
    assert sorted(a.name for a in store.list("7")) == sorted(names)


def test_the_level_of_compression_is_honoured(store: ArtifactStore, source: Path) -> None:
    sizes = [
        store.put("7", 1, "build", f"level{level}", files(source), compression_level=level).size for level in (0, 9)
    ]
    assert sizes[0] > 25_600
    assert sizes[1] < 5_000


def test_an_expired_artifact_is_no_longer_listed(store: ArtifactStore, source: Path, clock: FixedClock) -> None:
    short = store.put("7", 1, "build", "short", files(source), retention_days=3)
    put(store, source, "default")
    assert short.expires_at == NOW + timedelta(days=3)
    clock.moment = NOW + timedelta(days=4)
    assert [a.name for a in store.list("7")] == ["default"]
    clock.moment = NOW + timedelta(days=91)
    assert list(store.list("7")) == []


def test_what_has_expired_is_swept_away(tmp_path: Path, source: Path, clock: FixedClock) -> None:
    store = FolderArtifacts(str(tmp_path / "home"), clock)
    short = store.put("7", 1, "build", "short", files(source), retention_days=3)
    kept = put(store, source, "kept")
    clock.moment = NOW + timedelta(days=4)
    assert store.sweep() == 1
    assert not os.path.exists(store.archive_path(short))
    assert os.path.exists(store.archive_path(kept))


def test_a_single_file_is_kept_as_it_is(store: ArtifactStore, source: Path, tmp_path: Path) -> None:
    artifact = store.put_file("7", 1, "build", "b.bin", str(source / "b.bin"), media_type="application/octet-stream")
    data = (source / "b.bin").read_bytes()
    assert artifact.size == len(data)
    assert artifact.digest == "sha256:" + hashlib.sha256(data).hexdigest()
    store.extract(artifact, str(tmp_path / "out"))
    assert (tmp_path / "out" / "b.bin").read_bytes() == data


def test_an_archive_that_a_client_made_is_unpacked_like_our_own(
    store: ArtifactStore, source: Path, tmp_path: Path
) -> None:
    with zipfile.ZipFile(tmp_path / "made.zip", "w") as archive:
        archive.write(source / "a.txt", "x/a.txt")
    artifact = store.put_file("7", 1, "build", "made", str(tmp_path / "made.zip"))
    store.extract(artifact, str(tmp_path / "out"))
    assert (tmp_path / "out" / "x" / "a.txt").read_text() == "hello"


@pytest.mark.parametrize("name", ["../evil", "/evil", "..", "a/b"])
def test_a_single_file_is_never_put_outside(store: ArtifactStore, source: Path, tmp_path: Path, name: str) -> None:
    artifact = store.put_file("7", 1, "build", name, str(source / "a.txt"), media_type="text/plain")
    with pytest.raises(ValueError, match="name"):
        store.extract(artifact, str(tmp_path / "out"))
    assert not (tmp_path / "evil").exists()


def test_a_malicious_archive_is_refused(store: ArtifactStore, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as archive:
        archive.writestr("../evil", "x")
    artifact = store.put_file("7", 1, "build", "evil", str(tmp_path / "evil.zip"))
    with pytest.raises(ValueError, match="outside"):
        store.extract(artifact, str(tmp_path / "out"))
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize("media_type", ["application/zip", "text/plain"])
def test_a_damaged_artifact_is_found(store: ArtifactStore, source: Path, tmp_path: Path, media_type: str) -> None:
    artifact = put(store, source)
    if media_type != "application/zip":
        artifact = store.put_file("7", 1, "build", "a.txt", str(source / "b.bin"), media_type=media_type)
    path = Path(store.archive_path(artifact))
    data = bytearray(path.read_bytes())
    data[36] ^= 0xFF  # within the first file
    path.write_bytes(data)
    with pytest.raises(ValueError, match="damaged"):
        store.extract(artifact, str(tmp_path / "out"))


def _upload(home: str, source: str, name: str, overwrite: bool, start: Barrier) -> None:
    start.wait()
    store = FolderArtifacts(home, FixedClock())
    try:
        store.put("7", 1, "build", name, [("a", source)], overwrite=overwrite)
    except NameTakenError:
        os._exit(3)
    os._exit(0)


def _race(tmp_path: Path, source: Path, names: list[str], *, overwrite: bool) -> list[int]:
    """Processes that all wait for one start, then upload; their exit codes."""
    forking = multiprocessing.get_context("fork")
    start = forking.Barrier(len(names))
    arguments = [(str(tmp_path / "home"), str(source / "b.bin"), name, overwrite, start) for name in names]
    processes = [forking.Process(target=_upload, args=each) for each in arguments]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    return [process.exitcode or 0 for process in processes]


def test_of_many_processes_that_upload_one_name_one_wins(tmp_path: Path, source: Path) -> None:
    codes = _race(tmp_path, source, ["same"] * 6, overwrite=False)
    assert sorted(codes) == [0, 3, 3, 3, 3, 3]
    assert len(FolderArtifacts(str(tmp_path / "home"), FixedClock()).list("7")) == 1
    assert left_over(tmp_path / "home") == []


def test_of_many_processes_that_overwrite_one_name_one_remains(tmp_path: Path, source: Path) -> None:
    assert set(_race(tmp_path, source, ["same"] * 6, overwrite=True)) == {0}
    store = FolderArtifacts(str(tmp_path / "home"), FixedClock())
    (artifact,) = store.list("7")
    store.extract(artifact, str(tmp_path / "out"))
    assert left_over(tmp_path / "home") == []


def test_many_processes_that_upload_different_names_do_not_disturb_each_other(tmp_path: Path, source: Path) -> None:
    names = [f"n{number}" for number in range(8)]
    assert set(_race(tmp_path, source, names, overwrite=False)) == {0}
    listed = FolderArtifacts(str(tmp_path / "home"), FixedClock()).list("7")
    assert [artifact.name for artifact in listed] == names
    assert len({artifact.id for artifact in listed}) == 8


def test_what_a_killed_upload_left_is_invisible_and_removed_by_the_next(tmp_path: Path, source: Path) -> None:
    home = tmp_path / "home"
    os.mkfifo(tmp_path / "endless")
    killed = multiprocessing.get_context("fork").Process(target=_upload_from_pipe, args=(home, source, tmp_path))
    killed.start()
    gate = os.open(tmp_path / "endless", os.O_WRONLY)  # opens when the upload has begun to read: its part is there
    assert killed.pid is not None
    os.kill(killed.pid, signal.SIGKILL)
    killed.join()
    os.close(gate)
    store = FolderArtifacts(str(home), FixedClock())
    assert list(store.list("7")) == []
    assert len(left_over(home)) == 1
    put(store, source)
    assert left_over(home) == []


def _upload_from_pipe(home: Path, source: Path, tmp_path: Path) -> None:
    store = FolderArtifacts(str(home), FixedClock())
    store.put("7", 1, "build", "dist", [*files(source), ("x", str(tmp_path / "endless"))])


class _ToldToEndError(Exception):
    """What the check of a test raises."""


def _end() -> None:
    raise _ToldToEndError


def test_an_upload_that_is_told_to_end_leaves_nothing(tmp_path: Path) -> None:
    store = FolderArtifacts(str(tmp_path / "home"), FixedClock())
    (tmp_path / "large").write_bytes(os.urandom(6 << 20))
    with pytest.raises(_ToldToEndError):
        store.put("7", 1, "build", "dist", [("large", str(tmp_path / "large"))], check=_end)
    with pytest.raises(_ToldToEndError):
        store.put_file("7", 1, "build", "large", str(tmp_path / "large"), check=_end)
    assert list(store.list("7")) == []
    assert left_over(tmp_path / "home") == []


def test_a_download_that_is_told_to_end_leaves_no_half_a_file(tmp_path: Path) -> None:
    store = FolderArtifacts(str(tmp_path / "home"), FixedClock())
    (tmp_path / "large").write_bytes(os.urandom(20 << 20))
    artifact = store.put("7", 1, "build", "dist", [("large", str(tmp_path / "large"))])
    with pytest.raises(_ToldToEndError):
        store.extract(artifact, str(tmp_path / "out"), check=_end)
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("place", [5000, 20_980_000, -80])
def test_damage_anywhere_in_a_large_archive_is_found(tmp_path: Path, place: int) -> None:
    """In what was stored, in what was deflated, in the directory."""
    store = FolderArtifacts(str(tmp_path / "home"), FixedClock())
    (tmp_path / "large").write_bytes(os.urandom(20 << 20))
    (tmp_path / "text").write_text("".join(f"line {number}\n" for number in range(1_000_000)))
    files = [("large", str(tmp_path / "large")), ("text", str(tmp_path / "text"))]
    artifact = store.put("7", 1, "build", "dist", files)
    path = Path(store.archive_path(artifact))
    data = bytearray(path.read_bytes())
    data[place] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"damaged|archive"):
        store.extract(artifact, str(tmp_path / "out"))


def test_a_file_that_is_not_what_it_should_be_is_not_kept(store: ArtifactStore, source: Path, tmp_path: Path) -> None:
    right = "sha256:" + hashlib.sha256(b"hello").hexdigest()
    with pytest.raises(DigestMismatchError):
        store.put_file("7", 1, "build", "wrong", str(source / "b.bin"), digest=right)
    assert left_over(tmp_path / "home") == []
    assert store.put_file("7", 1, "build", "right", str(source / "a.txt"), digest=right).digest == right
    assert [artifact.name for artifact in store.list("7")] == ["right"]

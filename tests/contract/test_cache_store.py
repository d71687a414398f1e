"""What every `CacheStore` promises. Lookup: GitHub docs, "Dependency caching reference", "Cache key matching"."""

import multiprocessing
import os
import tarfile
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest

from homeport.archive.compression import find_program
from homeport.ports.caches import CacheEntry, CacheStore
from homeport.store.caches_folder import FolderCaches
from tests.support.plans import NOW, FixedClock

MAIN, FEATURE, PULL = "refs/heads/main", "refs/heads/feature", "refs/pull/7/merge"
PATH = os.environ["PATH"]


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture(params=["folder-zstd", "folder-gzip"])
def store(request: pytest.FixtureRequest, tmp_path: Path, clock: FixedClock) -> CacheStore:
    search_path = PATH if request.param == "folder-zstd" else ""
    return FolderCaches(str(tmp_path / "home"), "octo/repo", clock, search_path=search_path)


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    (tmp_path / "work" / "data").mkdir(parents=True)
    (tmp_path / "work" / "data" / "a").write_text("alpha")
    (tmp_path / "work" / "data" / "link").symlink_to("a")
    return tmp_path / "work"


def save(
    store: CacheStore, workspace: Path, key: str, scope: str = MAIN, version: str = "v", clock: FixedClock | None = None
) -> CacheEntry | None:
    if clock is not None:
        clock.advance(1)
    return store.save(key, version, scope, [str(workspace / "data")], str(workspace))


def found(
    store: CacheStore, key: str, *restore_keys: str, scopes: tuple[str, ...] = (MAIN,), version: str = "v"
) -> str | None:
    entry = store.find(key, restore_keys, version, scopes)
    return None if entry is None else entry.key


def test_what_was_saved_comes_back_to_where_it_was(store: CacheStore, workspace: Path, tmp_path: Path) -> None:
    entry = save(store, workspace, "k1")
    assert entry is not None
    assert (entry.key, entry.version, entry.scope, entry.created_at) == ("k1", "v", MAIN, NOW)
    other = tmp_path / "other"
    other.mkdir()
    store.restore(entry, [str(other / "data")], str(other))
    assert (other / "data" / "a").read_text() == "alpha"
    assert os.readlink(other / "data" / "link") == "a"


def test_paths_outside_the_workspace_come_back_relative_to_it(store: CacheStore, tmp_path: Path) -> None:
    for job in ("one", "two"):
        (tmp_path / job / "work").mkdir(parents=True)
    cache = tmp_path / "one" / "home" / ".cache"
    cache.mkdir(parents=True)
    (cache / "x").write_text("kept")
    entry = store.save("k", "v", MAIN, [str(cache)], str(tmp_path / "one" / "work"))
    assert entry is not None
    target = tmp_path / "two" / "home" / ".cache"
    store.restore(entry, [str(target)], str(tmp_path / "two" / "work"))
    assert (target / "x").read_text() == "kept"


def test_nothing_is_written_outside_the_paths_that_were_asked_for(store: CacheStore, workspace: Path) -> None:
    entry = save(store, workspace, "k1")
    assert entry is not None
    with pytest.raises(ValueError, match="outside"):
        store.restore(entry, [str(workspace / "elsewhere")], str(workspace))


def test_the_exact_key_goes_before_newer_ones_of_its_prefix(
    store: CacheStore, workspace: Path, clock: FixedClock
) -> None:
    for key in ("npm-1", "npm-12", "npm-123"):
        save(store, workspace, key, clock=clock)
    assert found(store, "npm-1") == "npm-1"
    assert found(store, "npm-12") == "npm-12"


def test_the_key_is_a_prefix_too_and_the_newest_wins(store: CacheStore, workspace: Path, clock: FixedClock) -> None:
    for key in ("npm-b", "npm-c", "npm-a"):
        save(store, workspace, key, clock=clock)
    assert found(store, "npm") == "npm-a"
    assert found(store, "npm-") == "npm-a"
    assert found(store, "yarn") is None


def test_restore_keys_are_tried_in_their_order(store: CacheStore, workspace: Path, clock: FixedClock) -> None:
    for key in ("linux-npm-old", "linux-other"):
        save(store, workspace, key, clock=clock)
    assert found(store, "linux-npm-new", "linux-npm-", "linux-") == "linux-npm-old"
    assert found(store, "linux-pip-new", "linux-pip-", "linux-") == "linux-other"
    assert found(store, "mac-npm", "mac-") is None


def test_a_scope_is_searched_completely_before_the_next(store: CacheStore, workspace: Path, clock: FixedClock) -> None:
    save(store, workspace, "npm-exact", MAIN, clock=clock)
    save(store, workspace, "npm-old", FEATURE, clock=clock)
    assert found(store, "npm-exact", "npm-", scopes=(FEATURE, MAIN)) == "npm-old"
    assert found(store, "npm-exact", scopes=(FEATURE, MAIN)) == "npm-exact"


def test_other_branches_are_not_seen(store: CacheStore, workspace: Path) -> None:
    save(store, workspace, "k", FEATURE)
    assert found(store, "k", scopes=(MAIN,)) is None
    assert found(store, "k", scopes=(PULL, MAIN)) is None
    assert found(store, "k", scopes=(PULL, FEATURE, MAIN)) == "k"


def test_another_version_is_another_cache(store: CacheStore, workspace: Path) -> None:
    assert save(store, workspace, "k", version="one") is not None
    assert found(store, "k", version="two") is None
    assert save(store, workspace, "k", version="two") is not None


def test_a_key_is_taken_once_a_scope_and_never_changes(store: CacheStore, workspace: Path) -> None:
    first = save(store, workspace, "k")
    (workspace / "data" / "a").write_text("changed")
    assert save(store, workspace, "k") is None
    assert save(store, workspace, "k", FEATURE) is not None
    assert first is not None
    (workspace / "data" / "a").unlink()
    store.restore(first, [str(workspace / "data")], str(workspace))
    assert (workspace / "data" / "a").read_text() == "alpha"


def test_a_save_that_fails_leaves_nothing(store: CacheStore, workspace: Path, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="missing"):
        store.save("k", "v", MAIN, [str(workspace / "data"), str(workspace / "missing")], str(workspace))
    assert list(store.list()) == []
    assert [path for path in (tmp_path / "home").rglob("*") if path.is_file()] == []
    assert save(store, workspace, "k") is not None


def test_entries_are_listed_newest_first_and_deleted_by_key(
    store: CacheStore, workspace: Path, clock: FixedClock
) -> None:
    for key, scope in (("a", MAIN), ("b", MAIN), ("a", FEATURE)):
        save(store, workspace, key, scope, clock=clock)
    assert [(entry.key, entry.scope) for entry in store.list()] == [("a", FEATURE), ("b", MAIN), ("a", MAIN)]
    assert store.delete("a", MAIN) == 1
    assert store.delete("a") == 1
    assert store.delete("a") == 0
    assert [entry.key for entry in store.list()] == ["b"]


def test_a_damaged_entry_is_refused_and_forgotten(store: CacheStore, workspace: Path) -> None:
    entry = save(store, workspace, "k")
    assert entry is not None
    path = Path(store.archive_path(entry))
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(ValueError, match="archive"):
        store.restore(entry, [str(workspace / "data")], str(workspace))
    assert found(store, "k") is None
    with pytest.raises(OSError, match="gone"):
        store.restore(entry, [str(workspace / "data")], str(workspace))
    assert save(store, workspace, "k") is not None


def test_a_cut_entry_is_refused_and_forgotten(store: CacheStore, workspace: Path) -> None:
    entry = save(store, workspace, "k")
    assert entry is not None
    path = store.archive_path(entry)
    os.truncate(path, entry.size - 3)
    with pytest.raises(ValueError, match="cut off"):
        store.restore(entry, [str(workspace / "data")], str(workspace))
    assert found(store, "k") is None


def test_an_archive_of_another_client_is_kept_and_restored(store: CacheStore, workspace: Path, tmp_path: Path) -> None:
    made = tmp_path / "made.tgz"
    with tarfile.open(made, "w:gz") as archive:
        archive.add(workspace / "data", "data")
    entry = store.put_archive("k", "v", MAIN, str(made))
    assert entry is not None
    assert entry.size == made.stat().st_size
    assert Path(store.archive_path(entry)).read_bytes() == made.read_bytes()
    assert store.put_archive("k", "v", MAIN, str(made)) is None
    (workspace / "data" / "a").unlink()
    store.restore(entry, [str(workspace / "data")], str(workspace))
    assert (workspace / "data" / "a").read_text() == "alpha"


def small_store(tmp_path: Path, clock: FixedClock, quota_bytes: int) -> FolderCaches:
    return FolderCaches(str(tmp_path / "home"), "octo/repo", clock, search_path=PATH, quota_bytes=quota_bytes)


def test_beyond_the_quota_what_was_used_longest_ago_goes(tmp_path: Path, workspace: Path, clock: FixedClock) -> None:
    (workspace / "data" / "noise").write_bytes(os.urandom(40_000))
    store = small_store(tmp_path, clock, 130_000)
    for key in ("a", "b", "c"):
        save(store, workspace, key, clock=clock)
    clock.advance(1)
    entry = store.find("a", (), "v", (MAIN,))
    assert entry is not None
    store.restore(entry, [str(workspace / "data")], str(workspace))
    save(store, workspace, "d", clock=clock)
    assert sorted(entry.key for entry in store.list()) == ["a", "c", "d"]


def test_what_alone_exceeds_the_quota_is_not_saved(tmp_path: Path, workspace: Path, clock: FixedClock) -> None:
    (workspace / "data" / "noise").write_bytes(os.urandom(40_000))
    store = small_store(tmp_path, clock, 30_000)
    with pytest.raises(OSError, match="over the"):
        save(store, workspace, "a")
    assert list(store.list()) == []


def test_repositories_do_not_share_their_caches(tmp_path: Path, workspace: Path, clock: FixedClock) -> None:
    stores = [FolderCaches(str(tmp_path / "home"), name, clock, search_path=PATH) for name in ("a/b", "a-b", "A/B")]
    save(stores[0], workspace, "k")
    assert [found(store, "k") for store in stores] == ["k", None, None]


def _save(home: str, workspace: str, start: Barrier) -> None:
    start.wait()
    store = FolderCaches(home, "octo/repo", FixedClock(), search_path=PATH)
    entry = store.save("same", "v", MAIN, [workspace + "/data"], workspace)
    os._exit(0 if entry is not None else 3)


def test_of_many_processes_that_save_one_key_one_wins(tmp_path: Path, workspace: Path) -> None:
    (workspace / "data" / "noise").write_bytes(os.urandom(400_000))
    forking = multiprocessing.get_context("fork")
    start = forking.Barrier(6)
    arguments = (str(tmp_path / "home"), str(workspace), start)
    processes = [forking.Process(target=_save, args=arguments) for _ in range(6)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert sorted(process.exitcode or 0 for process in processes) == [0, 3, 3, 3, 3, 3]
    files = [path.name for path in (tmp_path / "home").rglob("*") if path.is_file()]
    assert sorted(name.rpartition(".")[2] for name in files) == ["data", "json"]


def test_zstd_is_used_where_the_machine_has_it(store: CacheStore, workspace: Path) -> None:
    assert find_program("zstd", PATH) is not None, "this test needs the zstd program"
    entry = save(store, workspace, "k")
    assert entry is not None
    with open(store.archive_path(entry), "rb") as file:
        assert file.read(2) in (b"\x28\xb5", b"\x1f\x8b")

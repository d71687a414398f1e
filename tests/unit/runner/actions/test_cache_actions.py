"""actions/cache, /restore and /save, as their READMEs describe them."""

from pathlib import Path
from typing import Any

import pytest

from homeport.runner.actions.native import cache, cache_restore, cache_save
from homeport.runner.host import ActionError
from tests.support.action_host import FolderHost
from tests.support.plans import FixedClock


class Jobs:
    """Jobs of one repository, one after another."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._clock = FixedClock()
        self._count = 0

    def new(self, ref: str = "refs/heads/main", **github: Any) -> FolderHost:
        self._count += 1
        self._clock.advance(1)
        return FolderHost(
            self._folder / f"job{self._count}",
            github={"ref": ref, **github},
            store=self._folder / "store",
            clock=self._clock,
        )


@pytest.fixture
def jobs(tmp_path: Path) -> Jobs:
    return Jobs(tmp_path)


def write(host: FolderHost, *paths: str) -> None:
    for path in paths:
        file = host.workspace / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"content of {path}")


def saved(jobs: Jobs, key: str, path: str = "data", ref: str = "refs/heads/main") -> FolderHost:
    host = jobs.new(ref)
    write(host, "data/a", "data/sub/b", "other/c")
    host.use(cache_save, key=key, path=path)
    return host


def tree(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_miss_says_so_sets_no_output_and_saves_afterwards(jobs: Jobs) -> None:
    first = jobs.new().use(cache, key="k-1", path="data", restore_keys="k-\nother-")
    assert first.outputs == {}
    assert "Cache not found for input keys: k-1, k-, other-" in first.lines
    write(first, "data/a")
    cache.post(first)
    assert "Cache saved with key: k-1" in first.lines
    second = jobs.new().use(cache, key="k-1", path="data")
    assert second.outputs == {"cache-hit": "true"}
    assert tree(second.workspace) == ["data/a"]
    assert second.annotations == []


def test_a_hit_on_the_key_is_not_saved_again(jobs: Jobs) -> None:
    saved(jobs, "k")
    host = jobs.new().use(cache, key="k", path="data")
    (host.workspace / "data" / "new").write_text("x")
    cache.post(host)
    assert "Cache hit occurred on the primary key k, not saving cache." in host.lines
    again = jobs.new().use(cache, key="k", path="data")
    assert tree(again.workspace) == ["data/a", "data/sub/b"]


def test_a_hit_by_prefix_is_false_and_saved_under_the_key(jobs: Jobs) -> None:
    saved(jobs, "linux-1")
    host = jobs.new().use(cache, key="linux-2", path="data", restore_keys="linux-")
    assert host.outputs == {"cache-hit": "false"}
    assert "Cache restored from key: linux-1" in host.lines
    assert host.resolutions == [("cache", "linux-2", "linux-1", "by prefix")]
    cache.post(host)
    assert "Cache saved with key: linux-2" in host.lines
    assert jobs.new().use(cache, key="linux-2", path="data").outputs == {"cache-hit": "true"}


def test_restore_alone_names_its_keys(jobs: Jobs) -> None:
    saved(jobs, "k-1")
    hit = jobs.new().use(cache_restore, key="k-2", path="data", restore_keys="k-")
    assert hit.outputs == {"cache-hit": "false", "cache-primary-key": "k-2", "cache-matched-key": "k-1"}
    miss = jobs.new().use(cache_restore, key="none", path="data")
    assert miss.outputs == {"cache-primary-key": "none"}


def test_lookup_finds_without_unpacking(jobs: Jobs) -> None:
    saved(jobs, "k")
    host = jobs.new().use(cache_restore, key="k", path="data", lookup_only="true")
    assert host.outputs["cache-hit"] == "true"
    assert "Cache found and can be restored from key: k" in host.lines
    assert tree(host.workspace) == []


def test_a_miss_can_fail_the_step(jobs: Jobs) -> None:
    with pytest.raises(ActionError, match="Exiting as fail-on-cache-miss is set"):
        jobs.new().use(cache, key="k", path="data", fail_on_cache_miss="true")
    saved(jobs, "k-old")
    host = jobs.new().use(cache, key="k-new", path="data", restore_keys="k-", fail_on_cache_miss="true")
    assert host.outputs == {"cache-hit": "false"}


def test_other_paths_are_another_cache(jobs: Jobs) -> None:
    saved(jobs, "k", path="data")
    assert jobs.new().use(cache, key="k", path="data\nother").outputs == {}
    assert jobs.new().use(cache, key="k", path="./data").outputs == {}


def test_the_jobs_own_folders_are_the_same_path_in_every_job(jobs: Jobs) -> None:
    host = jobs.new()
    folder = Path(host.paths.home) / ".cache" / "tool"
    folder.mkdir(parents=True)
    (folder / "x").write_text("kept")
    host.use(cache_save, key="k", path=str(folder))
    other = jobs.new()
    other.use(cache, key="k", path=str(Path(other.paths.home) / ".cache" / "tool"))
    assert other.outputs == {"cache-hit": "true"}
    assert (Path(other.paths.home) / ".cache" / "tool" / "x").read_text() == "kept"


@pytest.mark.parametrize(
    ("path", "files"),
    [
        ("data", ["data/a", "data/sub/b"]),
        ("data/*", ["data/a", "data/sub/b"]),
        ("data/a\nother", ["data/a", "other/c"]),
        ("**/sub", ["data/sub/b"]),
        ("d*\n!data", []),
        ("data/**\n!data/sub\n!data/sub/**", ["data/a", "data/sub/b"]),
    ],
)
def test_globs_select_as_the_originals_do(jobs: Jobs, path: str, files: list[str]) -> None:
    """A folder that matches is kept whole, so the last row's exclusions lose against `data` itself, as on GitHub."""
    saved(jobs, "k", path=path)
    host = jobs.new().use(cache, key="k", path=path)
    assert tree(host.workspace) == files


def test_nothing_at_the_paths_is_said_and_fails_nothing(jobs: Jobs) -> None:
    host = jobs.new().use(cache, key="k", path="missing")
    cache.post(host)
    assert any("do(es) not exist, hence no cache is being saved" in line for line in host.lines)
    host.use(cache_save, key="k", path="missing")
    assert host.annotations == [("warning", "Cache save failed.")]


def test_a_key_that_is_taken_is_said_and_fails_nothing(jobs: Jobs) -> None:
    saved(jobs, "k")
    host = saved(jobs, "k")
    assert any("Unable to reserve cache with key k" in line for line in host.lines)
    assert host.annotations == [("warning", "Cache save failed.")]


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"key": "", "path": "d"}, "Input required and not supplied: key"),
        ({"key": "k", "path": ""}, "Input required and not supplied: path"),
        ({"key": "a,b", "path": "d"}, "cannot contain commas"),
        ({"key": "k" * 513, "path": "d"}, "cannot be larger than 512 characters"),
        ({"key": "k", "path": "d", "restore_keys": "\n".join("abcdefghij")}, "maximum of 10"),
    ],
)
def test_wrong_inputs_fail_with_the_originals_words(jobs: Jobs, inputs: dict[str, str], message: str) -> None:
    with pytest.raises(ActionError, match=message):
        jobs.new().use(cache, **inputs)


def test_a_branch_sees_its_own_caches_and_those_of_the_default_branch(jobs: Jobs) -> None:
    saved(jobs, "main-key")
    saved(jobs, "feature-key", ref="refs/heads/feature")
    feature = "refs/heads/feature"
    assert jobs.new(feature).use(cache, key="main-key", path="data").outputs == {"cache-hit": "true"}
    assert jobs.new(feature).use(cache, key="feature-key", path="data").outputs == {"cache-hit": "true"}
    assert jobs.new("refs/heads/other").use(cache, key="feature-key", path="data").outputs == {}
    assert jobs.new().use(cache, key="feature-key", path="data").outputs == {}


def test_a_pull_request_sees_its_base_and_saves_for_itself(jobs: Jobs) -> None:
    saved(jobs, "release-key", ref="refs/heads/release")
    pull = {"ref": "refs/pull/7/merge", "base_ref": "release"}
    assert jobs.new(**pull).use(cache, key="release-key", path="data").outputs == {"cache-hit": "true"}
    saved(jobs, "pull-key", ref="refs/pull/7/merge")
    assert jobs.new(**pull).use(cache, key="pull-key", path="data").outputs == {"cache-hit": "true"}
    assert jobs.new("refs/heads/release").use(cache, key="pull-key", path="data").outputs == {}


def test_keys_ignore_case_when_they_are_compared_with_what_was_found(jobs: Jobs) -> None:
    saved(jobs, "Key-1")
    host = jobs.new().use(cache, key="key-1", path="data", restore_keys="Key-")
    assert host.outputs == {"cache-hit": "true"}


def test_a_run_without_a_ref_has_no_cache(jobs: Jobs) -> None:
    host = jobs.new("").use(cache, key="k", path="data")
    assert host.outputs == {}
    assert any("not tied to a branch or tag ref" in line for line in host.lines)


def test_a_damaged_cache_is_a_warning_and_a_miss(jobs: Jobs) -> None:
    host = saved(jobs, "k")
    (entry,) = host.caches.list()
    path = Path(host.caches.archive_path(entry))
    path.write_bytes(path.read_bytes()[:20] + b"\0" * (entry.size - 20))
    other = jobs.new().use(cache, key="k", path="data")
    assert [severity for severity, _ in other.annotations] == ["warning"]
    assert other.outputs == {}
    write(other, "data/fresh")
    cache.post(other)
    assert "Cache saved with key: k" in other.lines

"""What the actions of the cache family share: keys, versions, scopes, and what is said about them.

Source: actions/cache README and `src/restoreImpl.ts`, `saveImpl.ts`; @actions/cache `cache.ts`, `internal/cacheUtils.ts`; GitHub docs,
"Dependency caching reference" (restrictions for accessing a cache, key matching).
"""

import hashlib
from collections.abc import Sequence

from homeport.ports.caches import CacheEntry, may_save
from homeport.ports.repositories import StoreError
from homeport.runner.actions.native.stopping import go_on_check
from homeport.runner.actions.native.targets import check_target
from homeport.runner.hash_files import GlobPattern, find_files
from homeport.runner.host import ActionError, ActionHost
from homeport.runner.shells import find_program

_LONGEST_KEY = 512
_MOST_KEYS = 10
_FORMAT = "1.0"
"""the salt that GitHub's client adds to versions"""


def check_keys(keys: Sequence[str]) -> None:
    """Raise `ActionError` for keys that GitHub refuses."""
    if len(keys) > _MOST_KEYS:
        raise ActionError("Key Validation Error: Keys are limited to a maximum of 10.")
    for key in keys:
        if len(key) > _LONGEST_KEY:
            raise ActionError(f"Key Validation Error: {key} cannot be larger than 512 characters.")
        if "," in key:
            raise ActionError(f"Key Validation Error: {key} cannot contain commas.")


def is_same_key(one: str, other: str) -> bool:
    """Keys are the same key in any case (`localeCompare` with `sensitivity: 'accent'`)."""
    return one.casefold() == other.casefold()


def find_version(host: ActionHost, paths: Sequence[str]) -> str:
    """What tells apart caches of different paths: a hash over the paths as they are written and the compression.

    The job's own folders differ from job to job, so where a path names one of them it counts as `~`, or relative to the workspace.
    """
    compression = "zstd" if find_program("zstd", host.environment.get("PATH", "")) else "gzip"
    components = [*(_neutral(host, path) for path in paths), compression, _FORMAT]
    return hashlib.sha256("|".join(components).encode()).hexdigest()


def _neutral(host: ActionHost, path: str) -> str:
    folders = ((host.paths.home, "~"), (host.paths.workspace, "."), (host.paths.temp, "$RUNNER_TEMP"))
    for folder, name in folders:
        if path == folder or path.startswith(folder + "/"):
            return name + path[len(folder) :]
    return path


def find_scopes(host: ActionHost) -> list[str]:
    """Where a cache may come from: the own ref, the base branch of a pull request, the default branch."""
    github = host.github
    base = str(github.get("base_ref") or "")
    event = github.get("event")
    repository = event.get("repository") if isinstance(event, dict) else None
    default = str(repository.get("default_branch") or "") if isinstance(repository, dict) else ""
    branches = [f"refs/heads/{name}" for name in (base, default) if name]
    return list(dict.fromkeys([str(github.get("ref") or ""), *branches]))


def is_event_with_ref(host: ActionHost) -> bool:
    """Whether the run belongs to a branch or a tag; says so where it does not."""
    if host.github.get("ref"):
        return True
    event = host.github.get("event_name")
    host.log(
        f"[warning]Event Validation Error: The event type {event} is not supported because it's not tied to a branch or tag ref."
    )
    return False


def find_cache(host: ActionHost, paths: Sequence[str], key: str, restore_keys: Sequence[str]) -> CacheEntry | None:
    """The entry to restore. Trouble with the store is a warning, as trouble with GitHub's cache service is."""
    check_keys([key, *restore_keys])
    try:
        entry = host.caches.find(key, restore_keys, find_version(host, paths), find_scopes(host))
    except (OSError, StoreError) as error:
        host.annotate("warning", f"Failed to restore: {error}")
        return None
    if entry is None:
        host.resolved("cache", key, "", "miss")
    else:
        exact = is_same_key(entry.key, key)
        host.log(f"Cache hit for: {entry.key}" if exact else f"Cache hit for restore-key: {entry.key}")
        host.resolved("cache", key, entry.key, "exact" if exact else "by prefix")
    return entry


def restore_cache(host: ActionHost, entry: CacheEntry, paths: Sequence[str]) -> bool:
    """Unpack an entry to the paths that were asked for; False, with a warning, where it cannot be."""
    roots = [pattern.search_path for pattern in _parse(host, paths) if not pattern.is_negated]
    host.log(f"Cache Size: ~{round(entry.size / (1 << 20))} MB ({entry.size} B)")
    for root in roots:
        check_target(host, root)
    try:
        host.caches.restore(entry, roots, host.paths.workspace, check=go_on_check(host))
    except (OSError, ValueError, StoreError) as error:
        host.annotate("warning", f"Failed to restore: {error}")
        return False
    host.log("Cache restored successfully")
    return True


def save_cache(host: ActionHost, paths: Sequence[str], key: str) -> bool:
    """Keep what is at the paths under a key; False where it could not be kept, for a reason that is shown.

    Raises `ActionError` for a key that is not valid, and where there is nothing at the paths.
    """
    check_keys([key])
    found = list(find_files(_parse(host, paths), follow_links=False))
    if not found:
        raise ActionError(
            "Path Validation Error: Path(s) specified in the action for caching do(es) not exist, hence no cache is being saved."
        )
    if not may_save(host.github):
        host.annotate("warning", "Failed to save: a pull request from a fork may use caches, and save none")
        return False
    scope = str(host.github.get("ref") or "")
    try:
        version = find_version(host, paths)
        entry = host.caches.save(key, version, scope, found, host.paths.workspace, check=go_on_check(host))
    except (OSError, StoreError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        host.annotate("warning", f"Failed to save: {reason}")
        return False
    if entry is None:
        host.log(f"Failed to save: Unable to reserve cache with key {key}, another job may be creating this cache.")
        return False
    host.log(f"Cache Size: ~{round(entry.size / (1 << 20))} MB ({entry.size} B)")
    return True


def _parse(host: ActionHost, paths: Sequence[str]) -> list[GlobPattern]:
    """Patterns as @actions/cache reads them: what matches a folder is that folder, whole, not each file in it."""
    lines = [path for path in paths if not path.startswith("#")]
    return [GlobPattern(line, host.paths.workspace, host.paths.home, descend=False) for line in lines]

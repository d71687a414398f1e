"""Files that later runs find again by key."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

import msgspec

from homeport.ports.checks import Check, go_on

_OF_FORKS = frozenset({"pull_request", "pull_request_review", "pull_request_review_comment"})


def may_save(github: Mapping[str, Any]) -> bool:
    """Whether a job may save caches, by its `github` context: not where it carries out what a pull request from a fork brought, for what
    it saves is found again by runs of other people's commits to the same pull request, and whoever opened it could fill the store.
    """
    if github.get("event_name") not in _OF_FORKS:
        return True
    match github.get("event"):
        case {"pull_request": {"head": {"repo": {"full_name": str(name)}}}}:
            return name.lower() == str(github.get("repository") or "").lower()
        case {"pull_request": {"head": {"repo": None}}}:
            return False  # the fork was deleted
        case _:
            return True


class CacheEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A complete entry. `scope` is the ref that saved it; `version` tells apart what was saved from different paths."""

    key: str
    version: str
    scope: str
    size: int
    created_at: datetime


class CacheStore(Protocol):
    """Caches of one repository. An entry never changes once saved; it is visible when complete, never before.

    Lookup as GitHub does it (docs: "Dependency caching reference"): for each scope in order (own ref, base ref, default branch):
    the exact key, then the key as a prefix, then each restore key as a prefix, newest first. Entries are tar archives whose names
    are relative to the workspace that they were saved from (with `..` where need be), compressed with zstd or gzip, as those of
    GitHub's own client are. When all entries together exceed the store's quota, those whose use is longest ago go first. Safe
    between threads and processes.
    """

    def find(self, key: str, restore_keys: Sequence[str], version: str, scopes: Sequence[str]) -> CacheEntry | None:
        """The entry that a restore would use, without reading it."""
        ...

    def restore(self, entry: CacheEntry, paths: Sequence[str], workspace: str, *, check: Check = go_on) -> None:
        """Unpack an entry to where it was saved from, writing only at or below these absolute paths; counts as use.

        Raises `OSError` (also where the entry is gone meanwhile); `ValueError` if it is corrupt, and then it is forgotten, or if
        it tries to write elsewhere.
        """
        ...

    def save(
        self, key: str, version: str, scope: str, paths: Sequence[str], workspace: str, *, check: Check = go_on
    ) -> CacheEntry | None:
        """Store the files at and below these absolute paths; None where the key is taken in this scope (nothing is written then).

        Raises `OSError`, also where the result is larger than the quota.
        """
        ...

    def archive_path(self, entry: CacheEntry) -> str:
        """The stored archive, to be read only; counts as use. Raises `OSError` where the entry is gone."""
        ...

    def put_archive(self, key: str, version: str, scope: str, archive: str) -> CacheEntry | None:
        """Store an archive that a client made (a file of this machine, copied); None where the key is taken. Raises as `save`."""
        ...

    def list(self) -> Sequence[CacheEntry]:
        """All entries, newest first."""
        ...

    def used_at(self, entry: CacheEntry) -> datetime:
        """When it was last restored, or else saved; of an entry that is gone, when it was saved."""
        ...

    def delete(self, key: str, scope: str | None = None) -> int:
        """Forget entries by key; how many there were."""
        ...

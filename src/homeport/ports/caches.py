"""Files that later runs find again by key."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

import msgspec


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
    the exact key, then the key as a prefix, then each restore key as a prefix, newest first.
    """

    def find(self, key: str, restore_keys: Sequence[str], version: str, scopes: Sequence[str]) -> CacheEntry | None:
        """The entry that a restore would use, without reading it."""
        ...

    def restore(self, entry: CacheEntry, paths: Sequence[str], workspace: str) -> None:
        """Unpack an entry to where it was saved from. Raises `OSError`, `ValueError` if corrupt (it is then forgotten)."""
        ...

    def save(self, key: str, version: str, scope: str, paths: Sequence[str], workspace: str) -> CacheEntry | None:
        """Store the files under these paths; None where the key is taken in this scope (nothing is written then)."""
        ...

    def list(self) -> Sequence[CacheEntry]:
        """All entries, newest first."""
        ...

    def delete(self, key: str, scope: str | None = None) -> int:
        """Forget entries by key; how many there were."""
        ...

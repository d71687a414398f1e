"""Files that a run keeps: uploaded by one job, downloaded by another, or by a person."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol

import msgspec


class Artifact(msgspec.Struct, frozen=True, kw_only=True):
    """A complete artifact. `size` is that of the stored archive in bytes, `digest` `sha256:<hex>` of it."""

    id: str
    run: str
    attempt: int
    job: str
    name: str
    size: int
    digest: str
    created_at: datetime
    expires_at: datetime | None = None


class NameTakenError(Exception):
    """The attempt already has an artifact of this name, and overwriting was not asked for."""


class ArtifactStore(Protocol):
    """Artifacts belong to attempts: a new attempt's upload supersedes an earlier one, which stays downloadable.

    Safe between threads and processes; an upload is visible when it is complete, never before, and a failed one leaves nothing.
    """

    def put(
        self,
        run: str,
        attempt: int,
        job: str,
        name: str,
        files: Iterable[tuple[str, str]],
        *,
        compression_level: int = 6,
        retention_days: int = 0,
        overwrite: bool = False,
    ) -> Artifact:
        """Store files given as (path in the artifact, path on this machine). Raises `NameTakenError`, `OSError`."""
        ...

    def list(self, run: str, *, attempt: int | None = None) -> Sequence[Artifact]:
        """A run's artifacts, by name then newest first; of every attempt where none is named."""
        ...

    def extract(self, artifact: Artifact, folder: str) -> None:
        """Unpack into a folder (made if need be), refusing whatever would leave it. Raises `OSError`, `ValueError` if corrupt."""
        ...

    def archive_path(self, artifact: Artifact) -> str:
        """The stored zip file."""
        ...

    def delete(self, artifact: Artifact) -> None:
        """Remove it; removing what is gone is no error."""
        ...

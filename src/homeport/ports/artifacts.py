"""Files that a run keeps: uploaded by one job, downloaded by another, or by a person."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol

import msgspec

from homeport.ports.checks import Check, go_on

ZIP = "application/zip"
"""The media type of artifacts that are archives"""


class Artifact(msgspec.Struct, frozen=True, kw_only=True):
    """A complete artifact. `size` is that of what is stored in bytes, `digest` `sha256:<hex>` of it.

    Most are zip archives; one of another media type is a single file, kept as it is, whose name is the artifact's
    (upload-artifact v7's `archive: false`).
    """

    id: str
    run: str
    attempt: int
    job: str
    name: str
    size: int
    digest: str
    created_at: datetime
    expires_at: datetime | None = None
    media_type: str = ZIP
    is_record: bool = False
    """kept by Homeport itself beside what jobs uploaded, such as coverage: jobs neither see nor download it"""


class NameTakenError(Exception):
    """The attempt already has an artifact of this name, and overwriting was not asked for."""


class DigestMismatchError(ValueError):
    """What is stored is not what was uploaded. It was unpacked all the same: whether that matters is for the caller to say."""


class ArtifactStore(Protocol):
    """Artifacts belong to attempts: a new attempt's upload supersedes an earlier one, which stays downloadable.

    Safe between threads and processes; an upload is visible when it is complete, never before, and a failed one leaves nothing,
    not even its name. Ids are numbers, unique in the store and counted up. `retention_days` 0 is the store's own default; what
    has expired is no longer listed. (GitHub docs: "Store and share data with workflow artifacts".)
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
        check: Check = go_on,
        is_record: bool = False,
    ) -> Artifact:
        """Store files given as (path in the artifact, path on this machine). Raises `NameTakenError`, `OSError`."""
        ...

    def put_file(
        self,
        run: str,
        attempt: int,
        job: str,
        name: str,
        file: str,
        *,
        media_type: str = ZIP,
        retention_days: int = 0,
        overwrite: bool = False,
        check: Check = go_on,
        digest: str = "",
        is_record: bool = False,
    ) -> Artifact:
        """Store one file of this machine as it is: a finished archive, or a single file. Raises as `put` does, and
        `DigestMismatchError` where a digest (`sha256:<hex>`) is given and is not that of the file: nothing is kept then.
        """
        ...

    def list(self, run: str, *, attempt: int | None = None, records: bool = False) -> Sequence[Artifact]:
        """A run's artifacts, by name then newest first; of every attempt where none is named. `records`: those that are records too."""
        ...

    def runs(self) -> Sequence[str]:
        """The runs that have artifacts, or had, the newest first."""
        ...

    def extract(self, artifact: Artifact, folder: str, *, check: Check = go_on) -> None:
        """Unpack into a folder (made if need be), refusing whatever would leave it; a single file is put into it by its name.

        What `check` ends leaves the files that were complete by then.

        Raises `OSError`; `ValueError` for what is corrupt or malicious.
        """
        ...

    def archive_path(self, artifact: Artifact) -> str:
        """The stored file, which must only be read."""
        ...

    def delete(self, artifact: Artifact) -> None:
        """Remove it; removing what is gone is no error."""
        ...

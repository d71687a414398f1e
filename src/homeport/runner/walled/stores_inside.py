"""The stores as a stage inside of the wall sees them: it packs and unpacks here, and only whole archives go through the wall.

So whatever is read or written by an upload, a download, a cache is what the job itself could read or write.
"""

import hashlib
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import NoReturn, Protocol, TypeVar

from homeport.archive.compression import compressing, expanding, find_program
from homeport.archive.destination import create_file
from homeport.archive.tar_reader import extract_tar
from homeport.archive.tar_writer import write_tar
from homeport.archive.zip_reader import extract_zip
from homeport.archive.zip_writer import write_zip
from homeport.ports.artifacts import ZIP, Artifact, DigestMismatchError, NameTakenError
from homeport.ports.caches import CacheEntry
from homeport.ports.checks import Check, go_on
from homeport.ports.repositories import StoreError
from homeport.runner.walled.conversation import (
    Answer,
    Ask,
    FetchArtifact,
    FetchCache,
    FindCache,
    ListArtifacts,
    PutArtifact,
    PutCache,
    as_artifact,
    as_artifacts,
    as_entry,
)

_BLOCK = 1 << 20
_In = TypeVar("_In")
_Out = TypeVar("_Out")


class Asker(Protocol):
    """Who carries a question to the runner."""

    def ask(self, message: Ask, descriptor: int = -1) -> Answer:
        """Send, and wait for the answer."""
        ...


class ArtifactsInside:
    """The `ArtifactStore` of a stage. Runs, attempts and jobs that it names count for nothing: they are the job's own."""

    def __init__(self, asker: Asker, temp: str) -> None:
        self._asker = asker
        self._temp = temp

    def put(
        self,
        run: str,  # noqa: ARG002 - the runner knows
        attempt: int,  # noqa: ARG002
        job: str,  # noqa: ARG002
        name: str,
        files: Iterable[tuple[str, str]],
        *,
        compression_level: int = 6,
        retention_days: int = 0,
        overwrite: bool = False,
        check: Check = go_on,
        is_record: bool = False,
    ) -> Artifact:
        """Pack into a zip file, and hand it over."""
        with _unnamed_file(self._temp) as target:
            write_zip(target, files, compression_level, check)
            return self._hand_over(target, PutArtifact(name, ZIP, retention_days, overwrite, is_record))

    def put_file(
        self,
        run: str,  # noqa: ARG002
        attempt: int,  # noqa: ARG002
        job: str,  # noqa: ARG002
        name: str,
        file: str,
        *,
        media_type: str = ZIP,
        retention_days: int = 0,
        overwrite: bool = False,
        check: Check = go_on,  # noqa: ARG002 - it is copied outside
        digest: str = "",  # noqa: ARG002 - of what clients send over the network
        is_record: bool = False,
    ) -> Artifact:
        """Hand over a file."""
        descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise OSError(f"{file} is not a file")
            return self._hand_over(descriptor, PutArtifact(name, media_type, retention_days, overwrite, is_record))
        finally:
            os.close(descriptor)

    def _hand_over(self, descriptor: int, message: PutArtifact) -> Artifact:
        return as_artifact(_get(self._asker.ask(message, descriptor)))

    def list(self, run: str, *, attempt: int | None = None, records: bool = False) -> Sequence[Artifact]:
        """Those of the job's own run."""
        return as_artifacts(_get(self._asker.ask(ListArtifacts(run, attempt, records))))

    def runs(self) -> NoReturn:
        """Of no use to a job."""
        raise StoreError("the artifacts of other runs cannot be listed by a job")

    def extract(self, artifact: Artifact, folder: str, *, check: Check = go_on) -> None:
        """Unpack, or put the single file."""
        path = str(_get(self._asker.ask(FetchArtifact(artifact.id))))
        try:
            if artifact.media_type == ZIP:
                extract_zip(path, folder, check)
                digest = _hash(path)
            else:
                digest = _put_single(artifact.name, path, folder)
        finally:
            os.unlink(path)
        if artifact.digest != f"sha256:{digest}":
            raise DigestMismatchError(
                f"the artifact {artifact.name!r} is damaged: its digest is sha256:{digest}, and was {artifact.digest}"
            )

    def archive_path(self, artifact: Artifact) -> str:
        """A copy in the job's own folders, which goes with them."""
        return str(_get(self._asker.ask(FetchArtifact(artifact.id))))

    def delete(self, artifact: Artifact) -> NoReturn:
        """Jobs overwrite; they delete nothing."""
        raise StoreError(f"the artifact {artifact.name!r} cannot be deleted by a job")


class CachesInside:
    """The `CacheStore` of a stage: entries are saved in the scope of the job's own ref, whatever it names."""

    def __init__(self, asker: Asker, temp: str, search_path: str) -> None:
        self._asker = asker
        self._temp = temp
        self._search_path = search_path

    def find(self, key: str, restore_keys: Sequence[str], version: str, scopes: Sequence[str]) -> CacheEntry | None:
        """The entry that a restore would use."""
        return as_entry(_get(self._asker.ask(FindCache(key, tuple(restore_keys), version, tuple(scopes)))))

    def restore(self, entry: CacheEntry, paths: Sequence[str], workspace: str, *, check: Check = go_on) -> None:
        """Unpack."""
        path = self.archive_path(entry)
        try:
            with expanding(path, find_program("zstd", self._search_path)) as read:
                extract_tar(_checking(read, check), workspace, list(paths))
        finally:
            os.unlink(path)

    def save(
        self,
        key: str,
        version: str,
        scope: str,  # noqa: ARG002 - the runner knows
        paths: Sequence[str],
        workspace: str,
        *,
        check: Check = go_on,
    ) -> CacheEntry | None:
        """Pack, and hand the archive over."""
        with _unnamed_file(self._temp) as target:
            with compressing(target, find_program("zstd", self._search_path)) as write:
                write_tar(_checking(write, check), workspace, paths)
            return as_entry(_get(self._asker.ask(PutCache(key, version), target)))

    def archive_path(self, entry: CacheEntry) -> str:
        """A copy in the job's own folders, which goes with them."""
        return str(_get(self._asker.ask(FetchCache(entry))))

    def put_archive(self, key: str, version: str, scope: str, archive: str) -> CacheEntry | None:  # noqa: ARG002
        """Hand a file over."""
        descriptor = os.open(archive, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            return as_entry(_get(self._asker.ask(PutCache(key, version), descriptor)))
        finally:
            os.close(descriptor)

    def list(self) -> NoReturn:
        """Of no use to a job."""
        raise StoreError("the caches of the repository cannot be listed by a job")

    def used_at(self, entry: CacheEntry) -> NoReturn:
        """Of no use to a job."""
        raise StoreError(f"when the cache {entry.key!r} was used cannot be asked by a job")

    def delete(self, key: str, scope: str | None = None) -> NoReturn:  # noqa: ARG002
        """Jobs do not."""
        raise StoreError(f"the cache {key!r} cannot be deleted by a job")


def _checking(step: Callable[[_In], _Out], check: Check) -> Callable[[_In], _Out]:
    """A stop is noticed with every block."""

    def checked(given: _In) -> _Out:
        check()
        return step(given)

    return checked


def _get(answer: Answer) -> object:
    """The value, or the error that it stands for."""
    match answer.error:
        case None:
            return answer.value
        case "taken":
            raise NameTakenError(str(answer.value))
        case "store":
            raise StoreError(str(answer.value))
        case "os":
            raise OSError(str(answer.value))
        case "digest" | "value":
            raise ValueError(str(answer.value))


@contextmanager
def _unnamed_file(folder: str) -> Iterator[int]:
    """A file without a name; it takes room on the disk of the job's folders, not in memory."""
    descriptor = os.open(folder, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _hash(path: str) -> str:
    with open(path, "rb") as file:  # noqa: PTH123 - pathlib is slow to import
        return hashlib.file_digest(file, "sha256").hexdigest()


def _put_single(name: str, path: str, folder: str) -> str:
    if os.path.basename(name) != name or name in {"", ".", ".."}:
        raise ValueError(f"the artifact's name is not that of a file: {name!r}")
    os.makedirs(folder, exist_ok=True)
    target = os.path.join(folder, name)
    if os.path.lexists(target):
        os.unlink(target)
    descriptor = create_file(target)
    try:
        source = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            while os.sendfile(descriptor, source, None, _BLOCK):
                pass
        finally:
            os.close(source)
    finally:
        os.close(descriptor)
    return _hash(target)

"""Keeps artifacts in the folder store.

    artifacts/next                        the next artifact's id
    artifacts/<run>/<attempt>/lock        held while an artifact is made visible or removed
    artifacts/<run>/<attempt>/<id>.data   the archive, or the single file
    artifacts/<run>/<attempt>/<id>.json   what it is; an artifact exists when this does

An upload grows beside them (`parts.py`); what a dead process left of one is removed by the next.
"""

import hashlib
import os
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

import msgspec

from homeport.archive.copying import PART, copy_part
from homeport.archive.following_digest import FollowingDigest
from homeport.archive.zip_reader import extract_zip
from homeport.archive.zip_writer import write_zip
from homeport.ports.artifacts import ZIP, Artifact, DigestMismatchError, NameTakenError
from homeport.ports.checks import Check, go_on
from homeport.ports.clock import Clock
from homeport.store.folder import count_up, listed, locked_file, read_file, unlink, write_file
from homeport.store.parts import growing, remove_abandoned


class _Kept(Artifact, frozen=True, kw_only=True):
    """An artifact, and for an archive of our own what is asked of it at a download: where its directory begins, and the SHA-256 of all
    from there to the end. The directory has the checksum of every file, so nothing that is unpacked goes unverified.
    """

    directory: int = 0
    directory_digest: str = ""


class _Filled(msgspec.Struct, frozen=True):
    """What was written, as in `Artifact` and `_Kept`."""

    size: int
    digest: str
    directory: int = 0
    directory_digest: str = ""


_decode = msgspec.json.Decoder(_Kept).decode

Fill = Callable[[int], _Filled]
"""Writes the content to a descriptor."""


class FolderArtifacts:
    """An `ArtifactStore` in a folder. One instance a process is enough; several see one another's artifacts.

    `retention_days` is the default: GitHub's is 90. There is no `fsync`: an artifact survives the process, but not always the
    machine.
    """

    def __init__(self, home: str, clock: Clock, *, retention_days: int = 90) -> None:
        self._folder = os.path.join(home, "artifacts")
        self._clock = clock
        self._retention_days = retention_days

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
        """Pack into a zip file."""
        begun = self._begin(run, attempt, job, name, ZIP, retention_days)
        artifact = msgspec.structs.replace(begun, is_record=is_record)

        def pack(target: int) -> _Filled:
            packed = write_zip(target, files, compression_level, check)
            return _Filled(packed.size, packed.digest, packed.directory, _digest_end(target, packed.directory))

        return self._store(artifact, pack, overwrite=overwrite)

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
        """Copy a file."""
        begun = self._begin(run, attempt, job, name, media_type, retention_days)
        artifact = msgspec.structs.replace(begun, is_record=is_record)

        def copy(target: int) -> _Filled:
            size, found = _copy(file, target, check)
            if digest not in {"", f"sha256:{found}"}:
                raise DigestMismatchError(f"the digest is sha256:{found}, and should be {digest}")
            return _Filled(size, found)

        return self._store(artifact, copy, overwrite=overwrite)

    def list(self, run: str, *, attempt: int | None = None, records: bool = False) -> Sequence[Artifact]:
        """Sorted by name, then newest first."""
        attempts = listed(os.path.join(self._folder, run)) if attempt is None else (str(attempt),)
        found = [
            artifact for each in attempts for artifact in self._read_attempt(os.path.join(self._folder, run, each))
        ]
        now = self._clock.now()
        current = (
            artifact
            for artifact in found
            if (artifact.expires_at is None or artifact.expires_at > now) and (records or not artifact.is_record)
        )
        return sorted(current, key=lambda artifact: (artifact.name, -artifact.attempt, -int(artifact.id)))

    def list_all(self, run: str) -> Sequence[Artifact]:
        """Of every attempt, also records and what has expired and is not removed yet."""
        folder = os.path.join(self._folder, run)
        return [each for attempt in listed(folder) for each in self._read_attempt(os.path.join(folder, attempt))]

    def runs(self) -> Sequence[str]:
        """By the folders."""
        return sorted((name for name in listed(self._folder) if name.isdecimal()), key=int, reverse=True)

    def extract(self, artifact: Artifact, folder: str, *, check: Check = go_on) -> None:
        """Unpack, or copy the single file.

        An archive that this store packed is verified by the checksums in its directory, and the directory by a digest of its own: to
        hash the whole of it again would take longer than all else. Everything else is hashed.
        """
        path = self.archive_path(artifact)
        if artifact.media_type != ZIP:
            digest = _extract_file(artifact, path, folder, check)
        elif self._is_intact(artifact):
            extract_zip(path, folder, check)
            return
        else:
            digest = _extract_and_hash(path, folder, check)
        if f"sha256:{digest}" != artifact.digest:
            raise DigestMismatchError(
                f"the artifact {artifact.name!r} is damaged: its digest is sha256:{digest}, and was {artifact.digest}"
            )

    def _is_intact(self, artifact: Artifact) -> bool:
        """Whether the directory of one of our own archives is the one that was written."""
        data = read_file(self._path(artifact, "json"))
        kept = _decode(data) if data is not None else None
        if kept is None or not kept.directory_digest or kept.digest != artifact.digest:
            return False
        descriptor = os.open(self.archive_path(artifact), os.O_RDONLY | os.O_CLOEXEC)
        try:
            same_size = os.fstat(descriptor).st_size == kept.size
            return same_size and _digest_end(descriptor, kept.directory) == kept.directory_digest
        finally:
            os.close(descriptor)

    def archive_path(self, artifact: Artifact) -> str:
        """Below the attempt's folder."""
        return self._path(artifact, "data")

    def delete(self, artifact: Artifact) -> None:
        """Remove what it is before what it holds, so that no reader finds half of it."""
        unlink(self._path(artifact, "json"))
        unlink(self._path(artifact, "data"))

    def sweep(self) -> int:
        """Remove what has expired, in all runs; gives how many artifacts that were."""
        now, count = self._clock.now(), 0
        for run in listed(self._folder):
            for attempt in listed(os.path.join(self._folder, run)):
                for artifact in self._read_attempt(os.path.join(self._folder, run, attempt)):
                    if artifact.expires_at is not None and artifact.expires_at <= now:
                        self.delete(artifact)
                        count += 1
        return count

    def _begin(self, run: str, attempt: int, job: str, name: str, media_type: str, retention_days: int) -> _Kept:
        now = self._clock.now()
        return _Kept(
            id=str(count_up(os.path.join(self._folder, "next"))),
            run=run,
            attempt=attempt,
            job=job,
            name=name,
            size=0,
            digest="",
            created_at=now,
            expires_at=_later(now, retention_days or self._retention_days),
            media_type=media_type,
        )

    def _store(self, artifact: _Kept, fill: Fill, *, overwrite: bool) -> Artifact:
        if not overwrite:
            self._check_name(artifact)
        with growing(self._path(artifact, "data")) as (part, descriptor):
            filled = fill(descriptor)
            complete = msgspec.structs.replace(
                artifact,
                size=filled.size,
                digest=f"sha256:{filled.digest}",
                directory=filled.directory,
                directory_digest=filled.directory_digest,
            )
            self._commit(complete, part, overwrite=overwrite)
        return complete

    def _commit(self, artifact: Artifact, part: str, *, overwrite: bool) -> None:
        folder = self._attempt_folder(artifact)
        with locked_file(os.path.join(folder, "lock")):
            replaced = [other for other in self._read_attempt(folder) if _is_same(other, artifact)]
            if replaced and not overwrite:
                raise NameTakenError(artifact.name)
            os.rename(part, self._path(artifact, "data"))
            fresh = self._path(artifact, "new")
            write_file(fresh, msgspec.json.encode(artifact))
            os.rename(fresh, self._path(artifact, "json"))
            for other in replaced:
                self.delete(other)
            remove_abandoned(folder, lambda name: os.path.exists(os.path.join(folder, name[:-4] + "json")))

    def _check_name(self, artifact: Artifact) -> None:
        if any(_is_same(other, artifact) for other in self._read_attempt(self._attempt_folder(artifact))):
            raise NameTakenError(artifact.name)

    def _read_attempt(self, folder: str) -> Iterable[Artifact]:
        for name in listed(folder):
            if name.endswith(".json") and (data := read_file(os.path.join(folder, name))) is not None:
                yield _decode(data)

    def _attempt_folder(self, artifact: Artifact) -> str:
        return os.path.join(self._folder, artifact.run, str(artifact.attempt))

    def _path(self, artifact: Artifact, suffix: str) -> str:
        return os.path.join(self._attempt_folder(artifact), f"{artifact.id}.{suffix}")


def _is_same(one: Artifact, other: Artifact) -> bool:
    """Whether two want one name: records have names of their own."""
    return one.name == other.name and one.is_record == other.is_record


def _later(now: datetime, days: int) -> datetime | None:
    return now + timedelta(days=days) if days > 0 else None


def _digest_end(descriptor: int, start: int) -> str:
    """SHA-256 of a file's bytes from a place on: an archive's directory, which is short."""
    return hashlib.sha256(os.pread(descriptor, os.fstat(descriptor).st_size - start, start)).hexdigest()


def _extract_and_hash(path: str, folder: str, check: Check) -> str:
    """Unpack a zip; gives the archive's SHA-256 in hex."""
    source = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        with FollowingDigest(source) as digest:
            digest.advance(os.fstat(source).st_size)
            extract_zip(path, folder, check)
            return digest.finish()
    finally:
        os.close(source)


def _extract_file(artifact: Artifact, path: str, folder: str, check: Check) -> str:
    """Copy the single file under its name; gives its SHA-256 in hex."""
    if os.path.basename(artifact.name) != artifact.name or artifact.name in {"", ".", ".."}:
        raise ValueError(f"the artifact's name is not that of a file: {artifact.name!r}")
    os.makedirs(folder, exist_ok=True)
    target = os.path.join(folder, artifact.name)
    if os.path.lexists(target):
        os.unlink(target)
    descriptor = os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
    try:
        return _copy(path, descriptor, check)[1]
    finally:
        os.close(descriptor)


def _copy(path: str, target: int, check: Check) -> tuple[int, str]:
    """Copy a file into an empty one; gives its size and SHA-256 in hex."""
    source = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        with FollowingDigest(target) as digest:
            size = 0
            while count := copy_part(source, size, target, size, PART):
                check()
                size += count
                digest.advance(size)
            return size, digest.finish()
    finally:
        os.close(source)

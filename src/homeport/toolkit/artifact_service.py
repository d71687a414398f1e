"""ArtifactService: what @actions/artifact from version 2 calls (upload-artifact and download-artifact v4 to v8).

A job writes as itself; it lists, reads and deletes what its whole run has, earlier attempts included, of each name the newest. Nothing
of an artifact is visible before it is finalized, and an upload that fails leaves its name free.

Source: @actions/artifact `src/internal` and `src/generated/results/api/v1/artifact.ts`; docs "Store and share data with workflow
artifacts".
"""

import os
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import msgspec
from starlette.requests import Request

from homeport.ports.artifacts import ZIP, Artifact, DigestMismatchError, NameTakenError
from homeport.toolkit.addresses import sign_address
from homeport.toolkit.answers import RefusalError
from homeport.toolkit.callers import Caller
from homeport.toolkit.jobs import OpenJob, backend_id
from homeport.toolkit.parts import Parts
from homeport.toolkit.twirp import Answer, Method, read_number
from homeport.toolkit.uploads import ArtifactTarget, Upload, Uploads

_FORBIDDEN = frozenset('":<>|*?\r\n\\/\0')
_LONGEST_NAME = 255
_RAW_SINCE = 7
"""The version of the protocol that first had a media type."""


class _Ids(msgspec.Struct, kw_only=True):
    workflow_run_backend_id: str
    workflow_job_run_backend_id: str


class _Create(_Ids, kw_only=True):
    name: str
    version: int = 4
    expires_at: datetime | None = None
    mime_type: str = ""


class _Finalize(_Ids, kw_only=True):
    name: str
    size: str | int = "0"
    hash: str = ""


class _List(_Ids, kw_only=True):
    name_filter: str = ""
    id_filter: str | int = ""


class _Named(_Ids, kw_only=True):
    name: str


class ArtifactService:
    """The methods. Thread-safe."""

    def __init__(self, parts: Parts, uploads: Uploads) -> None:
        self._parts = parts
        self._uploads = uploads
        self.methods: Mapping[str, Method] = {
            "CreateArtifact": Method(_Create, self.create),
            "FinalizeArtifact": Method(_Finalize, self.finalize),
            "ListArtifacts": Method(_List, self.list),
            "GetSignedArtifactURL": Method(_Named, self.sign),
            "DeleteArtifact": Method(_Named, self.delete),
        }

    def create(self, caller: Caller, message: _Create, request: Request) -> Answer:
        """Begin an upload: gives where its blocks go."""
        _check_own(caller.job, message)
        check_name(message.name)
        if not 4 <= message.version <= _RAW_SINCE:
            raise RefusalError(501, f"The version of the protocol is {message.version}; here are 4 to {_RAW_SINCE}.")
        job = caller.job
        if any(known.name == message.name for known in self._parts.artifacts.list(job.run, attempt=job.attempt)):
            raise _taken(message.name)
        media_type = message.mime_type if message.version >= _RAW_SINCE and message.mime_type else ZIP
        upload = self._uploads.begin(job.id, ArtifactTarget(message.name, _check_type(media_type), message.expires_at))
        return {
            "ok": True,
            "signed_upload_url": sign_address(request, self._parts, "w", f"/blob/upload/{upload.number}"),
        }

    def finalize(self, caller: Caller, message: _Finalize, _: Request) -> Answer:
        """Show what was uploaded, if it is what was meant to be."""
        _check_own(caller.job, message)
        wanted = ArtifactTarget(message.name, "", None)
        upload = self._uploads.find_target(caller.job.id, wanted)
        if upload is None or not isinstance(upload.target, ArtifactTarget):
            raise RefusalError(404, f"This job uploads no artifact {message.name!r}: it was not created, or is final.")
        upload.claim()
        try:
            artifact = self._store(caller.job, upload, upload.target, message)
        finally:
            self._uploads.drop(upload)
        return {"ok": True, "artifact_id": artifact.id}

    def list(self, caller: Caller, message: _List, _: Request) -> Answer:
        """The newest of each name, or the one with an id."""
        _check_own(caller.job, message)
        found: Sequence[Artifact] = self._parts.artifacts.list(caller.job.run)
        if message.id_filter:
            wanted = str(read_number(message.id_filter, "id_filter"))
            found = [artifact for artifact in found if artifact.id == wanted]
        else:
            found = [artifact for artifact in latest(found) if message.name_filter in {"", artifact.name}]
        return {"artifacts": [_describe(artifact) for artifact in found]}

    def sign(self, caller: Caller, message: _Named, request: Request) -> Answer:
        """Where an artifact can be read."""
        artifact = self._find(caller, message)
        return {"name": artifact.name, "signed_url": sign_download(request, self._parts, artifact)}

    def delete(self, caller: Caller, message: _Named, _: Request) -> Answer:
        """Remove an artifact of the run."""
        artifact = self._find(caller, message)
        self._parts.artifacts.delete(artifact)
        return {"ok": True, "artifact_id": artifact.id}

    def _find(self, caller: Caller, message: _Named) -> Artifact:
        _check_run(caller.job, message)
        wanted = message.workflow_job_run_backend_id
        for artifact in self._parts.artifacts.list(caller.job.run):  # of one name, the newest is first
            if artifact.name == message.name and backend_id(artifact.attempt, artifact.job) == wanted:
                return artifact
        raise RefusalError(404, f"The run has no artifact {message.name!r} of that job.")

    def _store(self, job: OpenJob, upload: Upload, target: ArtifactTarget, message: _Finalize) -> Artifact:
        check_size(upload.content, read_number(message.size, "size"))
        try:
            return self._parts.artifacts.put_file(
                job.run,
                job.attempt,
                job.order.leg.key,
                target.name,
                upload.content,
                media_type=target.media_type,
                retention_days=_count_days(target.expires_at, self._parts.clock.now(), job),
                digest=message.hash,
            )
        except NameTakenError as error:
            raise _taken(target.name) from error
        except DigestMismatchError as error:
            raise RefusalError(400, f"What arrived is not what was sent: {error}.") from error


def check_size(path: str, announced: int) -> None:
    """Raise `RefusalError` where a file has not the size that its sender says."""
    size = os.stat(path).st_size
    if size != announced:
        raise RefusalError(400, f"{announced} bytes were announced, {size} have arrived.")


def check_name(name: str) -> None:
    """Raise `RefusalError` for what the client would not send (`path-and-artifact-name-validation.ts`), and for names of folders."""
    wrong = sorted(_FORBIDDEN.intersection(name))
    if wrong or not name or name in {".", ".."} or len(name.encode("utf-8", "surrogatepass")) > _LONGEST_NAME:
        found = f"has {', '.join(map(repr, wrong))} in it" if wrong else "is empty, too long, or a folder's"
        raise RefusalError(400, f"The artifact name {found}.")


def latest(artifacts: Sequence[Artifact]) -> Sequence[Artifact]:
    """Of each name the newest. They come by name, then newest first."""
    return [
        artifact
        for number, artifact in enumerate(artifacts)
        if not number or artifacts[number - 1].name != artifact.name
    ]


def sign_download(request: Request, parts: Parts, artifact: Artifact) -> str:
    """Where an artifact can be read, for an hour. That of an archive ends with `.zip`, by which the client knows it."""
    suffix = ".zip" if artifact.media_type == ZIP else ""
    return sign_address(request, parts, "r", f"/blob/artifact/{artifact.run}/{artifact.id}{suffix}")


def _taken(name: str) -> RefusalError:
    return RefusalError(409, f"an artifact with this name already exists on the workflow run: {name}")


def _check_run(job: OpenJob, message: _Ids) -> None:
    if message.workflow_run_backend_id != job.run:
        raise RefusalError(403, "The token is not one for that run.")


def _check_own(job: OpenJob, message: _Ids) -> None:
    _check_run(job, message)
    if message.workflow_job_run_backend_id != job.backend_id:
        raise RefusalError(403, "The token is not one for that job.")


def _check_type(media_type: str) -> str:
    """A media type that can stand in a header."""
    if media_type.isascii() and media_type.isprintable() and len(media_type) < _LONGEST_NAME:
        return media_type
    raise RefusalError(400, f"mime_type is {media_type[:40]!r}, expected something like 'text/plain'.")


def _count_days(expires_at: datetime | None, now: datetime, job: OpenJob) -> int:
    """The store counts in days, and so did the person who asked: 0 is the default. The repository's own limit holds."""
    limit = int(job.order.github.get("retention_days") or 0)
    if expires_at is None:
        return limit
    if expires_at.tzinfo is None:
        raise RefusalError(400, "expires_at has no time zone.")
    days = max(1, -((now - expires_at) // timedelta(days=1)))
    return min(days, limit) if limit else days


def _describe(artifact: Artifact) -> Answer:
    return {
        "workflow_run_backend_id": artifact.run,
        "workflow_job_run_backend_id": backend_id(artifact.attempt, artifact.job),
        "database_id": artifact.id,
        "name": artifact.name,
        "size": str(artifact.size),
        "created_at": artifact.created_at.isoformat().replace("+00:00", "Z"),
        "digest": artifact.digest,
    }

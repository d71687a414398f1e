"""Artifacts and caches in answers (docs: "REST API endpoints for artifacts", "… for GitHub Actions cache")."""

import zlib
from datetime import datetime

import msgspec

from homeport.ports.artifacts import Artifact as StoredArtifact
from homeport.ports.caches import CacheEntry
from homeport.rest.links import Links, format_time, node_id


class ArtifactRun(msgspec.Struct, frozen=True, kw_only=True):
    """The run that an artifact is of."""

    id: int
    repository_id: int
    head_repository_id: int
    head_branch: str | None
    head_sha: str


class Artifact(msgspec.Struct, frozen=True, kw_only=True):
    """GitHub's `artifact`."""

    id: int
    node_id: str
    name: str
    size_in_bytes: int
    url: str
    archive_download_url: str
    expired: bool
    digest: str
    created_at: str
    updated_at: str
    expires_at: str | None
    workflow_run: ArtifactRun


class Artifacts(msgspec.Struct, frozen=True):
    """A page of artifacts."""

    total_count: int
    artifacts: tuple[Artifact, ...]


class Cache(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of GitHub's `actions-cache-list`."""

    id: int
    ref: str
    key: str
    version: str
    last_accessed_at: str
    created_at: str
    size_in_bytes: int


class Caches(msgspec.Struct, frozen=True):
    """A page of caches."""

    total_count: int
    actions_caches: tuple[Cache, ...]


class CacheUsage(msgspec.Struct, frozen=True, kw_only=True):
    """How much a repository keeps."""

    full_name: str
    active_caches_size_in_bytes: int
    active_caches_count: int


def show_artifact(artifact: StoredArtifact, run: ArtifactRun, repository: str, links: Links) -> Artifact:
    """An artifact of a run of `repository`."""
    address = f"{links.repository(repository)}/actions/artifacts/{artifact.id}"
    created_at = format_time(artifact.created_at)
    return Artifact(
        id=int(artifact.id),
        node_id=node_id("A", artifact.id),
        name=artifact.name,
        size_in_bytes=artifact.size,
        url=address,
        archive_download_url=f"{address}/zip",
        expired=False,
        digest=artifact.digest,
        created_at=created_at,
        updated_at=created_at,
        expires_at=None if artifact.expires_at is None else format_time(artifact.expires_at),
        workflow_run=run,
    )


def show_cache(entry: CacheEntry, used_at: datetime) -> Cache:
    """An entry of a repository's caches."""
    return Cache(
        id=cache_id(entry),
        ref=entry.scope,
        key=entry.key,
        version=entry.version,
        last_accessed_at=format_time(used_at),
        created_at=format_time(entry.created_at),
        size_in_bytes=entry.size,
    )


def cache_id(entry: CacheEntry) -> int:
    """Entries have no numbers of their own: one made of what tells them apart, within what clients take for an integer."""
    text = f"{entry.scope}\0{entry.version}\0{entry.key}".encode("utf-8", "surrogatepass")
    return zlib.crc32(text) << 20 | zlib.adler32(text) & 0xFFFFF

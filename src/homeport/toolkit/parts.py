"""What the services stand on."""

from collections.abc import Callable, Mapping
from datetime import timedelta

import msgspec

from homeport.ports.artifacts import ArtifactStore
from homeport.ports.caches import CacheStore
from homeport.ports.clock import Clock
from homeport.ports.repositories import RunRepository
from homeport.tokens.keys import SecretKey
from homeport.toolkit.jobs import OpenJobs

ADDRESS_LIFETIME = timedelta(hours=1)
"""How long a signed address can be used."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What one caller may ask for. Those of blocks are Azure's (docs: "Scalability and performance targets for Blob storage")."""

    message_bytes: int = 1 << 20
    """of a JSON body"""
    block_list_bytes: int = 8 << 20
    blocks: int = 50_000
    upload_bytes: int = 64 << 30
    """of one artifact or cache"""
    uploads: int = 200
    """of one job at a time"""


class Issuer(msgspec.Struct, frozen=True):
    """Who identity tokens say they are from. `address` is the `iss` claim; `key` a private key in PEM form, None: one for this process."""

    address: str = "https://homeport.invalid"
    key: bytes | None = None


class Forwarded(msgspec.Struct, frozen=True, kw_only=True):
    """A request of a job to the REST interface of its server; `path` is below `/api/v3`, with its query, as it came."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    token: str


class ForwardedAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What the server answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes


AskServer = Callable[[Forwarded], ForwardedAnswer]
"""Blocks. Raises `OSError` where the server cannot be reached."""


class Parts(msgspec.Struct, frozen=True, kw_only=True):
    """The ports, settings and shared state of one application."""

    artifacts: ArtifactStore
    caches: Callable[[str], CacheStore]
    """by `owner/name`"""
    runs: RunRepository
    clock: Clock
    uploads_folder: str
    """where uploads grow until they are complete; best on the file system of the stores"""
    source: str
    """the folder whose repository is served to git"""
    search_path: str
    """the PATH on which git is looked for"""
    key: SecretKey
    jobs: OpenJobs
    issuer: Issuer = Issuer()
    limits: Limits = Limits()
    ask_server: AskServer | None = None
    """the REST interface of the server that the jobs belong to; None: they are of a local run, which answers what it can itself"""
    on_fault: Callable[[Exception], None] = lambda _: None
    """told of an error that is Homeport's own; the caller has an answer by then"""

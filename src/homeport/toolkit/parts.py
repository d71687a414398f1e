"""What the services stand on."""

from collections.abc import Callable
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
    on_fault: Callable[[Exception], None] = lambda _: None
    """told of an error that is Homeport's own; the caller has an answer by then"""

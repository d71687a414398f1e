"""CacheService: what @actions/cache calls (version 2 of its protocol), and the rules that version 1 shares.

Whose caches a job sees is in its token, not in what it asks: the request names no ref. Of two jobs that save one key the first to
reserve it goes on; the other is told so.

Source: @actions/cache `src/cache.ts` and `src/generated/results/api/v1/cache.ts`; docs "Dependency caching reference".
"""

from collections.abc import Mapping, Sequence

import msgspec
from starlette.requests import Request

from homeport.ports.caches import CacheEntry
from homeport.toolkit.addresses import sign_address
from homeport.toolkit.answers import RefusalError
from homeport.toolkit.artifact_service import check_size
from homeport.toolkit.callers import Caller
from homeport.toolkit.parts import Parts
from homeport.toolkit.twirp import Answer, Method, read_number
from homeport.toolkit.uploads import CacheTarget, Upload, Uploads

_LONGEST_KEY = 512
_MOST_KEYS = 10
READ_DENIED, WRITE_DENIED = "cache read denied:", "cache write denied:"
"""By these words the client tells a refusal from a key that is taken."""


class _Find(msgspec.Struct, kw_only=True):
    key: str
    version: str
    restore_keys: list[str] = []


class _Create(msgspec.Struct, kw_only=True):
    key: str
    version: str


class _Finalize(msgspec.Struct, kw_only=True):
    key: str
    version: str
    size_bytes: str | int = "0"


class Caching:
    """What both protocols do. Thread-safe."""

    def __init__(self, parts: Parts, uploads: Uploads) -> None:
        self._parts = parts
        self._uploads = uploads

    def find(self, caller: Caller, keys: Sequence[str], version: str) -> CacheEntry | None:
        """The entry that a restore gets: the keys are the exact one and then those to try as prefixes."""
        if not keys or len(keys) > _MOST_KEYS:
            raise RefusalError(400, f"Key Validation Error: Keys are limited to a maximum of {_MOST_KEYS}.")
        for key in keys:
            check_key(key, version)
        scopes = caller.readable
        if not scopes:
            raise RefusalError(403, f"{READ_DENIED} the run belongs to no branch or tag")
        store = self._parts.caches(caller.job.repository)
        entry = store.find(keys[0], keys[1:], version, scopes)
        if entry is None:
            return None
        try:
            store.archive_path(entry)
        except (OSError, ValueError):
            return None  # it went, or is cut off and was forgotten: as good as not there
        return entry

    def reserve(self, caller: Caller, key: str, version: str, size: int = 0) -> Upload:
        """Begin to save. Raises `RefusalError`: 409 where the key is taken, or somebody else is about to take it."""
        check_key(key, version)
        scope = caller.writable
        if scope is None:
            raise RefusalError(403, f"{WRITE_DENIED} the run may not save under any branch or tag")
        known = self._parts.caches(caller.job.repository).find(key, (), version, [scope])
        if known is not None and known.key == key:
            raise RefusalError(409, f"Cache already exists: {key}")
        return self._uploads.begin(caller.job.id, CacheTarget(key, version, scope, size))

    def store(self, caller: Caller, upload: Upload, size: int) -> CacheEntry | None:
        """Show an upload that is complete; None where its key was taken meanwhile."""
        target = upload.target
        if not isinstance(target, CacheTarget) or upload.job != caller.job.id:
            raise RefusalError(404, "This job saves no such cache.")
        upload.claim()
        try:
            check_size(upload.content, size)
            store = self._parts.caches(caller.job.repository)
            return store.put_archive(target.key, target.version, target.scope, upload.content)
        finally:
            self._uploads.drop(upload)

    def sign_download(self, request: Request, caller: Caller, entry: CacheEntry) -> str:
        """Where an entry can be read, for an hour."""
        ticket = msgspec.json.encode((caller.job.repository, entry.key, entry.version, entry.scope)).hex()
        return sign_address(request, self._parts, "r", f"/blob/cache/{ticket}")


class CacheService:
    """The methods. Thread-safe."""

    def __init__(self, parts: Parts, uploads: Uploads, caching: Caching) -> None:
        self._parts = parts
        self._uploads = uploads
        self._caching = caching
        self.methods: Mapping[str, Method] = {
            "GetCacheEntryDownloadURL": Method(_Find, self.find),
            "CreateCacheEntry": Method(_Create, self.create),
            "FinalizeCacheEntryUpload": Method(_Finalize, self.finalize),
        }

    def find(self, caller: Caller, message: _Find, request: Request) -> Answer:
        """A hit or a miss."""
        entry = self._caching.find(caller, [message.key, *message.restore_keys], message.version)
        if entry is None:
            return {"ok": False, "signed_download_url": "", "matched_key": ""}
        address = self._caching.sign_download(request, caller, entry)
        return {"ok": True, "signed_download_url": address, "matched_key": entry.key}

    def create(self, caller: Caller, message: _Create, request: Request) -> Answer:
        """Reserve a key: gives where the archive goes."""
        try:
            upload = self._caching.reserve(caller, message.key, message.version)
        except RefusalError as error:
            if error.status != 409:
                raise
            return {"ok": False, "signed_upload_url": "", "message": error.message}
        return {
            "ok": True,
            "signed_upload_url": sign_address(request, self._parts, "w", f"/blob/upload/{upload.number}"),
        }

    def finalize(self, caller: Caller, message: _Finalize, _: Request) -> Answer:
        """Show what was uploaded."""
        scope = caller.writable or ""
        upload = self._uploads.find_target(caller.job.id, CacheTarget(message.key, message.version, scope))
        if upload is None:
            raise RefusalError(404, f"This job saves no cache {message.key!r}: it was not created, or is final.")
        number = upload.number
        entry = self._caching.store(caller, upload, read_number(message.size_bytes, "size_bytes"))
        if entry is None:
            return {"ok": False, "entry_id": "0", "message": f"Cache already exists: {message.key}"}
        return {"ok": True, "entry_id": str(number)}


def check_key(key: str, version: str) -> None:
    """Raise `RefusalError` for what the client would not send."""
    if not key or len(key) > _LONGEST_KEY:
        raise RefusalError(
            400, f"Key Validation Error: {key[:40]}… cannot be larger than {_LONGEST_KEY} characters, or empty."
        )
    if "," in key:
        raise RefusalError(400, f"Key Validation Error: {key} cannot contain commas.")
    if not version or len(version) > _LONGEST_KEY:
        raise RefusalError(400, "The version is empty or too long.")

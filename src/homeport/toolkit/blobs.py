"""Where archives travel: the part of Azure's block blobs that the client packages use, at addresses that carry their own permission.

Source: Azure docs, "Put Block", "Put Block List", "Put Blob"; @azure/storage-blob as @actions/artifact and @actions/cache call it.
"""

import binascii
import os
import re
from email.utils import formatdate
from urllib.parse import quote

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from homeport.ports.artifacts import ZIP, Artifact
from homeport.toolkit.addresses import check_address
from homeport.toolkit.answers import RefusalError
from homeport.toolkit.parts import Parts
from homeport.toolkit.receiving import receive
from homeport.toolkit.twirp import read_body
from homeport.toolkit.uploads import Upload, Uploads

_LIST = re.compile(rb"\s*(?:<\?xml[^<>]*\?>)?\s*<BlockList>(.*)</BlockList>\s*", re.DOTALL)
_EMPTY_LIST = re.compile(rb"\s*(?:<\?xml[^<>]*\?>)?\s*<BlockList\s*/>\s*")
_ENTRY = re.compile(rb"\s*<(Latest|Uncommitted|Committed)>([A-Za-z0-9+/=]{1,128})</\1>\s*")


class Blobs:
    """The endpoints."""

    def __init__(self, parts: Parts, uploads: Uploads) -> None:
        self._parts = parts
        self._uploads = uploads
        self.routes = [
            Route("/blob/upload/{number}", self.put, methods=["PUT"]),
            Route("/blob/artifact/{run}/{file}", self.read_artifact, methods=["GET", "HEAD"]),
            Route("/blob/cache/{ticket}", self.read_cache, methods=["GET", "HEAD"]),
        ]

    async def put(self, request: Request) -> Response:
        """A block, the list of blocks, or a whole blob."""
        check_address(request, self._parts, "w")
        upload = self._uploads.find(str(request.path_params["number"]))
        if upload is None:
            raise RefusalError(404, "The upload has ended.")
        match request.query_params.get("comp", ""):
            case "block":
                await self._put_block(request, upload)
            case "blocklist":
                body = await read_body(request, self._parts.limits.block_list_bytes)
                await run_in_threadpool(upload.commit_blocks, _read_list(body, self._parts.limits.blocks))
            case "":
                part, limit = await run_in_threadpool(upload.begin)
                await receive(request, part, limit)
                await run_in_threadpool(upload.keep_whole, part)
            case other:
                raise RefusalError(501, f"comp={other[:40]} is not offered here.")
        return Response(status_code=201, headers=_storage_headers())

    async def _put_block(self, request: Request, upload: Upload) -> None:
        block = _read_block_id(request.query_params.get("blockid", "").encode())
        part, limit = await run_in_threadpool(upload.begin)
        size = await receive(request, part, limit)
        await run_in_threadpool(upload.keep_block, block, part, size)

    async def read_artifact(self, request: Request) -> Response:
        """The archive, or the single file under its own name."""
        check_address(request, self._parts, "r")
        run, wanted = str(request.path_params["run"]), str(request.path_params["file"]).removesuffix(".zip")
        artifacts = await run_in_threadpool(self._parts.artifacts.list, run)
        artifact = next((artifact for artifact in artifacts if artifact.id == wanted), None)
        if artifact is None:
            raise RefusalError(404, "The artifact is gone.")
        return _send(self._parts.artifacts.archive_path(artifact), artifact.media_type, _name_file(artifact))

    async def read_cache(self, request: Request) -> Response:
        """The archive."""
        check_address(request, self._parts, "r")
        repository, key, version, scope = msgspec.json.decode(
            bytes.fromhex(request.path_params["ticket"]), type=tuple[str, str, str, str]
        )
        store = self._parts.caches(repository)
        entry = await run_in_threadpool(store.find, key, (), version, [scope])
        if entry is None or entry.key != key:
            raise RefusalError(404, "The cache entry is gone.")
        try:
            return _send(await run_in_threadpool(store.archive_path, entry), "application/octet-stream", None)
        except (FileNotFoundError, ValueError) as error:
            raise RefusalError(404, "The cache entry is gone.") from error


class _Archive(FileResponse):
    chunk_size = 1 << 20


def _send(path: str, media_type: str, disposition: str | None) -> Response:
    try:
        status = os.stat(path)
    except FileNotFoundError as error:
        raise RefusalError(404, "What was stored is gone.") from error
    headers = {**_storage_headers(), **({"content-disposition": disposition} if disposition else {})}
    del headers["etag"], headers["last-modified"]  # those of the file
    return _Archive(path, media_type=media_type, headers=headers, stat_result=status)


def _name_file(artifact: Artifact) -> str:
    name = f"{artifact.name}.zip" if artifact.media_type == ZIP else artifact.name
    plain = "".join(character if character.isascii() and character.isprintable() else "_" for character in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def _read_block_id(text: bytes) -> str:
    """As a text that a file can be called by."""
    try:
        raw = binascii.a2b_base64(text, strict_mode=True)
    except binascii.Error as error:
        raise RefusalError(400, "blockid is not base64.") from error
    if not 0 < len(raw) <= 64:
        raise RefusalError(400, "blockid has to stand for 1 to 64 bytes.")
    return raw.hex()


def _read_list(body: bytes, most: int) -> list[str]:
    if _EMPTY_LIST.fullmatch(body):
        return []
    matched = _LIST.fullmatch(body)
    if matched is None:
        raise RefusalError(400, "The list of blocks is malformed: expected <BlockList><Latest>…</Latest>…</BlockList>.")
    blocks: list[str] = []
    place, inner = 0, matched[1]
    while place < len(inner):
        entry = _ENTRY.match(inner, place)
        if entry is None and not inner[place:].strip():
            break
        if entry is None or len(blocks) == most:
            raise RefusalError(
                400, f"The list of blocks is malformed after {len(blocks)} entries, or longer than {most}."
            )
        blocks.append(_read_block_id(entry[2]))
        place = entry.end()
    return blocks


def _storage_headers() -> dict[str, str]:
    """What the client of the storage reads of an answer."""
    return {
        "etag": f'"0x{os.urandom(8).hex().upper()}"',
        "last-modified": formatdate(usegmt=True),
        "x-ms-request-id": os.urandom(16).hex(),
        "x-ms-version": "2025-01-05",
        "x-ms-request-server-encrypted": "false",
    }

"""The services of a local run, with real stores and a real socket, called with nothing in between."""

import base64
import http.client
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from homeport.ports.peer import JobOrder
from homeport.store.artifacts_folder import FolderArtifacts
from homeport.store.caches_folder import FolderCaches
from homeport.store.runs_folder import FolderRuns
from homeport.tokens.keys import SecretKey
from homeport.toolkit.job_toolkit import LocalJob
from homeport.toolkit.jobs import OpenJobs
from homeport.toolkit.local import LocalToolkit
from homeport.toolkit.parts import AskServer, Issuer, Limits, Parts
from tests.support.jobs import Bench
from tests.support.plans import FixedClock

DEFAULT_BRANCH = {"repository": {"default_branch": "main", "full_name": "octo/app"}}


class Reply(NamedTuple):
    """An answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Job(NamedTuple):
    """One open job, and how it calls."""

    services: "Stand"
    toolkit: LocalJob
    order: JobOrder

    @property
    def runtime_token(self) -> str:
        return self.toolkit.variables["ACTIONS_RUNTIME_TOKEN"]

    @property
    def ids(self) -> dict[str, str]:
        """Its backend ids, as the client reads them from the token."""
        key = SecretKey(self.services.secret)
        scope = key.read(self.runtime_token, self.services.clock.now())["scp"]
        _, run, job = scope.split(":")
        return {"workflow_run_backend_id": run, "workflow_job_run_backend_id": job}

    def call(self, service: str, method: str, **message: object) -> Reply:
        """A Twirp call, with the job's ids where the service wants them."""
        ids = self.ids if service == "ArtifactService" else {}
        path = f"/twirp/github.actions.results.api.v1.{service}/{method}"
        return self.send("POST", path, json.dumps({**ids, **message}).encode())

    def send(
        self,
        verb: str,
        path: str,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        token: str | None = None,
    ) -> Reply:
        """A request with the runtime token, or another."""
        authorization = {"Authorization": f"Bearer {self.runtime_token if token is None else token}"}
        return self.services.send(verb, path, body, {**authorization, **(headers or {})})

    def upload(self, data: bytes, name: str = "dist", **message: object) -> Reply:
        """Create, send in one block, finalize."""
        address = self.call("ArtifactService", "CreateArtifact", name=name, version=4, **message).json[
            "signed_upload_url"
        ]
        self.put_blocks(address, [data])
        return self.call("ArtifactService", "FinalizeArtifact", name=name, size=str(len(data)))

    def put_blocks(self, address: str, blocks: list[bytes]) -> Reply:
        """In reverse order, then the list."""
        for number in reversed(range(len(blocks))):
            reply = self.services.send("PUT", f"{address}&comp=block&blockid={block_id(number)}", blocks[number])
            assert reply.status == 201, reply
        return self.services.send("PUT", f"{address}&comp=blocklist", block_list(*map(block_id, range(len(blocks)))))

    def save(self, key: str, data: bytes, version: str = "v") -> Any:
        """Save a cache by version 2 of the protocol."""
        created = self.call("CacheService", "CreateCacheEntry", key=key, version=version).json
        if not created["ok"]:
            return created
        self.services.send("PUT", created["signed_upload_url"], data)
        size = str(len(data))
        return self.call("CacheService", "FinalizeCacheEntryUpload", key=key, version=version, size_bytes=size).json

    def find(self, key: str, *restore_keys: str, version: str = "v") -> str | None:
        """The key that a restore would match."""
        answer = self.call(
            "CacheService", "GetCacheEntryDownloadURL", key=key, restore_keys=list(restore_keys), version=version
        ).json
        return answer["matched_key"] or None


class Stand:
    """The services."""

    def __init__(
        self,
        folder: Path,
        *,
        limits: Limits,
        issuer: Issuer,
        uploads: Path | None,
        ask_server: AskServer | None = None,
    ) -> None:
        self.clock = FixedClock()
        self.home = folder / "home"
        self.uploads = uploads or self.home / "uploads"
        self.artifacts = FolderArtifacts(str(self.home), self.clock)
        self.caches = FolderCaches(str(self.home), "octo/app", self.clock, search_path="", quota_bytes=1 << 20)
        self.runs = FolderRuns(str(self.home))
        self.faults: list[Exception] = []
        self.secret = b""
        self._bench = Bench(folder)

        def make_parts(key: SecretKey, jobs: OpenJobs) -> Parts:
            return Parts(
                artifacts=self.artifacts,
                caches=lambda _: self.caches,
                runs=self.runs,
                clock=self.clock,
                uploads_folder=str(self.uploads),
                source=str(folder),
                search_path="/usr/bin:/bin",
                key=key,
                jobs=jobs,
                issuer=issuer,
                limits=limits,
                ask_server=ask_server,
                on_fault=self.faults.append,
            )

        self.secret = b"k" * 32
        self.toolkit = LocalToolkit(self.clock, make_parts, key=SecretKey(self.secret))

    def open(
        self,
        *,
        key: str = "build",
        run: str = "7",
        github: Mapping[str, Any] | None = None,
        given_token: str = "",
        server_token: str = "",
        **leg: Any,
    ) -> Job:
        """Begin a job."""
        every = {"actions": "write", "contents": "read", "id-token": "write"}
        order = self._bench.order(
            "on: push\njobs: {build: {runs-on: x, steps: [{run: x}]}}",
            github={"event": DEFAULT_BRANCH, "run_id": run, **(github or {})},
            leg={"key": key, "permissions": every, **leg},
        )
        order = msgspec.structs.replace(order, run=run)
        return Job(self, self.toolkit.open(order, given_token, server_token=server_token), order)

    def send(self, verb: str, address: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Reply:
        """A request to a path, or to an address that was given out."""
        path = "/" + address.split("/", 3)[3] if address.startswith("http") else address
        connection = http.client.HTTPConnection("127.0.0.1", self.toolkit.port, timeout=60)
        try:
            connection.request(verb, path, body, dict(headers or {}))
            response = connection.getresponse()
            found = {name.lower(): value for name, value in response.getheaders()}
            return Reply(response.status, found, response.read())
        finally:
            connection.close()

    def left_over(self) -> list[str]:
        """Files of uploads that are not complete."""
        return sorted(path.name for path in self.uploads.rglob("*") if path.is_file() and path.name != "lock")


@contextmanager
def standing(
    folder: Path,
    *,
    limits: Limits | None = None,
    issuer: Issuer | None = None,
    uploads: Path | None = None,
    ask_server: AskServer | None = None,
) -> Iterator[Stand]:
    """The services, until the end of the block; no fault may have come up."""
    stand = Stand(folder, limits=limits or Limits(), issuer=issuer or Issuer(), uploads=uploads, ask_server=ask_server)
    try:
        yield stand
    finally:
        stand.toolkit.close()
        stand.toolkit.join()
    assert stand.faults == []


def block_id(number: int) -> str:
    """As the client of the storage makes them: base64 of a text of one length."""
    return base64.b64encode(f"{number:048}".encode()).decode()


def block_list(*ids: str) -> bytes:
    """The list that makes a blob of blocks."""
    inner = "".join(f"<Latest>{each}</Latest>" for each in ids)
    return f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?><BlockList>{inner}</BlockList>'.encode()

"""Sends many signed deliveries over a few connections, with next to no cost of its own, and says how long each took."""

import asyncio
import hashlib
import hmac
import json
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

CONNECTIONS = 32


@dataclass(frozen=True)
class Target:
    """Where deliveries go, and the secret that they are signed with."""

    host: str
    port: int
    path: str
    secret: str
    folder: str = ""
    """of the peer, where it is one"""


@dataclass(frozen=True)
class Outcome:
    """What came of one burst. Seconds."""

    total: float
    each: Sequence[float]

    @property
    def rate(self) -> float:
        """Deliveries a second."""
        return len(self.each) / self.total

    @property
    def p99(self) -> float:
        """The answer that one in a hundred waits longer for."""
        return statistics.quantiles(self.each, n=100)[98]


def push_payload(repository: str, sha: str, number: int, *, ref: str = "refs/heads/main") -> bytes:
    """A push of GitHub's shape, 10 KB long."""
    owner, _, name = repository.partition("/")
    user = {"login": owner, "id": 1, "name": owner, "email": f"{owner}@example.org"}
    commit = {
        "id": sha,
        "tree_id": sha,
        "distinct": True,
        "message": f"Change number {number}",
        "timestamp": "2026-01-01T00:00:00Z",
        "url": f"https://github.com/{repository}/commit/{sha}",
        "author": {"name": owner, "email": user["email"], "username": owner},
        "committer": {"name": owner, "email": user["email"], "username": owner},
        "added": [],
        "removed": [],
        "modified": ["file"],
    }
    payload = {
        "ref": ref,
        "before": "0" * 40,
        "after": sha,
        "created": False,
        "deleted": False,
        "forced": False,
        "base_ref": None,
        "compare": f"https://github.com/{repository}/compare/{number}",
        "commits": [commit],
        "head_commit": commit,
        "repository": {
            "id": 1,
            "name": name,
            "full_name": repository,
            "private": False,
            "owner": user,
            "html_url": f"https://github.com/{repository}",
            "clone_url": f"https://github.com/{repository}.git",
            "default_branch": "main",
        },
        "pusher": {"name": owner, "email": user["email"]},
        "sender": {"login": owner, "id": 1, "type": "User"},
    }
    bare = json.dumps(payload)
    payload["padding"] = "x" * max(0, 10_000 - len(bare))
    return json.dumps(payload).encode()


def request_of(target: Target, body: bytes, delivery: str) -> bytes:
    """One whole HTTP request, as GitHub sends it."""
    signature = hmac.new(target.secret.encode(), body, hashlib.sha256).hexdigest()
    legacy = hmac.new(target.secret.encode(), body, hashlib.sha1).hexdigest()
    head = (
        f"POST {target.path} HTTP/1.1\r\nHost: {target.host}:{target.port}\r\nContent-Type: application/json\r\n"
        f"User-Agent: GitHub-Hookshot/bench\r\nX-GitHub-Event: push\r\nX-GitHub-Delivery: {delivery}\r\n"
        f"X-Hub-Signature: sha1={legacy}\r\nX-Hub-Signature-256: sha256={signature}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def send_all(
    target: Target, requests: Sequence[bytes], *, connections: int = CONNECTIONS, rate: float | None = None
) -> Outcome:
    """All requests, `connections` at a time: as fast as they are answered, or `rate` a second, where each is late from the moment at which
    it was due. An answer that is not 2xx ends the benchmark.
    """
    return asyncio.run(_send_all(target, requests, connections, rate))


async def _send_all(target: Target, requests: Sequence[bytes], connections: int, rate: float | None) -> Outcome:
    started = time.perf_counter()
    waiting = ((request, None if rate is None else started + place / rate) for place, request in enumerate(requests))
    each: list[float] = []
    await asyncio.gather(*(_send(target, waiting, each) for _ in range(connections)))
    return Outcome(time.perf_counter() - started, each)


async def _send(target: Target, waiting: Iterator[tuple[bytes, float | None]], each: list[float]) -> None:
    reader, writer = await asyncio.open_connection(target.host, target.port)
    for request, due in waiting:
        started = time.perf_counter()
        if due is not None:
            await asyncio.sleep(max(0.0, due - started))
            started = due
        writer.write(request)
        status = await reader.readline()
        if b" 20" not in status[:13]:
            raise SystemExit(f"{target.path} answered {status!r}: {(await reader.read(500))!r}")
        await _read_rest(reader)
        each.append(time.perf_counter() - started)
    writer.close()


async def _read_rest(reader: asyncio.StreamReader) -> None:
    """Headers and body, of known length or in chunks."""
    length, is_chunked = 0, False
    while (line := await reader.readline()) not in (b"\r\n", b""):
        name, _, value = line.lower().partition(b":")
        if name == b"content-length":
            length = int(value)
        is_chunked |= name == b"transfer-encoding" and value.strip() == b"chunked"
    await reader.readexactly(length)
    while is_chunked:
        size = int(await reader.readline(), 16)
        await reader.readexactly(size + 2)
        is_chunked = size > 0

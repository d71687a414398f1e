"""Callers that hang up, talk nonsense or find what they read gone: an answer where one is possible, and never a fault of Homeport."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.toolkit import Job, Stand, standing


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[Stand]:
    with standing(tmp_path) as stand:  # fails where a fault has come up
        yield stand


@pytest.fixture
def job(stand: Stand) -> Job:
    return stand.open()


def send_raw(stand: Stand, data: bytes, *, read: int = 0) -> bytes:
    """Send, read so much, and hang up."""
    with socket.create_connection(("127.0.0.1", stand.toolkit.port), timeout=60) as connection:
        connection.sendall(data)
        return connection.recv(read) if read else b""


def is_well(job: Job) -> bool:
    return job.call("ArtifactService", "ListArtifacts").status == 200


def test_a_download_that_is_broken_off(stand: Stand, job: Job) -> None:
    job.upload(os.urandom(20_000_000))
    signed = job.call("ArtifactService", "GetSignedArtifactURL", name="dist").json["signed_url"]
    path = "/" + signed.split("/", 3)[3]
    for _ in range(3):
        assert send_raw(stand, f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode(), read=1000).startswith(
            b"HTTP/1.1 200"
        )
    assert is_well(job)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0\xff garbage\r\n\r\n",
        b"GET",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /%ff%00 HTTP/1.1\r\nHost: \r\n\r\n",
        b"GET http://[ HTTP/1.1\r\nHost: [\r\n\r\n",
        b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
        b"POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET /a HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 200_000 + b"\r\n\r\n",
        b"GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /blob/artifact/../../x?sp=r&se=1&sig=1 HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
)
def test_nonsense(stand: Stand, job: Job, data: bytes) -> None:
    answer = send_raw(stand, data, read=100 if data.endswith(b"\r\n\r\n") else 0)
    assert b" 200 " not in answer
    assert is_well(job)


def test_a_message_that_is_cut_off(stand: Stand, job: Job) -> None:
    head = (
        "POST /twirp/github.actions.results.api.v1.ArtifactService/CreateArtifact HTTP/1.1\r\nHost: x\r\n"
        f"Authorization: Bearer {job.runtime_token}\r\nContent-Length: 500\r\n\r\n"
    )
    send_raw(stand, head.encode() + b'{"name":')
    assert is_well(job)


def test_a_clone_that_is_broken_off(stand: Stand, job: Job) -> None:
    head = (
        "POST /octo/app/git-upload-pack HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n"
        f"Authorization: Bearer {job.toolkit.token}\r\nContent-Type: application/x-git-upload-pack-request\r\n\r\n"
    )
    os.makedirs(os.path.join(os.path.dirname(stand.home), ".git"), exist_ok=True)
    send_raw(stand, head.encode() + b"0011command=fetch")
    assert is_well(job)

"""What the jobs of a server ask of the REST interface goes to that server, with a token that the jobs do not see."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from homeport.toolkit.parts import Forwarded, ForwardedAnswer
from tests.support.toolkit import Job, Reply, Stand, standing


class Server:
    """Remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Forwarded] = []
        self.is_away = False

    def __call__(self, asked: Forwarded) -> ForwardedAnswer:
        if self.is_away:
            raise OSError("connection refused")
        self.asked.append(asked)
        headers = {"content-type": "application/json", "link": "<x>", "set-cookie": "a=b", "x-ratelimit-limit": "9"}
        return ForwardedAnswer(status=201, headers=headers, body=b'{"id": 1}')


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def stand(server: Server, tmp_path: Path) -> Iterator[Stand]:
    with standing(tmp_path, ask_server=server) as stand:
        yield stand


def ask(job: Job, verb: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None) -> Reply:
    """With the stand-in for `GITHUB_TOKEN`."""
    return job.send(verb, path, body, headers, job.toolkit.token)


def test_a_request_arrives_as_it_was_sent_but_for_who_asks(stand: Stand, server: Server) -> None:
    job = stand.open(server_token="hpj_secret")
    headers = {"accept": "application/json", "cookie": "homeport=x", "x-forwarded-for": "10.0.0.1"}
    reply = ask(job, "POST", "/api/v3/repos/octo/app/check-runs/a%2Fb?per_page=1&x=%20", b'{"a": 1}', headers)
    (asked,) = server.asked
    assert (asked.method, asked.path) == ("POST", "/repos/octo/app/check-runs/a%2Fb?per_page=1&x=%20")
    assert (asked.token, asked.body, dict(asked.headers)) == ("hpj_secret", b'{"a": 1}', {"accept": "application/json"})
    assert (reply.status, reply.json) == (201, {"id": 1})
    assert (reply.headers["link"], reply.headers["x-ratelimit-limit"]) == ("<x>", "9")
    assert "set-cookie" not in reply.headers
    assert "hpj_secret" not in job.toolkit.secrets


def test_whoever_is_no_job_asks_nothing(stand: Stand, server: Server) -> None:
    job = stand.open(server_token="hpj_secret")
    for token in ("", "hpj_secret", "homeport_wrong"):
        headers = {"authorization": f"Bearer {token}"}
        assert stand.send("GET", "/api/v3/repos/octo/app", headers=headers).status == 401
    job.toolkit.close()
    assert ask(job, "GET", "/api/v3/repos/octo/app").status == 401
    assert ask(stand.open(), "GET", "/api/v3/repos/octo/app").status == 401, "no token of the server"
    assert server.asked == []


def test_what_cannot_be_handed_on_is_refused(stand: Stand, server: Server) -> None:
    job = stand.open(server_token="hpj_secret")
    assert ask(job, "POST", "/api/v3/repos/octo/app/check-runs", b"x" * (5 << 20)).status == 413
    assert ask(job, "POST", "/api/graphql", b"{}").status == 501
    server.is_away = True
    assert "connection refused" in ask(job, "GET", "/api/v3/repos/octo/app").json["message"]

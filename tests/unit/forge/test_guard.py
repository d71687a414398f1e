"""Forges are outside, whatever their names stand for when they are asked."""

import os
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from homeport.forge.guard import ForgeGuard
from homeport.forge.rest import ForgeClient
from homeport.ports.forge import ForgeDeniedError
from tests.support.plans import FixedClock

OUTSIDE = "93.184.216.34"
INSIDE = "127.0.0.1"


class Neighbour(ThreadingHTTPServer):
    """A server on this machine that answers everybody."""

    def __init__(self) -> None:
        self.heard: list[str] = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(handler) -> None:  # noqa: N805 - `self` is the server
                self.heard.append(handler.path)
                handler.send_response(200)
                handler.send_header("content-length", "2")
                handler.end_headers()
                handler.wfile.write(b"{}")

            def log_message(handler, *_: object) -> None:  # noqa: N805
                pass

        super().__init__((INSIDE, 0), Handler)


@pytest.fixture
def neighbour(monkeypatch: pytest.MonkeyPatch) -> Iterator[Neighbour]:
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    with Neighbour() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def answer(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    """What a name server says of `forge.invalid`, one time after the other; the last one from then on."""
    left = list(addresses)

    def look_up(host: str | bytes, port: int | None, *_: Any, **__: Any) -> list[Any]:
        text = host.decode() if isinstance(host, bytes) else host
        address = text if text == INSIDE else (left.pop(0) if len(left) > 1 else left[0])
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port or 0))]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)


def ask(client: ForgeClient) -> None:
    client.send("GET", "user", authorization="Bearer secret", answer_type=dict)


@pytest.mark.parametrize("before", [0, 1], ids=["before it connects", "while it connects"])
def test_a_name_that_turns_inside_is_not_asked(
    neighbour: Neighbour, monkeypatch: pytest.MonkeyPatch, before: int
) -> None:
    address = f"http://forge.invalid:{neighbour.server_port}"
    guard = ForgeGuard()
    answer(monkeypatch, OUTSIDE, *[OUTSIDE] * before, INSIDE)
    guard.check(address)
    client = ForgeClient(address, FixedClock(), guard)
    with pytest.raises(ForgeDeniedError, match=r"forge\.invalid is inside"):
        ask(client)
    client.close()
    assert neighbour.heard == []


def test_what_was_named_may_be_inside(neighbour: Neighbour, monkeypatch: pytest.MonkeyPatch) -> None:
    answer(monkeypatch, INSIDE)
    client = ForgeClient(f"http://forge.invalid:{neighbour.server_port}", FixedClock(), ForgeGuard(["Forge.invalid"]))
    ask(client)
    client.close()
    assert neighbour.heard == ["/user"]


def test_a_proxy_of_the_servers_environment_may_be_inside(
    neighbour: Neighbour, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", f"http://{INSIDE}:{neighbour.server_port}")
    answer(monkeypatch, OUTSIDE)
    client = ForgeClient("http://forge.invalid", FixedClock(), ForgeGuard())
    ask(client)
    client.close()
    assert neighbour.heard == ["http://forge.invalid/user"]

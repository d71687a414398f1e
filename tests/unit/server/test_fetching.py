"""Forges are asked at the address that was looked at, and lead nowhere else."""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from homeport.ports.directory import HostedRepository
from homeport.server.fetching import Fetcher, FetchError
from homeport.store.data_folder import DataFolder


class Forge(ThreadingHTTPServer):
    """Answers everything with 404, or a redirect."""

    def __init__(self, redirect: str = "") -> None:
        self.asked: list[str] = []
        forge = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                forge.asked.append(self.path)
                self.send_response(302 if redirect else 404)
                if redirect:
                    self.send_header("location", redirect + self.path)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Nobody reads it."""

        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def port(self) -> int:
        return self.server_address[1]


@contextmanager
def serving(forge: Forge) -> Iterator[Forge]:
    thread = threading.Thread(target=forge.serve_forever)
    thread.start()
    try:
        yield forge
    finally:
        forge.shutdown()
        thread.join()
        forge.server_close()


def repository_at(url: str) -> HostedRepository:
    return HostedRepository(id=1, owner="acme", name="shop", origin="github", clone_url=f"{url}/acme/shop.git")


def fetcher(folder: Path, host: str) -> Fetcher:
    environment = {"PATH": os.environ["PATH"]}
    return Fetcher(DataFolder(str(folder)), environment, internal_hosts=[host], find_credential=lambda _: None)


def test_a_redirect_is_not_followed(tmp_path: Path) -> None:
    with serving(Forge()) as inside, serving(Forge(f"http://127.0.0.1:{inside.port}")) as forge:
        with pytest.raises(FetchError):
            fetcher(tmp_path, "127.0.0.1").list_refs(repository_at(f"http://127.0.0.1:{forge.port}"))
        assert forge.asked
        assert inside.asked == []


def test_the_address_that_was_looked_at_is_asked_whatever_the_name_stands_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name's answer is made up, for only a name server could give another one the second time: git could not find this name at all."""

    def look_up(host: str, port: int, **_: Any) -> list[Any]:
        assert host == "forge.invalid"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    with serving(Forge()) as forge:
        monkeypatch.setattr(socket, "getaddrinfo", look_up)
        with pytest.raises(FetchError):
            fetcher(tmp_path, "forge.invalid").list_refs(repository_at(f"http://forge.invalid:{forge.port}"))
        assert forge.asked


@pytest.mark.parametrize(
    "url", ["file:///etc", "ssh://host/x", "ext::sh -c x", "http://user:secret@host/x", "-x", "https:///x"]
)
def test_what_is_no_address_of_a_forge_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(FetchError, match="cannot be fetched from") as raised:
        fetcher(tmp_path, "host").list_refs(repository_at(url))
    assert not raised.value.may_pass

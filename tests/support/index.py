"""A package index on loopback: pypiserver in a process of its own, and before it a door that asks for passwords and trades tokens.

The door has the two addresses by which indexes exchange identity tokens for their own; all else is pypiserver's.
"""

import base64
import http.client
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from time import monotonic, sleep
from typing import Any

_PATIENCE_SECONDS = 60


class Index:
    """The index. `packages` is where uploads end up."""

    def __init__(self, packages: Path, address: str, inner_port: int) -> None:
        self.packages = packages
        self.address = address
        self.inner_port = inner_port
        self.users: dict[str, str] = {"ada": "secret"}
        self.audience = "loopback-index"
        self.audience_status = 200
        self.minted = "pypi-minted"
        self.accepts: Callable[[str], bool] = lambda token: False
        """whether an identity token is trusted"""
        self.seen: list[tuple[str, str]] = []
        """user and password of every upload"""

    @property
    def uploaded(self) -> list[str]:
        """The files that were taken."""
        return sorted(path.name for path in self.packages.iterdir())

    def is_user(self, authorization: str) -> bool:
        """Who may upload."""
        name, _, password = base64.b64decode(authorization.partition(" ")[2]).decode().partition(":")
        self.seen.append((name, password))
        return self.users.get(name) == password or (name, password) == ("__token__", self.minted)

    def mint(self, token: str) -> tuple[int, dict[str, Any]]:
        """A token of the index for an identity token."""
        if self.accepts(token):
            return 200, {"success": True, "token": self.minted}
        return 422, {
            "errors": [{"code": "invalid-publisher", "description": "valid token, but no corresponding publisher"}]
        }


@contextmanager
def package_index(packages: Path) -> Iterator[Index]:
    """An index for the time of the block."""
    packages.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-W", "ignore", "-m", "pypiserver", "run", "-i", "127.0.0.1", "-p", str(port)]
    command += ["-P", ".", "-a", ".", "--disable-fallback", "--log-file", os.devnull, str(packages)]
    inner = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    door = ThreadingHTTPServer(("127.0.0.1", 0), _Door)
    index = Index(packages, f"http://127.0.0.1:{door.server_address[1]}/", port)
    door.index = index  # type: ignore[attr-defined]
    thread = threading.Thread(target=door.serve_forever, name="index")
    thread.start()
    try:
        _await(inner, port)
        yield index
    finally:
        door.shutdown()
        thread.join()
        door.server_close()
        inner.terminate()
        inner.wait()


def _await(process: "subprocess.Popen[bytes]", port: int) -> None:
    ends_at = monotonic() + _PATIENCE_SECONDS
    while process.poll() is None and monotonic() < ends_at:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            sleep(0.05)
        else:
            return
    raise AssertionError("pypiserver does not answer")


class _Door(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def log_message(self, *_: Any) -> None:
        """Nobody reads it."""

    def _answer(self) -> None:
        index: Index = self.server.index  # type: ignore[attr-defined]
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        if self.path == "/_/oidc/audience":
            self._send(index.audience_status, json.dumps({"audience": index.audience}).encode())
        elif self.path == "/_/oidc/mint-token":
            status, answer = index.mint(json.loads(body)["token"])
            self._send(status, json.dumps(answer).encode())
        elif self.command == "POST" and not index.is_user(self.headers.get("Authorization", "")):
            self._send(403, b"Forbidden")
        else:
            self._forward(index, body)

    def _forward(self, index: Index, body: bytes) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", index.inner_port)
        connection.request(self.command, self.path, body, {"Content-Type": self.headers.get("Content-Type", "")})
        response = connection.getresponse()
        self._send(response.status, response.read())
        connection.close()

    def _send(self, status: int, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

"""Git repositories over HTTP on loopback: git's own `http-backend` behind a few lines, with a token where a test wants one, and an LFS store."""

import base64
import json
import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


class GitServer:
    """Serves the repositories below a folder as `/{owner}/{name}`, bare ones and working trees. Keeps what it was asked."""

    def __init__(self, root: Path, address: str) -> None:
        self.root = root
        self.address = address
        self.token = ""
        """what must be given as the password of `x-access-token`; empty: everybody may read"""
        self.requests: list[tuple[str, str]] = []
        """path and `Authorization` of every request"""
        self.large: dict[str, bytes] = {}
        """Git LFS objects by id"""

    def folder(self, path: str) -> Path:
        """The git folder behind the first two parts of a path."""
        owner, name = path.strip("/").split("/")[:2]
        place = self.root / owner / name.removesuffix(".git")
        for candidate in (place / ".git", place, place.with_name(place.name + ".git")):
            if (candidate / "HEAD").exists():
                return candidate
        return place / "nothing"

    def may(self, authorization: str) -> bool:
        """Whether a request comes with the token."""
        expected = base64.b64encode(f"x-access-token:{self.token}".encode()).decode()
        return not self.token or authorization.lower() == f"basic {expected}".lower()


@contextmanager
def git_server(root: Path) -> Iterator[GitServer]:
    """A server for the time of the block."""
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server = GitServer(root, f"http://127.0.0.1:{httpd.server_address[1]}")
    httpd.git = server  # type: ignore[attr-defined]
    thread = threading.Thread(target=httpd.serve_forever, name="git-http")
    thread.start()
    try:
        yield server
    finally:
        httpd.shutdown()
        thread.join()
        httpd.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def log_message(self, *_: Any) -> None:
        """Nobody reads it."""

    def _answer(self) -> None:
        server: GitServer = self.server.git  # type: ignore[attr-defined]
        authorization = self.headers.get("Authorization", "")
        server.requests.append((self.path, authorization))
        body = self._read_body()
        if not server.may(authorization) and not self.path.startswith("/lfs/"):
            self._send(401, b"", {"WWW-Authenticate": "Basic"})
        elif "/info/lfs/objects/batch" in self.path:
            self._send(
                200, self._list_large(server, json.loads(body)), {"Content-Type": "application/vnd.git-lfs+json"}
            )
        elif self.path.startswith("/lfs/"):
            self._send(200, server.large[self.path.removeprefix("/lfs/")], {})
        else:
            self._run_backend(server, body)

    def _list_large(self, server: GitServer, asked: Any) -> bytes:
        objects = [
            {**item, "actions": {"download": {"href": f"{server.address}/lfs/{item['oid']}"}}}
            if item["oid"] in server.large
            else {**item, "error": {"code": 404, "message": "Object does not exist"}}
            for item in asked["objects"]
        ]
        return json.dumps({"transfer": "basic", "objects": objects}).encode()

    def _run_backend(self, server: GitServer, body: bytes) -> None:
        path, _, query = self.path.partition("?")
        folder = server.folder(path)
        if not folder.exists():
            self._send(404, b"Not Found", {})
            return
        rest = "/" + "/".join(path.strip("/").split("/")[2:])
        environment = {
            **os.environ,
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_COUNT": "2",
            "GIT_CONFIG_KEY_0": "safe.directory",
            "GIT_CONFIG_VALUE_0": "*",
            "GIT_CONFIG_KEY_1": "uploadpack.allowFilter",
            "GIT_CONFIG_VALUE_1": "true",
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_PROJECT_ROOT": str(folder),
            "PATH_INFO": rest,
            "QUERY_STRING": query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "REMOTE_ADDR": "127.0.0.1",
        }
        done = subprocess.run(["git", "http-backend"], input=body, env=environment, capture_output=True, check=False)
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if ": " in line)
        status = int(headers.pop("Status", "200 OK").split()[0])
        self._send(status, content, headers)

    def _read_body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", "0")))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _send(self, status: int, content: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

"""Carries a runner's messages to the server of its own machine, over a socket that only their user can open."""

import http.client
import socket
import threading
from collections import deque

from homeport.runner.http_peer import AwayError, RefusedError

_REFUSED = frozenset({401, 403, 410})
_MOST_IDLE = 32


class UnixChannel:
    """A `Channel`. Connections are used again, by whichever thread comes next."""

    def __init__(self, path: str, token: str) -> None:
        self._path = path
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/msgpack"}
        self._lock = threading.Lock()
        self._idle: deque[_Connection] = deque()

    def post(self, path: str, body: bytes, *, timeout_seconds: float) -> bytes:
        """One request. A connection that the server closed while it was idle is made again: every message is safe to repeat."""
        with self._lock:
            former = self._idle.pop() if self._idle else None
        if former is not None:
            try:
                return self._ask(former, path, body, timeout_seconds)
            except (OSError, http.client.HTTPException):
                former.close()
        connection = _Connection(self._path)
        try:
            return self._ask(connection, path, body, timeout_seconds)
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise AwayError(str(error)) from error

    def close(self) -> None:
        """Close what is open."""
        with self._lock:
            while self._idle:
                self._idle.pop().close()

    def _ask(self, connection: "_Connection", path: str, body: bytes, timeout_seconds: float) -> bytes:
        connection.limit(timeout_seconds)
        connection.request("POST", f"/runner/v1/{path}", body, self._headers)
        answer = connection.getresponse()
        content = answer.read()
        self._give_back(connection)
        if answer.status in _REFUSED:
            raise RefusedError(content.decode("utf-8", "replace"))
        if not 200 <= answer.status < 300:
            raise AwayError(f"the server answered {answer.status}: {content[:200].decode('utf-8', 'replace')}")
        return content

    def _give_back(self, connection: "_Connection") -> None:
        with self._lock:
            if len(self._idle) < _MOST_IDLE:
                self._idle.append(connection)
                return
        connection.close()


class _Connection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("homeport")
        self._path = path

    def connect(self) -> None:
        """Closes what it made where nobody listens."""
        made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            made.settimeout(self.timeout)
            made.connect(self._path)
        except BaseException:
            made.close()
            raise
        self.sock = made

    def limit(self, seconds: float) -> None:
        """How long each part of the next request may take."""
        self.timeout = seconds
        if self.sock is not None:
            self.sock.settimeout(seconds)

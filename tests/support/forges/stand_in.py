"""An HTTP server that stands in for a forge: it checks every request against the forge's description, and keeps what it was told."""

import json
import threading
from collections import deque
from collections.abc import Mapping
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec

from tests.support.forges.schema import Operation


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """A request that was taken."""

    method: str
    path: str
    body: Any = None


class Answer(msgspec.Struct, frozen=True):
    """What is answered."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = {}


class StandIn:
    """The part that all forges share. `prefix` is where the interface is (`/api/v3`)."""

    prefix = ""
    has_tags = False
    """whether answers have names by which they can be asked for again (`ETag`)"""
    operations: tuple[Operation, ...] = ()

    def __init__(self) -> None:
        self.heard: list[Heard] = []
        self.faults: list[str] = []
        """what was asked against the forge's description, or its stated rules: must be empty at the end of a test"""
        self.troubles: deque[Answer] = deque()
        """what is answered to the next requests instead, one each"""
        self.is_down = False
        self.loses_answers = 0
        """so many of the next requests are carried out, and their answers lost"""
        self.unchanged = 0
        """how often was answered that something is as it was"""
        self.gate = threading.Event()
        """cleared: requests wait, as for a slow forge"""
        self.gate.set()
        self._changed = threading.Condition()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_for(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    @property
    def url(self) -> str:
        """The address that people would open."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Any:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.gate.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def wait_for(self, condition: Any, seconds: float = 60.0) -> Any:
        """What a condition gives when it is no longer empty; it is tried whenever something was heard."""
        with self._changed:
            found = self._changed.wait_for(condition, seconds)
        assert found, f"it did not come about; heard: {self.heard}; faults: {self.faults}"
        return found

    # --- what a forge of a kind adds -------------------------------------------------------------------------------------

    def find_header_faults(self, method: str, path: str, headers: Mapping[str, str]) -> list[str]:
        """What the forge asks of headers."""
        raise NotImplementedError

    def authorize(self, path: str, headers: Mapping[str, str]) -> Answer | None:
        """The refusal, where somebody may not."""
        raise NotImplementedError

    def carry_out(self, operation: Operation, names: Mapping[str, str], query: Mapping[str, str], body: Any) -> Answer:
        """Do what was asked."""
        raise NotImplementedError

    # --- one request -------------------------------------------------------------------------------------------------------

    def answer(self, method: str, target: str, headers: Mapping[str, str], data: bytes) -> Answer | None:
        """None: nothing is answered, the connection breaks."""
        self.gate.wait(60)
        with self._changed:
            if self.is_down:
                return None
            answer = self._answer(method, target, headers, data)
            self._changed.notify_all()
            if self.loses_answers:
                self.loses_answers -= 1
                return None
            return answer

    def _answer(self, method: str, target: str, headers: Mapping[str, str], data: bytes) -> Answer:
        parts = urlsplit(target)
        if not parts.path.startswith(self.prefix + "/"):
            return self._refuse(404, f"{method} {parts.path} is outside of {self.prefix}")
        path = unquote(parts.path.removeprefix(self.prefix))
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        header_faults = self.find_header_faults(method, path, headers)
        if header_faults:
            return self._refuse(400, *header_faults)
        if data and headers.get("content-type") != "application/json":
            return self._refuse(415, f"{headers.get('content-type')} is not application/json")
        for operation in self.operations:
            names = operation.match(parts.path.removeprefix(self.prefix))
            if names is None or operation.method != method:
                continue
            body = json.loads(data) if data else None
            faults = operation.find_faults(query, body)
            if faults:
                return self._refuse(422, *faults)
            if self.troubles:
                return self.troubles.popleft()
            refusal = self.authorize(path, headers)
            if refusal is not None:
                return refusal
            self.heard.append(Heard(method=method, path=path, body=body))
            named = {key: unquote(value) for key, value in names.items()}
            return self._compare(headers, self.carry_out(operation, named, query, body))
        return self._refuse(404, f"there is no {method} {path}")

    def _compare(self, headers: Mapping[str, str], answer: Answer) -> Answer:
        """Source: RFC 9110, "If-None-Match"; GitHub docs, "Best practices for using the REST API: Use conditional requests"."""
        if not self.has_tags or answer.status != 200:
            return answer
        tag = f'W/"{sha256(json.dumps(answer.body).encode()).hexdigest()}"'
        if headers.get("if-none-match") == tag:
            self.unchanged += 1
            return Answer(304, None, {"etag": tag})
        return Answer(200, answer.body, {**answer.headers, "etag": tag})

    def show_page(self, found: list[Any], query: Mapping[str, str], size: int) -> Answer:
        """A part of a list. Source: GitHub docs, "Using pagination in the REST API"; Gitea docs, "API usage: Pagination"."""
        number = int(query.get("page", "1"))
        shown = found[(number - 1) * size : number * size]
        has_more = len(found) > number * size
        return Answer(200, shown, {"link": f'<{self.url}/?page={number + 1}>; rel="next"'} if has_more else {})

    def _refuse(self, status: int, *faults: str) -> Answer:
        self.faults += faults
        return Answer(status, {"message": "; ".join(faults)})


def _handler_for(stand_in: StandIn) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _handle(self) -> None:
            size = int(self.headers.get("content-length") or 0)
            data = self.rfile.read(size)
            if len(data) < size:  # whoever asked died before it had said everything
                self.close_connection = True
                return
            headers = {name.lower(): value for name, value in self.headers.items()}
            answer = stand_in.answer(self.command, self.path, headers, data)
            if answer is None:
                self.close_connection = True
                return
            body = b"" if answer.body is None else json.dumps(answer.body).encode()
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            if answer.status != 304:
                self.send_header("content-type", "application/json; charset=utf-8")
                self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _handle  # noqa: N815 - the library's names

        def log_message(self, *_: object) -> None:
            """Tests look at `heard`."""

    return Handler

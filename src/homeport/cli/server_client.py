"""Calls a server's HTTP interface for commands: where it is, who asks, and its refusals as the command line's own."""

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote, urlsplit

import msgspec

from homeport.cli.console import Console
from homeport.cli.errors import CommandError, UsageError
from homeport.cli.options import Option, Options

if TYPE_CHECKING:
    import httpx

Answer = TypeVar("Answer")

SERVER = Option(
    name="--server", value="URL", help="the server (default: HOMEPORT_SERVER); HOMEPORT_TOKEN holds your token"
)
_TIMEOUT_SECONDS = 30.0


class ServerAwayError(CommandError):
    """Nobody answers, or only a proxy: it may be starting again."""


class _NotThereError(CommandError):
    """404."""


class _Refusal(msgspec.Struct, frozen=True):
    """What a refusal's body says, in either of the two shapes."""

    detail: str = ""
    message: str = ""


class ServerClient:
    """One command's calls. Every trouble is a `CommandError`; the token is in no message."""

    def __init__(self, url: str, token: str) -> None:
        self.url = url
        self._client = _make_client(url, token)

    def get(self, path: str, kind: type[Answer], query: Mapping[str, str] | None = None) -> Answer:
        """What is there."""
        return self._read(self._call("GET", path, query=query), kind)

    def find(self, path: str, kind: type[Answer], query: Mapping[str, str] | None = None) -> Answer | None:
        """The same; None where it is not there, or not to be seen."""
        try:
            return self.get(path, kind, query)
        except _NotThereError:
            return None

    def download(self, path: str, target: str) -> None:
        """Into a new file."""
        import httpx  # noqa: PLC0415 - found to be here by `_make_client`

        try:
            with self._client.stream("GET", path) as response:
                if not response.is_success:
                    response.read()
                    raise _refusal(response, self.url)
                with Path(target).open("xb") as file:
                    file.writelines(response.iter_bytes())
        except httpx.HTTPError as error:
            raise CommandError(f"{self.url} cannot be read from: {error}") from error

    def send(self, method: str, path: str, body: object, kind: type[Answer]) -> Answer:
        """Send something, and read the answer."""
        return self._read(self._call(method, path, body), kind)

    def do(self, method: str, path: str, body: object = None) -> None:
        """The same where the answer says nothing."""
        self._call(method, path, body)

    def _call(
        self, method: str, path: str, body: object = None, query: Mapping[str, str] | None = None
    ) -> "httpx.Response":
        import httpx  # noqa: PLC0415 - found to be here by `_make_client`

        try:
            response = self._client.request(
                method,
                path,
                params=query,
                content=None if body is None else msgspec.json.encode(body),
                headers={} if body is None else {"content-type": "application/json"},
            )
        except httpx.HTTPError as error:
            raise ServerAwayError(
                f"{self.url} cannot be asked: {error}", "is the server running, and is the address right?"
            ) from error
        if not response.is_success:
            raise _refusal(response, self.url)
        return response

    def _read(self, response: "httpx.Response", kind: type[Answer]) -> Answer:
        try:
            return msgspec.json.decode(response.content, type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise CommandError(f"{self.url} does not answer as a Homeport server does: {error}") from error


def open_client(options: Options, console: Console) -> ServerClient:
    """The server that `--server` or HOMEPORT_SERVER names. Raises `UsageError`."""
    url = options.find("--server") or console.environment.get("HOMEPORT_SERVER", "")
    if not url:
        raise UsageError("which server?", "--server https://ci.example.com, or HOMEPORT_SERVER in the environment")
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
        raise UsageError(
            f"--server is {url.rpartition('@')[2]!r}, expected an address", "--server https://ci.example.com"
        )
    token = console.environment.get("HOMEPORT_TOKEN", "")
    if not token:
        raise UsageError(
            "your token is missing", f"make one at {url.rstrip('/')}/settings/tokens, and put it into HOMEPORT_TOKEN"
        )
    return ServerClient(url.rstrip("/"), token)


def segment(text: str) -> str:
    """A part of a path."""
    return quote(text, safe="")


def repository_path(full_name: str) -> str:
    """`owner/name` as a part of a path. Raises `UsageError`."""
    owner, _, name = full_name.partition("/")
    if not owner or not name or "/" in name:
        raise UsageError(f"{full_name!r} is no repository: owner/name was expected")
    return f"{segment(owner)}/{segment(name)}"


def print_json(console: Console, value: object) -> None:
    """One line."""
    console.write(msgspec.json.encode(value) + b"\n")


def print_table(console: Console, rows: list[tuple[str, ...]]) -> None:
    """Columns as wide as they need to be."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))] if rows else []
    for row in rows:
        console.print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _make_client(url: str, token: str) -> "httpx.Client":
    try:
        import httpx  # noqa: PLC0415 - few commands call a server
    except ImportError as error:
        raise CommandError("calling a server needs the package httpx", "pip install 'homeport[runner]'") from error
    return httpx.Client(
        base_url=url,
        headers={"authorization": f"Bearer {token}", "accept": "application/json"},
        timeout=_TIMEOUT_SECONDS,
    )


def _refusal(response: "httpx.Response", url: str) -> CommandError:
    said = _Refusal()
    with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError):
        said = msgspec.json.decode(response.content, type=_Refusal)
    words: Any = said.detail or said.message or response.reason_phrase
    hints = {
        401: "HOMEPORT_TOKEN is not good, or its time is over",
        403: "it takes another role, or a token with a wider scope",
        404: "it is not there, or you may not see it",
        429: f"again in {response.headers.get('retry-after', 'some')} seconds",
    }
    kinds: dict[int, type[CommandError]] = {404: _NotThereError, **dict.fromkeys((502, 503, 504), ServerAwayError)}
    kind = kinds.get(response.status_code, CommandError)
    return kind(f"{url}: {words}", hints.get(response.status_code))

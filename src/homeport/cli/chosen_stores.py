"""Whose runs a command is about: those of this machine, or a server's (`--server`, HOMEPORT_SERVER)."""

from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec

from homeport.cli.console import Console
from homeport.cli.errors import UsageError
from homeport.cli.options import Option, Options
from homeport.cli.references import find_source
from homeport.cli.server_client import SERVER, ServerClient, open_client
from homeport.cli.stores import open_stores
from homeport.cli.workspace import find_workspace
from homeport.ports.logs import LogStore
from homeport.ports.repositories import RunRepository

if TYPE_CHECKING:
    from homeport.cli.server_stores import ServerArtifacts

SERVER_OPTIONS: Sequence[Option] = (
    SERVER,
    Option(
        name="--repo",
        value="OWNER/NAME",
        help="with --server: of this repository (default: that of the remote on it, else of origin)",
    ),
)


class ChosenStores(msgspec.Struct, frozen=True, kw_only=True):
    """What commands read. `client` is None for local runs."""

    runs: RunRepository
    logs: LogStore
    client: ServerClient | None = None

    def open_artifacts(self) -> "ServerArtifacts":
        """The server's."""
        from homeport.cli.server_stores import ServerArtifacts  # noqa: PLC0415 - only where a server is asked

        assert self.client is not None
        return ServerArtifacts(self.client)


def is_server(options: Options, console: Console) -> bool:
    """Whether a server is meant."""
    return bool(options.find("--server") or console.environment.get("HOMEPORT_SERVER"))


def open_chosen(options: Options, console: Console) -> ChosenStores:
    """Nothing is asked yet. Raises `UsageError`."""
    if not is_server(options, console):
        stores = open_stores(console.environment)
        return ChosenStores(runs=stores.runs, logs=stores.logs)
    from homeport.cli.server_stores import ServerLogs, ServerRuns  # noqa: PLC0415 - only where a server is asked

    client = open_client(options, console)
    return ChosenStores(runs=ServerRuns(client), logs=ServerLogs(client), client=client)


def find_chosen_source(options: Options, console: Console) -> str:
    """What the runs of this place are remembered by: its folder, or on a server the repository's name. Raises `UsageError`."""
    if not is_server(options, console):
        return find_source(console.folder, console.environment)
    named = options.find("--repo")
    if named is not None:
        return named
    git = find_workspace(console.folder, console.environment).git
    remotes = git.list_remotes() if git is not None else {}
    host = urlsplit(options.find("--server") or console.environment["HOMEPORT_SERVER"]).netloc.lower()
    there = [url for url in remotes.values() if urlsplit(url).netloc.rpartition("@")[2].lower() == host]
    if len(set(there)) > 1 and remotes.get("origin") not in there:
        raise UsageError("which repository of the server? several remotes are there", "--repo owner/name")
    origin = remotes.get("origin", "")
    url = origin if origin in there or not there else there[0]
    parts = [part for part in url.removesuffix("/").removesuffix(".git").replace(":", "/").split("/") if part]
    if len(parts) < 3:  # a host, or a folder, is before the two
        raise UsageError("which repository of the server?", "--repo owner/name")
    return "/".join(parts[-2:])

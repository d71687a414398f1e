"""Whose runs a command is about: those of this machine, or a server's (`--server`, HOMEPORT_SERVER)."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

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
        name="--repo", value="OWNER/NAME", help="with --server: of this repository (default: that of the remote origin)"
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
    url = git.find_remote() if git is not None else None
    parts = [part for part in (url or "").removesuffix("/").removesuffix(".git").replace(":", "/").split("/") if part]
    if len(parts) < 3:  # a host, or a folder, is before the two
        raise UsageError("which repository of the server?", "--repo owner/name")
    return "/".join(parts[-2:])

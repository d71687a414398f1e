"""A server's data folder, opened from outside, whether or not the server runs: for what cannot wait for somebody who may sign in."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from homeport.cli.clock import SystemClock
from homeport.cli.console import Console
from homeport.cli.errors import CommandError
from homeport.cli.home import find_home
from homeport.cli.options import Options
from homeport.cli.server_access import open_access, open_vault
from homeport.ports.repositories import StoreError
from homeport.server.access import Access
from homeport.store.data_folder import DataFolder
from homeport.store.tables.database import Database
from homeport.store.vault import TableVault

_DEFAULT_URL = "http://127.0.0.1:8080"


class OpenFolder(msgspec.Struct, frozen=True):
    """What is in it."""

    folder: DataFolder
    access: Access
    vault: TableVault

    def list_master_keys(self) -> list[str]:
        """The files of master keys."""
        names = os.listdir(self.folder.keys) if os.path.isdir(self.folder.keys) else []
        return [os.path.join(self.folder.keys, name) for name in sorted(names) if name.startswith("master-")]


@contextmanager
def open_folder(options: Options, console: Console) -> Iterator[OpenFolder]:
    """The folder of `--data`. Raises `CommandError`."""
    given = options.find("--data")
    path = os.path.join(console.folder, given) if given else os.path.join(find_home(console.environment), "server")
    folder = DataFolder(os.path.abspath(path))
    url = options.find("--database") or folder.database_url
    if not options.find("--database") and not os.path.isfile(os.path.join(folder.path, "homeport.db")):
        raise CommandError(f"{folder.path} is no data folder of a server", "--data DIR, as for `homeport serve`")
    try:
        database = Database(url)
        try:
            access = open_access(folder, database, SystemClock(), _find_url(folder), console.environment)
            yield OpenFolder(folder, access, open_vault(folder, database, console.environment))
        finally:
            database.close()
    except StoreError as error:
        raise CommandError(str(error)) from error


def _find_url(folder: DataFolder) -> str:
    """Where the server that has the folder says it is; it writes that into its lock."""
    try:
        with open(folder.lock, encoding="utf-8") as lock:  # noqa: PTH123 - as everywhere in cli
            found = re.search(r"https?://\S+", lock.read())
    except OSError:
        found = None
    return found[0] if found else _DEFAULT_URL

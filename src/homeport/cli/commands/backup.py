"""`homeport backup`: copies all that a server keeps into one file, while the server goes on."""

import os

from homeport import __version__
from homeport.cli.clock import SystemClock
from homeport.cli.console import Console
from homeport.cli.errors import OK, CommandError
from homeport.cli.home import find_home
from homeport.cli.options import Command, Option, Options
from homeport.ports.repositories import StoreError
from homeport.store.backup import back_up
from homeport.store.data_folder import DataFolder

DATA = Option(name="--data", value="DIR", help="the server's folder (default: server in HOMEPORT_HOME)")
COMMAND = Command(
    name="backup",
    summary="copy all that a server keeps into one file, while it runs",
    arguments="FILE",
    fewest=1,
    most=1,
    options=(
        DATA,
        Option(name="--without-keys", help="leave out what secrets are encrypted with: keep that elsewhere"),
        Option(
            name="--without-database", help="leave it out: it is not in the folder (--database), and was copied before"
        ),
        Option(name="--with-caches", help="take caches along too; jobs would make them again"),
    ),
    details=(
        "FILE is a tar file that only its owner can read. With the keys in it, whoever has it can read all secrets.\n"
        "`homeport restore` puts it back. Of a server on PostgreSQL, first copy the database with pg_dump, then the rest\n"
        "--without-database."
    ),
)


def find_data(options: Options, console: Console) -> DataFolder:
    """The folder that is meant."""
    data = options.find("--data")
    home = os.path.join(find_home(console.environment), "server")
    return DataFolder(os.path.abspath(os.path.join(console.folder, data)) if data else home)


def main(options: Options, console: Console) -> int:
    """Copy."""
    target = os.path.join(console.folder, options.arguments[0])
    try:
        manifest = back_up(
            find_data(options, console),
            target,
            version=__version__,
            at=SystemClock().now(),
            keys=not options.flag("--without-keys"),
            caches=options.flag("--with-caches"),
            database=not options.flag("--without-database"),
        )
    except StoreError as error:
        raise CommandError(str(error)) from error
    keys = "with the keys of its secrets: keep it as safe as these" if manifest.has_keys else "without keys"
    console.say(f"{target}: {os.path.getsize(target):,} bytes, {keys}")
    return OK

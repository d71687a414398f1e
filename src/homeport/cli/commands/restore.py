"""`homeport restore`: puts back what `homeport backup` wrote."""

import os

from homeport.cli.commands.backup import DATA, find_data
from homeport.cli.console import Console
from homeport.cli.errors import OK, CommandError
from homeport.cli.options import Command, Options
from homeport.ports.repositories import StoreError
from homeport.store.backup import restore

COMMAND = Command(
    name="restore",
    summary="put back what `homeport backup` wrote",
    arguments="FILE",
    fewest=1,
    most=1,
    options=(DATA,),
    details=(
        "The folder must be empty, or not there yet. Jobs that ran when the copy was made have failed: their runner is not here.\n"
        "Their runs can be carried out again."
    ),
)


def main(options: Options, console: Console) -> int:
    """Put back."""
    folder = find_data(options, console)
    try:
        manifest = restore(os.path.join(console.folder, options.arguments[0]), folder)
    except StoreError as error:
        raise CommandError(str(error)) from error
    console.say(f"{folder.path} is as it was on {manifest.made_at:%Y-%m-%d %H:%M:%S} UTC")
    if not manifest.has_database:
        console.say("the copy has no database: put its own copy back, and start the server with --database")
    if not manifest.has_keys:
        console.say("the copy has no keys: put the folder `keys` back before you start the server")
    return OK

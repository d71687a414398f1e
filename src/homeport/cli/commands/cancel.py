"""`homeport cancel`: ends a run that goes on, in whichever process it does."""

import getpass

import msgspec

from homeport.cli.chosen_stores import SERVER_OPTIONS, find_chosen_source, is_server, open_chosen
from homeport.cli.console import Console
from homeport.cli.errors import OK, CommandError
from homeport.cli.options import FORMAT, Command, Option, Options
from homeport.cli.references import OPEN_REFERENCE_HELP, find_record
from homeport.cli.stores import open_stores
from homeport.cli.waiting import wait_for_fact
from homeport.ports.control import CancelRun
from homeport.ports.run_api import ABOVE, CancelWish
from homeport.run.facts import CancelRequested

COMMAND = Command(
    name="cancel",
    summary="end a run; its cleanup steps (`always()`, `cancelled()`) still run",
    arguments="[RUN]",
    most=1,
    options=(
        Option(name="--force", help="end it at once, without its cleanup steps"),
        Option(name="--reason", value="TEXT", help="why; shown with the run"),
        *SERVER_OPTIONS,
        FORMAT,
    ),
    details=OPEN_REFERENCE_HELP,
)


def main(options: Options, console: Console) -> int:
    """Ask for the end, and wait until the run has taken note. Exit 1 where it is not going on."""
    if is_server(options, console):
        return _cancel_there(options, console)
    stores = open_stores(console.environment)
    reference = options.arguments[0] if options.arguments else None
    record = find_record(stores.runs, reference, console, only_open=True)
    force = options.flag("--force")
    request = CancelRun(by=getpass.getuser(), reason=options.get("--reason", "cancelled by hand"), force=force)
    if not stores.controls.send(record.id, request):
        raise CommandError(f"run {record.id} is not going on", f"`homeport show {record.id}` says how it ended")
    # Cancelling what is cancelled already changes nothing, and is no new fact: any earlier one will do.
    fact = wait_for_fact(stores.runs, record, CancelRequested, lambda fact: fact.force >= force)
    if fact is None and stores.runs.is_open(record.id):
        raise CommandError(
            f"run {record.id} does not answer", "the process that carries it out may be stopped or stuck"
        )
    return _tell(options, console, record.id, force=force)


def _cancel_there(options: Options, console: Console) -> int:
    """On a server."""
    stores = open_chosen(options, console)
    assert stores.client is not None
    reference = options.arguments[0] if options.arguments else None
    record = find_record(
        stores.runs, reference, console, only_open=True, find=lambda: find_chosen_source(options, console)
    )
    force = options.flag("--force")
    stores.client.do("POST", f"{ABOVE}/{record.id}/cancel", CancelWish(force=force))
    return _tell(options, console, record.id, force=force)


def _tell(options: Options, console: Console, run: str, *, force: bool) -> int:
    if options.get("--format", "text") == "json":
        console.write(msgspec.json.encode({"run": run, "cancelled": True, "force": force}) + b"\n")
    else:
        console.say(f"run {run} is being cancelled")
    return OK

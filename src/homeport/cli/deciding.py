"""What `homeport approve` and `homeport reject` have in common: runs of a server that wait for a maintainer's word."""

import msgspec

from homeport.cli.console import Console
from homeport.cli.errors import OK
from homeport.cli.options import Options
from homeport.cli.server_client import open_client, print_json, print_table, segment

_ABOVE = "/api/homeport/v1/approvals"


class HeldRow(msgspec.Struct, frozen=True):
    """A run that waits, or about which was decided."""

    run: str
    repository: str
    pull_request: int
    head_sha: str
    author: str
    held_at: str
    decision: str
    decided_by: str


def decide(verb: str, options: Options, console: Console) -> int:
    """Decide about a run; without one, list those that wait. Raises `CommandError`."""
    client = open_client(options, console)
    if options.arguments:
        path = f"{_ABOVE}/{segment(options.arguments[0])}/{verb}"
        rows = client.send("POST", path, None, list[HeldRow])
    else:
        rows = client.get(_ABOVE, list[HeldRow])
    if options.get("--format", "text") == "json":
        print_json(console, rows)
    else:
        print_table(console, [_row(row) for row in rows])
        if not rows:
            console.say("no run waits for approval")
    return OK


def _row(row: HeldRow) -> tuple[str, ...]:
    pull = f"pull request {row.pull_request} by {row.author}"
    return f"run {row.run}", row.repository, pull, row.head_sha[:10], row.decision

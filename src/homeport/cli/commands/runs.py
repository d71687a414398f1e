"""`homeport runs`: past and present runs."""

from datetime import datetime

import msgspec

from homeport.cli.chosen_stores import SERVER_OPTIONS, find_chosen_source, open_chosen
from homeport.cli.console import Console
from homeport.cli.errors import OK
from homeport.cli.options import FORMAT, Command, Option, Options
from homeport.ports.repositories import RunRecord, RunRepository
from homeport.present.words import COLOURS, MARKS, paint, show_duration
from homeport.run.facts import Conclusion, RunQueued

COMMAND = Command(
    name="runs",
    summary="past and present runs, newest first",
    options=(
        Option(name="--all", short="-a", help="of every repository on this machine, not only of this one"),
        Option(name="--limit", short="-n", value="N", help="how many (default: 20)", whole_number=True),
        Option(name="--workflow", value="FILE", help="only those of this workflow file"),
        *SERVER_OPTIONS,
        FORMAT,
    ),
)


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One run, as `--format json` gives it."""

    id: str
    number: int
    attempt: int
    repository: str
    workflow: str
    name: str
    run_name: str
    event: str
    status: str
    conclusion: Conclusion | None
    created_at: datetime
    finished_at: datetime | None


def main(options: Options, console: Console) -> int:
    """List them. Nothing to list is no error."""
    runs = open_chosen(options, console).runs
    records = runs.list(
        source=None if options.flag("--all") else find_chosen_source(options, console),
        workflow=options.find("--workflow"),
        limit=options.number("--limit", 20),
    )
    rows = [_read_row(runs, record) for record in records]
    if options.get("--format", "text") == "json":
        console.write(msgspec.json.encode(rows) + b"\n")
    elif rows:
        _print(rows, console)
    else:
        console.say("no runs yet")
    return OK


def _read_row(runs: RunRepository, record: RunRecord) -> Row:
    ending = runs.ending(record.id, record.attempt)
    first = next(iter(runs.facts(record.id, record.attempt)), None)
    queued = first if isinstance(first, RunQueued) else None
    open_status = "running" if ending is None and runs.is_open(record.id) else "lost"
    return Row(
        id=record.id,
        number=record.number,
        attempt=record.attempt,
        repository=record.repository,
        workflow=record.workflow,
        name=queued.name if queued else record.workflow,
        run_name=queued.run_name if queued else "",
        event=queued.event if queued else "",
        status=open_status if ending is None else "completed",
        conclusion=ending.conclusion if ending else None,
        created_at=record.created_at,
        finished_at=ending.at if ending else None,
    )


def _print(rows: list[Row], console: Console) -> None:
    colour = console.is_terminal and not console.environment.get("NO_COLOR")
    cells = [(row.id, f"{row.name} #{row.number}", row.event, row.run_name) for row in rows]
    widths = [min(max(len(cell[column]) for cell in cells), 40) for column in range(4)]
    for row, cell in zip(rows, cells, strict=True):
        mark = paint(MARKS[row.conclusion], COLOURS[row.conclusion], colour) if row.conclusion else "○"
        seconds = (row.finished_at - row.created_at).total_seconds() if row.finished_at else None
        duration = show_duration(seconds) if seconds is not None else row.status
        when = row.created_at.astimezone().strftime("%Y-%m-%d %H:%M")
        text = "  ".join(f"{value[:width]:{width}}" for value, width in zip(cell, widths, strict=True))
        console.print(f"{mark} {text}  {when}  {duration}")

"""Finds the run that somebody means: `17`, `latest`, `#3`, or nothing at all."""

from collections.abc import Callable, Mapping

from homeport.cli.console import Console
from homeport.cli.errors import UsageError
from homeport.cli.options import Option
from homeport.cli.workspace import find_workspace
from homeport.ports.repositories import RunRecord, RunRepository

MOST_SEARCHED = 1000
ATTEMPT = Option(name="--attempt", value="N", help="an earlier attempt at the run", whole_number=True)
REFERENCE_HELP = (
    "RUN is a run's id (or its beginning, where that is unique), `latest`, or `#N` for the newest run with the number N.\n"
    "Without it, the latest run of this repository is meant."
)
OPEN_REFERENCE_HELP = REFERENCE_HELP.replace("of this repository is meant", "of this repository that goes on is meant")
"""The same for commands that are about what has not ended."""

_NO_ENVIRONMENT: Mapping[str, str] = {}


def find_source(folder: str, environment: Mapping[str, str] = _NO_ENVIRONMENT) -> str:
    """What runs started in a folder are remembered by: the folder of the workspace that it belongs to."""
    return find_workspace(folder, environment).folder


def find_record(
    runs: RunRepository,
    reference: str | None,
    console: Console,
    *,
    attempt: int | None = None,
    only_open: bool = False,
    find: Callable[[], str] | None = None,
) -> RunRecord:
    """The record of the run that is meant; `find` names this place as the store does (`find_source`). Raises `UsageError` where there is none, or several."""
    find = find or (lambda: find_source(console.folder, console.environment))
    if reference in (None, "latest"):
        record = _find_latest(runs, find(), only_open=only_open)
    elif reference.startswith("#"):
        record = _find_number(runs, reference[1:], find())
    else:
        record = _find_id(runs, reference)
    if attempt is None:
        return record
    found = runs.find(record.id, attempt)
    if found is None:
        raise UsageError(f"run {record.id} has no attempt {attempt}", f"its latest is attempt {record.attempt}")
    return found[0]


def _find_latest(runs: RunRepository, source: str, *, only_open: bool) -> RunRecord:
    if only_open:
        for record in runs.list(source=source, limit=MOST_SEARCHED):
            if runs.is_open(record.id):
                return record
        raise UsageError("no run of this repository is going on", "`homeport runs --all` lists those of others too")
    records = runs.list(source=source, limit=1)
    if not records:
        raise UsageError("nothing was run in this repository yet", "`homeport runs --all` lists the runs of others")
    return records[0]


def _find_number(runs: RunRepository, number: str, source: str) -> RunRecord:
    for record in runs.list(source=source, limit=MOST_SEARCHED):
        if str(record.number) == number:
            return record
    raise UsageError(f"no run of this repository has the number #{number}", "`homeport runs` lists them")


def _find_id(runs: RunRepository, reference: str) -> RunRecord:
    found = runs.find(reference)
    if found is not None:
        return found[0]
    records = [record for record in runs.list(limit=MOST_SEARCHED) if record.id.startswith(reference)]
    if len(records) == 1:
        return records[0]
    if records:
        meant = ", ".join(record.id for record in records[:5])
        raise UsageError(f"several runs begin with {reference!r}: {meant}", "write more of the id")
    raise UsageError(f"there is no run {reference!r}", "`homeport runs` lists the runs")

"""`homeport logs`: what the steps of a run printed, also while it goes on."""

import time
from collections.abc import Callable, Iterator, Sequence

from homeport.cli.chosen_stores import SERVER_OPTIONS, ChosenStores, find_chosen_source, open_chosen
from homeport.cli.console import Console
from homeport.cli.errors import OK, UsageError
from homeport.cli.options import FORMAT, Command, Option, Options
from homeport.cli.references import ATTEMPT, REFERENCE_HELP, find_record
from homeport.cli.server_client import ServerAwayError
from homeport.ports.logs import LogLine, LogTail
from homeport.ports.repositories import RunRecord
from homeport.present.words import strip_ansi
from homeport.run.codec import encode_public
from homeport.run.facts import JobsKept, JobStarted, LinesLogged

_POLL_SECONDS = 0.1
_SERVER_POLL_SECONDS = 1.0
_PATIENCE_SECONDS = 900.0
"""How long a server may be away; its runner waits as long for it"""

COMMAND = Command(
    name="logs",
    summary="what the steps of a run printed",
    arguments="[RUN]",
    most=1,
    options=(
        Option(name="--follow", short="-f", help="go on with what is printed from now on, until the run ends"),
        Option(name="--job", value="KEY", help="only this job: its key, id or name"),
        Option(name="--step", value="ID", help="only this step"),
        Option(name="--timestamps", short="-t", help="put its time before every line"),
        ATTEMPT,
        *SERVER_OPTIONS,
        FORMAT,
    ),
    details=REFERENCE_HELP,
)

Show = Callable[[str, Sequence[LogLine]], None]
"""Prints lines of a job."""


def main(options: Options, console: Console) -> int:
    """Print the lines that there are, job after job; with `--follow` then those that come."""
    stores = open_chosen(options, console)
    reference = options.arguments[0] if options.arguments else None
    record = find_record(
        stores.runs,
        reference,
        console,
        attempt=options.number("--attempt", 0) or None,
        find=lambda: find_chosen_source(options, console),
    )
    reader = RunLogs(stores, record, options.find("--job"))
    reader.look()
    if not reader.jobs and options.find("--job") is not None and not options.flag("--follow"):
        known = ", ".join(reader.known) or "none has begun"
        raise UsageError(f"run {record.id} has no job {options.find('--job')!r} with lines", f"its jobs: {known}")
    show = _printer(options, console, record.id)
    step = options.find("--step")
    if not options.flag("--follow"):
        for job in reader.jobs:
            for lines in reader.rest_of(job):
                show(job, _of_step(lines, step))
        return OK
    _follow(stores, reader, lambda job, lines: show(job, _of_step(lines, step)), console)
    return OK


def _follow(stores: ChosenStores, reader: "RunLogs", show: Show, console: Console) -> None:
    """Until the run ends. A server that is away is waited for: what it has said is not asked for again, and nothing is left out."""
    away_since: float | None = None
    while True:
        try:
            is_open = stores.runs.is_open(
                reader.run
            )  # asked first, so that nothing is missed of what came before the end
            reader.look()
            for job in reader.jobs:
                for lines in reader.rest_of(job):
                    show(job, lines)
        except ServerAwayError as error:
            is_open = True
            if away_since is None:
                away_since = time.monotonic()
                console.say(f"homeport: {error.message}: waiting for it")
            elif time.monotonic() - away_since > _PATIENCE_SECONDS:
                raise
        else:
            away_since = None
        if not is_open:
            return
        time.sleep(_POLL_SECONDS if stores.client is None else _SERVER_POLL_SECONDS)


class RunLogs:
    """The logs of the jobs of one attempt, each read on from where it was read before."""

    def __init__(self, stores: ChosenStores, record: RunRecord, wanted: str | None) -> None:
        self._stores = stores
        self._record = record
        self._wanted = wanted
        self._tails: dict[str, LogTail] = {}
        self.known: list[str] = []
        """every job that has begun"""

    @property
    def run(self) -> str:
        """Its id."""
        return self._record.id

    @property
    def jobs(self) -> Sequence[str]:
        """The keys of the jobs that are read, in the order in which they began."""
        return tuple(self._tails)

    def look(self) -> None:
        """See which jobs have begun. What a re-run kept is read from the attempt in which it ran."""
        record = self._record
        for fact in self._stores.runs.facts(record.id, record.attempt):
            if isinstance(fact, JobStarted) and fact.runner:
                self._add(fact.job, {fact.job, fact.job_id, fact.name}, record.attempt)
            elif isinstance(fact, JobsKept):
                for kept in fact.jobs:
                    if (
                        kept.leg is not None and kept.leg.inputs is None
                    ):  # inputs are those of a call, which has no lines
                        self._add(kept.key, {kept.key, kept.leg.job_id, kept.leg.name}, kept.attempt)

    def _add(self, job: str, names: set[str], attempt: int) -> None:
        if job in self.known:
            return
        self.known.append(job)
        if self._wanted is None or self._wanted in names:
            self._tails[job] = self._stores.logs.tail(self._record.id, attempt, job)

    def rest_of(self, job: str) -> Iterator[Sequence[LogLine]]:
        """What has come since the last time."""
        while lines := self._tails[job].read():
            yield lines


def _of_step(lines: Sequence[LogLine], step: str | None) -> Sequence[LogLine]:
    return lines if step is None else [line for line in lines if line.step == step]


def _printer(options: Options, console: Console, run: str) -> Show:
    if options.get("--format", "text") == "json":
        return lambda job, lines: _print_json(console, run, job, lines)
    with_times, with_jobs = options.flag("--timestamps"), options.find("--job") is None
    colour = console.is_terminal and not console.environment.get("NO_COLOR")

    def show(job: str, lines: Sequence[LogLine]) -> None:
        mark = f"{job} │ " if with_jobs else ""
        for line in lines:
            time_of_day = f"{line.at:%Y-%m-%dT%H:%M:%S.%fZ} " if with_times else ""
            console.print(f"{mark}{time_of_day}{line.text if colour else strip_ansi(line.text)}")

    return show


def _print_json(console: Console, run: str, job: str, lines: Sequence[LogLine]) -> None:
    """The same `lines_logged` facts as in `homeport run --format json`: one for each stretch of one step and time."""
    start = 0
    for end in range(1, len(lines) + 1):
        first = lines[start]
        if end == len(lines) or (lines[end].step, lines[end].at) != (first.step, first.at):
            text = "\n".join(line.text for line in lines[start:end])
            fact = LinesLogged(at=first.at, run=run, job=job, step=first.step, text=text)
            console.write(encode_public(fact) + b"\n")
            start = end

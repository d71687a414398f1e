"""`homeport retry`: goes on with a job that waits after a failure (`homeport run --pause-on-failure`)."""

import msgspec

from homeport.cli.console import Console
from homeport.cli.errors import OK, CommandError
from homeport.cli.options import FORMAT, Command, Option, Options
from homeport.cli.references import OPEN_REFERENCE_HELP, find_record
from homeport.cli.stores import open_stores
from homeport.cli.waiting import count_facts, wait_for_fact
from homeport.ports.control import RetryJob
from homeport.ports.repositories import RunRecord, RunRepository
from homeport.run.facts import JobPaused, JobResumed

COMMAND = Command(
    name="retry",
    summary="go on with a job that waits after a failure",
    arguments="[RUN]",
    most=1,
    options=(
        Option(
            name="--from-step",
            value="N",
            help="from the step with this number (default: the one that failed)",
            whole_number=True,
        ),
        Option(name="--job", value="KEY", help="the job, where several wait"),
        FORMAT,
    ),
    details=(
        "Jobs wait where a step failed under `homeport run --pause-on-failure`, with their workspace as it is: mend the cause,\n"
        "then retry.\n\n" + OPEN_REFERENCE_HELP
    ),
)


def main(options: Options, console: Console) -> int:
    """Ask, and wait until the job goes on. Exit 1 where no job waits, or the step is not one it can go on from."""
    stores = open_stores(console.environment)
    reference = options.arguments[0] if options.arguments else None
    record = find_record(stores.runs, reference, console, only_open=True)
    paused = _list_paused(stores.runs, record)
    job = _choose(record, paused, options.find("--job"))
    seen = count_facts(stores.runs, record)
    step = options.number("--from-step", 0) or None
    if step is not None and step > paused[job]:
        raise CommandError(
            f"job '{job}' of run {record.id} waits at step {paused[job]}, and cannot go on from step {step}",
            "a step that failed cannot be left out; `homeport retry` runs it again",
        )
    if not stores.controls.send(record.id, RetryJob(job=job, step=step)):
        raise CommandError(f"run {record.id} is not going on", "`homeport rerun --failed` runs its failed part again")
    resumed = wait_for_fact(stores.runs, record, JobResumed, lambda fact: fact.job == job, seen=seen)
    if resumed is None:
        raise CommandError(f"job '{job}' of run {record.id} did not go on", f"`homeport show {record.id}` says why")
    if options.get("--format", "text") == "json":
        console.write(msgspec.json.encode({"run": record.id, "job": job, "number": resumed.number}) + b"\n")
    else:
        console.say(f"job '{job}' of run {record.id} goes on from step {resumed.number}")
    return OK


def _list_paused(runs: RunRepository, record: RunRecord) -> dict[str, int]:
    """The jobs that wait, each with the number of the step that failed."""
    paused: dict[str, int] = {}
    for fact in runs.facts(record.id, record.attempt):
        if isinstance(fact, JobPaused):
            paused[fact.job] = fact.number
        elif isinstance(fact, JobResumed):
            paused.pop(fact.job, None)
    return paused


def _choose(record: RunRecord, paused: dict[str, int], wanted: str | None) -> str:
    if not paused:
        raise CommandError(
            f"no job of run {record.id} waits", "`homeport run --pause-on-failure` makes failed jobs wait"
        )
    if wanted is None and len(paused) > 1:
        raise CommandError(f"several jobs of run {record.id} wait: {', '.join(paused)}", "name one with --job")
    if wanted is not None and wanted not in paused:
        raise CommandError(f"job {wanted!r} of run {record.id} does not wait", f"these do: {', '.join(paused)}")
    return wanted or next(iter(paused))

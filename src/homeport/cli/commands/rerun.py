"""`homeport rerun`: carries a finished run out again, or its failed part, or one job of it."""

import msgspec

from homeport.cli.action_sources import open_actions
from homeport.cli.chosen_stores import SERVER_OPTIONS, find_chosen_source, is_server, open_chosen
from homeport.cli.clock import SystemClock
from homeport.cli.console import Console
from homeport.cli.engine import Engine
from homeport.cli.errors import OK, CommandError, UsageError
from homeport.cli.execution import EXECUTION_OPTIONS, Execution, read_execution
from homeport.cli.interrupts import Interrupts
from homeport.cli.options import Command, Option, Options
from homeport.cli.outcome import exit_code, finish
from homeport.cli.references import REFERENCE_HELP, find_record
from homeport.cli.stores import open_stores
from homeport.cli.submission import recover
from homeport.cli.views import make_view
from homeport.coordinator.journal import recall
from homeport.plan.model import Plan
from homeport.plan.refresh import has_remote_calls
from homeport.ports.clock import Clock
from homeport.ports.repositories import RunRecord
from homeport.ports.run_api import ABOVE, RerunWish
from homeport.run.rerun import FromStep, OneJob, RerunError, Selection

COMMAND = Command(
    name="rerun",
    summary="carry out a run again, or its failed part: same commit, ref and payload",
    arguments="[RUN]",
    most=1,
    options=(
        Option(name="--failed", help="only the jobs that failed, and what depends on them"),
        Option(name="--job", value="KEY", help="only this job, and what depends on it"),
        Option(
            name="--from-step",
            value="N",
            help="on a server: only the rest of a job that failed, from the step with this number, in the folders that it left",
            whole_number=True,
        ),
        Option(
            name="--actor", value="NAME", help="who asks for it (github.triggering_actor; default: the run's actor)"
        ),
        Option(name="--debug", help="on a server: with debug logging, for this attempt"),
        *SERVER_OPTIONS,
        *EXECUTION_OPTIONS,
    ),
    details=(
        "The plan is the run's own: workflows are not read again (`homeport run --failed` does that), but those of other\n"
        "repositories are, where all jobs run again. The working tree is as it is now. Secrets are not kept: they are looked up\n"
        "again where they came from.\n\n" + REFERENCE_HELP
    ),
)


def main(options: Options, console: Console) -> int:
    """Begin another attempt, and carry it out. Raises `CommandError` where there is nothing to run again."""
    selection = _read_selection(options)
    if is_server(options, console):
        return _rerun_there(options, console, selection)
    if isinstance(selection, FromStep):
        raise UsageError(
            "--from-step is for runs of a server", "`homeport run --pause-on-failure` and `homeport retry` do it here"
        )
    stores = open_stores(console.environment)
    reference = options.arguments[0] if options.arguments else None
    latest = find_record(stores.runs, reference, console)
    execution = read_execution(options, console, latest.options)
    recover(stores, console, SystemClock())
    recalled = recall(stores.runs, latest.id)
    if recalled is None:
        raise CommandError(f"what run {latest.id} was made of is not there any more")
    record, previous = recalled
    plan = _refresh(previous.plan, execution, console) if selection == "all" else None
    onlookers = make_view(
        execution, console, [(record.id, plan or previous.plan)], f"homeport rerun --failed {record.id}"
    )
    engine = Engine(console, execution, stores, onlookers, source=record.source, event=previous.plan.event)
    with Interrupts() as interrupts:
        try:
            attempt = _next_attempt(record, options, execution, engine.clock)
            engine.coordinator.resubmit(previous, attempt, selection, plan=plan)
        except RerunError as error:
            raise CommandError(str(error), f"`homeport show {record.id}` shows the run") from error
        engine.session.carry_out(interrupts)
    finish(engine.session, onlookers, stores, console)
    return exit_code(engine.session.conclusions, interrupts)


def _rerun_there(options: Options, console: Console, selection: Selection) -> int:
    """On a server, which does not wait for the end: `homeport logs -f` does."""
    stores = open_chosen(options, console)
    assert stores.client is not None
    reference = options.arguments[0] if options.arguments else None
    record = find_record(stores.runs, reference, console, find=lambda: find_chosen_source(options, console))
    wish = _make_wish(selection, debug=options.flag("--debug"))
    begun = stores.client.send("POST", f"{ABOVE}/{record.id}/rerun", wish, Begun)
    if options.get("--format", "text") == "json":
        console.write(msgspec.json.encode(begun) + b"\n")
    elif begun.waits:
        console.say(f"attempt {begun.attempt} of run {begun.run} begins as soon as the jobs that still run have ended")
    else:
        console.say(f"attempt {begun.attempt} of run {begun.run} has begun; `homeport logs -f {begun.run}` follows it")
    return OK


def _make_wish(selection: Selection, *, debug: bool) -> RerunWish:
    match selection:
        case OneJob(key):
            return RerunWish(what="job", job=key, debug=debug)
        case FromStep(key, number):
            return RerunWish(what="step", job=key, step=number, debug=debug)
        case _:
            return RerunWish(what=selection, debug=debug)


class Begun(msgspec.Struct, frozen=True, omit_defaults=True):
    """A server's answer."""

    run: str
    attempt: int
    waits: bool = False
    """for the end of jobs that still run"""


def _refresh(plan: Plan, execution: Execution, console: Console) -> Plan | None:
    """The plan with the workflows of other repositories as they are now, where it calls some."""
    if not has_remote_calls(plan.workflow):
        return None
    from homeport.cli.remote_workflows import refresh_plan  # noqa: PLC0415 - few workflows call others
    from homeport.store.remote_workflows import RemoteWorkflows  # noqa: PLC0415

    files = RemoteWorkflows(lambda: open_actions(execution.action_sources, console))
    refreshed = refresh_plan(plan, files)
    for remark in files.remarks():
        console.say(f"homeport: warning: {remark}")
    return refreshed


def _read_selection(options: Options) -> Selection:
    job = options.find("--job")
    if job is not None and options.flag("--failed"):
        raise UsageError("--failed and --job exclude each other")
    step = options.number("--from-step", 0)
    if step and options.flag("--failed"):
        raise UsageError("--failed and --from-step exclude each other")
    if step:
        return FromStep(job or "", step)
    if job is not None:
        return OneJob(job)
    return "failed" if options.flag("--failed") else "all"


def _next_attempt(record: RunRecord, options: Options, execution: Execution, clock: Clock) -> RunRecord:
    actor = options.find("--actor")
    recipe = {**execution.recipe, **({"triggering_actor": actor} if actor is not None else {})}
    return msgspec.structs.replace(record, attempt=record.attempt + 1, created_at=clock.now(), options=recipe)

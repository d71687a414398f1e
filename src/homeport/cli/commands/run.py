"""`homeport run`: runs the workflows that an event starts, here and now."""

from homeport.cli.console import Console
from homeport.cli.engine import Engine
from homeport.cli.errors import INTERRUPTED, OK, USAGE, CommandError
from homeport.cli.execution import EXECUTION_OPTIONS, Execution, read_execution
from homeport.cli.interrupts import Interrupts
from homeport.cli.job_choice import check_containers, check_keys, choose_jobs, read_matrix
from homeport.cli.loading import EVENT_OPTIONS, Preparation, prepare, read_request
from homeport.cli.options import Command, Option, Options, shell_word
from homeport.cli.outcome import exit_code, finish
from homeport.cli.stores import open_stores
from homeport.cli.submission import Submissions, recover
from homeport.cli.views import make_view
from homeport.plan.model import NotStarted, Plan
from homeport.run.facts import WorkflowNotStarted

COMMAND = Command(
    name="run",
    summary="run the workflows that an event starts, here and now",
    arguments="[WORKFLOW…]",
    most=None,
    options=(
        *EVENT_OPTIONS,
        Option(name="--job", value="ID", help="only this job, with what it needs (may be repeated)", repeat=True),
        Option(
            name="--matrix",
            value="KEY:VALUE",
            help="only the legs of a matrix that have this value (may be repeated)",
            repeat=True,
        ),
        Option(name="--failed", help="only what failed in the last run here, and what depends on it"),
        Option(name="--watch", help="run again whenever a file changes"),
        Option(name="--dry-run", help="show what would run, and run nothing"),
        *EXECUTION_OPTIONS,
    ),
    details=(
        "WORKFLOW is a file, or a workflow's name. Without it, all of .github/workflows run that the event starts.\n\n"
        "exit codes: 0 green, 1 red, 2 a mistake in the call or in a workflow that runs, 130 interrupted, 70 a fault of Homeport's own"
    ),
)

_NOT_REPEATED = frozenset({"--failed", "--watch", "--dry-run"})


def main(options: Options, console: Console) -> int:
    """Run them to their end; with `--watch` again and again, until interrupted."""
    if options.flag("--dry-run"):
        from homeport.cli.commands import plan  # noqa: PLC0415 - rarely needed

        return plan.main(options.narrow(plan.COMMAND), console)
    execution = read_execution(options, console)
    with Interrupts() as interrupts:
        try:
            if not options.flag("--watch"):
                return run_once(options, console, execution, interrupts)
            from homeport.cli.watching import watch  # noqa: PLC0415 - rarely needed

            return watch(lambda: run_once(options, console, execution, interrupts), console, interrupts)
        except CommandError:
            if interrupts.count:  # a program that was asked something was interrupted with us
                return INTERRUPTED
            raise


def run_once(options: Options, console: Console, execution: Execution, interrupts: Interrupts) -> int:
    """Plan and carry out once. Raises `CommandError`."""
    stores = open_stores(console.environment)
    submissions = Submissions(stores, console, execution, only_failed=options.flag("--failed"))
    recover(stores, console, submissions.clock)
    only_matrix = read_matrix(options.all("--matrix"))
    request = read_request(options, console, now=submissions.clock.now().isoformat())
    preparation = prepare(request, console, identify=submissions.identify, recall=submissions.recall_commits)
    if preparation.refusals:
        return _refuse(preparation, console)
    outcomes = [choice.outcome for choice in preparation.choices]
    plans = choose_jobs([one for one in outcomes if isinstance(one, Plan)], options.all("--job"))
    check_keys(plans, only_matrix)
    if execution.requires_container and not execution.images:
        check_containers(plans)
    chosen = submissions.leave_out_green(plans)
    onlookers = make_view(execution, console, submissions.by_run(chosen), _failed_command(options))
    for one in outcomes:
        if isinstance(one, NotStarted):
            onlookers.feed(WorkflowNotStarted(at=submissions.clock.now(), workflow=one.workflow, reason=one.reason))
    if not chosen:
        onlookers.close()
        return USAGE if options.arguments and not plans else OK
    engine = Engine(console, execution, stores, onlookers, source=preparation.workspace.folder, event=preparation.event)
    submissions.submit(engine.coordinator, chosen, only_matrix)
    engine.session.carry_out(interrupts)
    finish(engine.session, onlookers, stores, console)
    return exit_code(engine.session.conclusions, interrupts)


def _refuse(preparation: Preparation, console: Console) -> int:
    """Say everything that is wrong, with its place: nothing of it runs."""
    from homeport.present.diagnostics.text import render_text  # noqa: PLC0415 - only for mistakes

    colour = console.is_terminal and not console.environment.get("NO_COLOR")
    console.say_text(render_text(preparation.refusals, preparation.files.sources(), colour=colour))
    return USAGE


def _failed_command(options: Options) -> str:
    """The same call for the failed part, so that it can be pasted. The value of a secret is not repeated."""
    words = ["homeport", "run", "--failed"]
    for option in COMMAND.options:
        if option.name in _NOT_REPEATED:
            continue
        for value in options.all(option.name):
            shown = value.partition("=")[0] if option.name == "--secret" else value
            words += [option.name, shell_word(shown)] if option.value else [option.name]
    return " ".join([*words, *(shell_word(word) for word in options.arguments)])

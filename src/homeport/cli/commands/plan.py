"""`homeport plan`: what an event would start, why the rest would not start, and what an edit changes."""

from typing import Any

import msgspec

from homeport.cli.action_sources import ACTION_SOURCE
from homeport.cli.clock import SystemClock
from homeport.cli.console import Console
from homeport.cli.errors import OK, USAGE, CommandError, UsageError
from homeport.cli.loading import EVENT_OPTIONS, Preparation, Request, prepare, read_request
from homeport.cli.options import FORMAT, Command, Option, Options
from homeport.cli.plan_text import render_differences, render_event, render_not_started, render_plan
from homeport.cli.workspace import files_of_commit
from homeport.git.repository import GitError
from homeport.plan.choice import Choice, Refused, choose
from homeport.plan.codec import encode_difference, encode_not_started, encode_plan
from homeport.plan.compare import Difference, Kind, compare_outcomes
from homeport.plan.files import FetchInterruptedError, WorkflowFiles
from homeport.plan.model import NotStarted, Plan
from homeport.plan.outline import outline_plan
from homeport.present.diagnostics.text import render_text

COMMAND = Command(
    name="plan",
    summary="what an event would start, and the graph of its jobs",
    arguments="[WORKFLOW…]",
    most=None,
    options=(
        *EVENT_OPTIONS,
        ACTION_SOURCE,
        Option(
            name="--against",
            value="REF",
            help="what the working tree's workflows change in the plan, against those of REF",
        ),
        FORMAT,
    ),
    details=(
        "WORKFLOW is a file or a workflow's name; all of .github/workflows without it.\n\n"
        "  homeport plan --event pull_request\n"
        "  homeport plan ci.yml --against main"
    ),
)

Outcome = Plan | NotStarted | Refused


def main(options: Options, console: Console) -> int:
    """Print the plans. Exit 2 where GitHub would refuse one of the workflows.

    Raises `UsageError` for words that do not fit, and `CommandError` where the plans cannot be made.
    """
    request = read_request(options, console, now=SystemClock().now().isoformat())
    preparation = prepare(request, console)
    against = options.find("--against")
    differences = None if against is None else _compare(preparation, request, against)
    if options.get("--format", "text") == "json":
        _print_json(preparation, console, differences)
    else:
        _print_text(preparation, console, against, differences)
    refusals = preparation.refusals
    if refusals:
        colour = console.is_terminal and "NO_COLOR" not in console.environment
        console.say_text(render_text(refusals, preparation.files.sources(), colour=colour))
    return USAGE if refusals else OK


def _print_json(preparation: Preparation, console: Console, differences: list[Difference] | None) -> None:
    document: dict[str, Any] = {"workflows": [_encode(choice) for choice in preparation.choices]}
    if differences is not None:
        document["changes"] = [encode_difference(difference) for difference in differences]
    console.write(msgspec.json.encode(document) + b"\n")


def _encode(choice: Choice) -> dict[str, Any]:
    match choice.outcome:
        case Plan() as plan:
            return encode_plan(plan, outline_plan(plan))
        case NotStarted() as outcome:
            return encode_not_started(outcome)
        case Refused(diagnostics=diagnostics):
            reason = "; ".join(f"{one.span.line}:{one.span.column} {one.message}" for one in diagnostics)
            refused = NotStarted(choice.parsed.file, choice.parsed.name, f"GitHub would refuse it: {reason}")
            return encode_not_started(refused)


def _print_text(
    preparation: Preparation, console: Console, against: str | None, differences: list[Difference] | None
) -> None:
    blocks = [render_event(preparation.event)]
    for choice in preparation.choices:
        match choice.outcome:
            case Plan() as plan:
                blocks.append(render_plan(plan, outline_plan(plan)))
            case NotStarted() as outcome:
                blocks.append(render_not_started(outcome))
            case Refused():
                blocks.append(f"{choice.parsed.name}  ({choice.parsed.file})\n  GitHub would refuse it\n")
    if against is not None and differences is not None:
        blocks.append(render_differences(against, differences))
    console.write("\n".join(blocks).encode())


# --- against another commit ------------------------------------------------------------------------------------------


def _compare(preparation: Preparation, request: Request, reference: str) -> list[Difference]:
    """The same event, with the workflows of the commit and with those of the working tree.

    What the event changed does not count: an edit of a workflow that filters paths is to be seen all the same.
    """
    git = preparation.workspace.git
    if git is None:
        raise UsageError("--against needs a git repository", f"{preparation.workspace.folder} is none")
    try:
        sha = git.resolve(reference)
        if sha is None:
            raise UsageError(f"{reference!r} is no commit, branch or tag", "`git log --oneline` lists commits")
        before = _outcomes(
            files_of_commit(preparation.workspace, git, sha, preparation.files.open_remote), preparation, request
        )
        after = _outcomes(preparation.files, preparation, request)
    except FetchInterruptedError as error:
        raise CommandError("fetching workflows of other repositories was interrupted") from error
    except GitError as error:
        raise CommandError(str(error)) from error
    names = dict.fromkeys([*after, *before])
    return [difference for file in names for difference in _compare_file(file, before.get(file), after.get(file))]


def _outcomes(files: WorkflowFiles, preparation: Preparation, request: Request) -> dict[str, Outcome]:
    names = [choice.parsed.file for choice in preparation.choices] if request.workflows else files.paths()
    parsed = [found for name in names if (found := files.read(name)) is not None]
    choices = choose(
        parsed,
        files,
        preparation.event,
        changed_paths=lambda: None,
        inputs=request.inputs,
        variables=request.variables,
    )
    return {choice.parsed.file: choice.outcome for choice in choices}


def _compare_file(file: str, before: Outcome | None, after: Outcome | None) -> list[Difference]:
    match before, after:
        case Refused(), Refused():
            return []
        case _, Refused():
            return [Difference(file, None, "starts_no_more", "GitHub would refuse it now")]
        case Refused(), _:
            kind: Kind = (
                "workflow_dropped" if after is None else "starts" if isinstance(after, Plan) else "workflow_changed"
            )
            return [Difference(file, None, kind, "GitHub would refuse it before")]
        case (Plan() | NotStarted() | None) as old, (Plan() | NotStarted() | None) as new:
            return compare_outcomes(file, old, new)

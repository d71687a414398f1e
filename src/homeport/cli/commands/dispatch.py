"""`homeport dispatch`: start a workflow of a server by hand, or send it a `repository_dispatch`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from homeport.cli.chosen_stores import SERVER_OPTIONS, find_chosen_source
from homeport.cli.console import Console
from homeport.cli.errors import OK, CommandError, UsageError
from homeport.cli.options import FORMAT, Command, Option, Options
from homeport.cli.server_client import ServerClient, open_client, print_json, repository_path

_MOST_WORKFLOWS = 100

COMMAND = Command(
    name="dispatch",
    summary="start a workflow of a server by hand",
    arguments="[WORKFLOW]",
    most=1,
    options=(
        Option(name="--ref", value="NAME", help="on this branch or tag (default: the default branch)"),
        Option(name="--input", value="K=V", help="an input of the workflow (may be repeated)", repeat=True),
        Option(name="--type", value="NAME", help="send a `repository_dispatch` of this type instead"),
        Option(name="--payload", value="FILE", help="with --type: its `client_payload`, a JSON object"),
        *SERVER_OPTIONS,
        FORMAT,
    ),
    details="WORKFLOW is a file's name or a workflow's name; it has to have `on: workflow_dispatch`.",
)


class _Workflow(msgspec.Struct, frozen=True):
    id: int
    name: str
    path: str


class _Workflows(msgspec.Struct, frozen=True):
    workflows: Sequence[_Workflow]


class _Repository(msgspec.Struct, frozen=True):
    default_branch: str


class _Started(msgspec.Struct, frozen=True):
    workflow_run_id: int
    html_url: str


def main(options: Options, console: Console) -> int:
    """Gives the run that was started. Raises `CommandError`."""
    kind, named = options.find("--type"), options.arguments
    if (kind is None) == (not named):
        raise UsageError("what is to be started?", "homeport dispatch release.yml, or --type NAME")
    wrong = [name for name in (("--payload",) if kind is None else ("--ref", "--input")) if options.all(name)]
    if wrong:
        raise UsageError(f"{wrong[0]} belongs to {'--type' if kind is None else 'a workflow'}")
    payload = _read_payload(options, console)
    client = open_client(options, console)
    above = f"/api/v3/repos/{repository_path(find_chosen_source(options, console))}"
    if kind is not None:
        client.do("POST", f"{above}/dispatches", {"event_type": kind, "client_payload": payload})
        _tell(options, console, {"event_type": kind}, f"`{kind}` was sent; `homeport runs` lists what it starts")
        return OK
    workflow = _find_workflow(client, above, named[0])
    ref = options.find("--ref") or client.get(above, _Repository).default_branch
    body = {"ref": ref, "inputs": _read_inputs(options), "return_run_details": True}
    started = client.send("POST", f"{above}/actions/workflows/{workflow.id}/dispatches", body, _Started)
    run = {"run": str(started.workflow_run_id), "workflow": workflow.path, "url": started.html_url}
    _tell(options, console, run, f"run {started.workflow_run_id} of {workflow.name}: {started.html_url}")
    return OK


def _find_workflow(client: ServerClient, above: str, named: str) -> _Workflow:
    """By its file or its name, where that is one's only."""
    known = client.get(f"{above}/actions/workflows", _Workflows, {"per_page": str(_MOST_WORKFLOWS)}).workflows
    found = [each for each in known if named in {each.path, each.path.rpartition("/")[2]}]
    found = found or [each for each in known if each.name == named]
    if len(found) != 1:
        said = "several workflows are" if found else "no workflow is"
        there = ", ".join(sorted(each.path.rpartition("/")[2] for each in found or known)) or "there are none"
        raise CommandError(f"{said} called {named!r}", f"by file: {there}")
    return found[0]


def _read_inputs(options: Options) -> dict[str, str]:
    inputs: dict[str, str] = {}
    for text in options.all("--input"):
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise UsageError(f"--input is {text!r}, expected K=V", "--input environment=staging")
        inputs[name] = value
    return inputs


def _read_payload(options: Options, console: Console) -> dict[str, Any]:
    name = options.find("--payload")
    if name is None:
        return {}
    try:
        return msgspec.json.decode(Path(console.folder, name).read_bytes(), type=dict[str, Any])
    except OSError as error:
        raise UsageError(f"--payload {name}: {error.strerror}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"--payload {name} is no JSON object: {error}") from error


def _tell(options: Options, console: Console, shown: dict[str, str], words: str) -> None:
    if options.get("--format", "text") == "json":
        print_json(console, shown)
    else:
        console.say(words)

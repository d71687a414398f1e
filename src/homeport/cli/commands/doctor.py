"""`homeport doctor`: what this machine can run, what is missing, and the one command that brings it."""

from typing import Any

import msgspec

from homeport.cli.console import Console
from homeport.cli.errors import FAILED, OK, CommandError
from homeport.cli.home import find_home
from homeport.cli.machine.machine import Machine
from homeport.cli.machine.model import Lack, Part, WorkflowVerdict
from homeport.cli.machine.probes import examine
from homeport.cli.machine.remedies import Installation, Remedy, render_command, render_remedy
from homeport.cli.machine.text import Report, list_needed
from homeport.cli.machine.workflows import judge
from homeport.cli.options import FORMAT, Command, Option, Options
from homeport.cli.workspace import files_of_folder, find_workspace, select_files
from homeport.git.repository import GitError

COMMAND = Command(
    name="doctor",
    summary="what this machine can run, what is missing, and what brings it",
    arguments="[WORKFLOW…]",
    most=None,
    options=(Option(name="--online", help="ask too whether package indexes and GitHub can be reached"), FORMAT),
    details=(
        "WORKFLOW is a file or a workflow's name; all of .github/workflows without it, if there are any.\n"
        "Exit 1 where a job needs something that is not here.\n\n"
        "  homeport doctor ci.yml"
    ),
)


def main(options: Options, console: Console) -> int:
    """Look, and tell. Raises `UsageError` for a workflow that nothing has, `CommandError` where git cannot say what it must."""
    machine = Machine(console.environment, find_home(console.environment))
    try:
        return _examine(machine, options, console)
    finally:
        machine.close()


def _examine(machine: Machine, options: Options, console: Console) -> int:
    workflows = _judge(options.arguments, console, machine)
    parts = list(examine(machine))
    if options.flag("--online"):
        from homeport.cli.machine.network import look_at_network  # noqa: PLC0415 - only where it is asked for

        parts += look_at_network(machine)
    if options.get("--format", "text") == "json":
        console.write(msgspec.json.encode(_describe(parts, workflows, machine.installation)) + b"\n")
    else:
        colour = console.is_terminal and not console.environment.get("NO_COLOR")
        console.write(Report(machine.installation, colour=colour).render(parts, workflows).encode())
    lacks = any(workflow.refused or any(job.lacks for job in workflow.jobs) for workflow in workflows)
    return FAILED if lacks else OK


def _judge(names: tuple[str, ...], console: Console, machine: Machine) -> list[WorkflowVerdict]:
    try:
        workspace = find_workspace(console.folder, console.environment)
        files = files_of_folder(workspace)
        if not names and not files.paths():
            return []
        return judge(select_files(files, workspace.folder, names, console.folder), files, workspace, machine)
    except GitError as error:
        raise CommandError(str(error), "is git installed, and is the repository sound? `git status` tells") from error


def _describe(parts: list[Part], workflows: list[WorkflowVerdict], installation: Installation) -> dict[str, Any]:
    return {
        "parts": [
            {
                "area": part.area,
                "name": part.name,
                "status": part.status,
                "detail": part.detail,
                "remedy": _render(part.remedy, installation),
            }
            for part in parts
        ],
        "workflows": [
            {
                "file": workflow.file,
                "name": workflow.name,
                "refused": workflow.refused or None,
                "jobs": [
                    {
                        "id": job.id,
                        "name": job.name,
                        "legs": job.legs,
                        "runs_here": not job.lacks,
                        "lacks": [_describe_lack(lack, installation) for lack in job.lacks],
                        "notes": [_describe_lack(note, installation) for note in job.notes],
                    }
                    for job in workflow.jobs
                ],
            }
            for workflow in workflows
        ],
        "command": render_command(list_needed(workflows), installation) or None,
    }


def _describe_lack(lack: Lack, installation: Installation) -> dict[str, Any]:
    return {
        "message": lack.message,
        "file": lack.file,
        "line": lack.line,
        "remedy": _render(lack.remedy, installation),
    }


def _render(remedy: Remedy | None, installation: Installation) -> str | None:
    return None if remedy is None else render_remedy(remedy, installation)

"""`homeport init`: the first workflows of a repository that has none."""

import os
from collections.abc import Mapping

import msgspec

from homeport.cli.console import Console
from homeport.cli.errors import OK, CommandError, UsageError
from homeport.cli.options import FORMAT, Command, Option, Options
from homeport.cli.templates import TEMPLATES, Adaptation, Template, choose_template, list_adaptations, read_files
from homeport.cli.workspace import files_of_folder, find_workspace
from homeport.git.repository import GitError
from homeport.plan.files import WORKFLOW_FOLDER

COMMAND = Command(
    name="init",
    summary="write the first workflows of a repository",
    options=(
        Option(
            name="--template",
            value="NAME",
            help="which ones (default: what fits the pyproject.toml)",
            choices=tuple(template.name for template in TEMPLATES),
        ),
        FORMAT,
    ),
    details="\n".join(
        [
            "Writes the workflows of an example into .github/workflows, if there are none, and lists what to adapt.\n",
            *(f"  {template.name:12} {template.summary}" for template in TEMPLATES),
        ]
    ),
)


def main(options: Options, console: Console) -> int:
    """Write them. Raises `UsageError` where there are workflows already, `CommandError` where they cannot be written."""
    try:
        workspace = find_workspace(console.folder, console.environment)
    except GitError as error:
        raise CommandError(str(error), "is git installed, and is the repository sound? `git status` tells") from error
    if files_of_folder(workspace).paths():
        raise UsageError(
            f"there are workflows in {os.path.join(workspace.folder, WORKFLOW_FOLDER)} already",
            "nothing is overwritten: move them away, or look at `homeport check`",
        )
    name, why = options.find("--template"), "it was asked for"
    if name is None:
        name, why = choose_template(_read_project(workspace.folder))
    template = next(template for template in TEMPLATES if template.name == name)
    written = read_files(template)
    _write(workspace.folder, written)
    adaptations = list(list_adaptations(template, written, workspace.folder))
    if options.get("--format", "text") == "json":
        _print_json(console, template, written, adaptations)
    else:
        console.print(_render(template, why, list(written), adaptations))
    return OK


def _read_project(folder: str) -> str:
    try:
        with open(os.path.join(folder, "pyproject.toml"), encoding="utf-8", errors="replace") as file:  # noqa: PTH123
            return file.read()
    except OSError:
        return ""


def _write(folder: str, files: Mapping[str, str]) -> None:
    """All of them or none; a file that is there is never touched."""
    written: list[str] = []
    try:
        for name, text in files.items():
            path = os.path.join(folder, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "x", encoding="utf-8") as file:  # noqa: PTH123 - os.path is what the rest speaks
                written.append(path)
                file.write(text)
    except OSError as error:
        for path in written:
            os.unlink(path)
        raise CommandError(f"the workflows cannot be written: {error}", "nothing was left behind") from error


def _print_json(console: Console, template: Template, files: Mapping[str, str], adaptations: list[Adaptation]) -> None:
    document = {"template": template.name, "files": list(files), "adapt": adaptations}
    console.write(msgspec.json.encode(document) + b"\n")


def _render(template: Template, why: str, names: list[str], adaptations: list[Adaptation]) -> str:
    lines = [f"Wrote the workflows of '{template.name}' ({why}):", *(f"  {name}" for name in names)]
    if adaptations:
        lines += ["", "To adapt:"]
        width = max(len(each.text) for each in adaptations)
        lines += [f"  {each.text:{width}}  {each.what}  {each.file}:{each.line}" for each in adaptations]
    lines += ["", "Then: `homeport check`, `homeport doctor`, `homeport run`"]
    return "\n".join(lines)

"""The front door of `homeport check`: everything that is wrong with a set of workflow and action files."""

from collections.abc import Mapping

import msgspec

from homeport.diagnostics.diagnostic import Diagnostic, sort_diagnostics
from homeport.language.calls import Loaded, check_calls
from homeport.language.nodes import Action, Workflow
from homeport.language.parser import parse_action, parse_workflow
from homeport.language.rules import RULES


class LintResult(msgspec.Struct, frozen=True):
    """What was read, by file (None where a file could not be), and all diagnostics, sorted by file and place."""

    workflows: Mapping[str, Workflow | None]
    actions: Mapping[str, Action | None]
    diagnostics: list[Diagnostic]


def is_action_file(path: str) -> bool:
    """Whether a file is an action's metadata, by its name."""
    return path.rpartition("/")[2] in {"action.yml", "action.yaml"}


def lint(files: Mapping[str, str | bytes]) -> LintResult:
    """Read and check files by their paths below the repository: `action.yml` and `action.yaml` as actions, all others as workflows.

    The local workflows that these call must be among them, or they count as missing. Never raises.
    """
    workflows: dict[str, Workflow | None] = {}
    actions: dict[str, Action | None] = {}
    found: dict[str, list[Diagnostic]] = {}
    for path, text in files.items():
        if is_action_file(path):
            actions[path], found[path] = parse_action(text, path)
        else:
            workflows[path], found[path] = parse_workflow(text, path)

    def load(reference: str) -> Loaded | None:
        path = reference.removeprefix("./")
        return (workflows[path], found[path]) if reference.startswith("./") and path in workflows else None

    diagnostics = [diagnostic for some in found.values() for diagnostic in some]
    for workflow in workflows.values():
        if workflow is not None:
            diagnostics.extend(check_calls(workflow, load))
            for rule in RULES:
                diagnostics.extend(rule(workflow))
    return LintResult(workflows, actions, sort_diagnostics(diagnostics))

"""The front door of `homeport check`: everything that is wrong with a set of workflow and action files."""

from collections.abc import Collection, Mapping

import msgspec

from homeport.diagnostics.diagnostic import Diagnostic, sort_diagnostics
from homeport.language.calls import check_calls
from homeport.language.nodes import Action, RunStep, UsesStep, Workflow
from homeport.language.project import Files, GivenFiles, Project
from homeport.language.rules import CODES, OPTIONAL_CODES, RULES
from homeport.language.sites import find_sites
from homeport.language.subject import Subject
from homeport.language.suppression import apply_suppressions, find_suppressions

_DOCS = "docs/rules.md"


class LintResult(msgspec.Struct, frozen=True):
    """What was read, by file (None where a file could not be), and all diagnostics, sorted by file and place."""

    workflows: Mapping[str, Workflow | None]
    actions: Mapping[str, Action | None]
    diagnostics: list[Diagnostic]


def is_action_file(path: str) -> bool:
    """Whether a file is an action's metadata, by its name."""
    return path.rpartition("/")[2] in {"action.yml", "action.yaml"}


def lint(
    files: Mapping[str, str | bytes],
    *,
    others: Files | None = None,
    follow: bool = False,
    enabled: Collection[str] = (),
    disabled: Collection[str] = (),
) -> LintResult:
    """Read and check files by their paths below the repository: `action.yml` and `action.yaml` as actions, all others as workflows.

    What these name in the repository is looked for among them, then in `others`, whose own mistakes are told only where they are
    used; with `follow`, actions that are found so are checked like the others. Without `others`, workflows that are called count as
    missing where they are not given, and of other files nothing is known. `enabled` are codes of optional rules that shall run,
    `disabled` codes not to be reported (what GitHub refuses always is). Comments in the files take effect (`suppression`). Never raises.
    """
    project = Project(GivenFiles(files, others))
    off = (OPTIONAL_CODES - set(enabled)) | set(disabled)
    linter = _Linter(project, off)
    pending = list(files)
    for path in pending:  # which grows
        used = linter.lint(path)
        if follow:
            pending += [file for file in dict.fromkeys(used) if file not in pending]
    diagnostics = [_point_to_docs(diagnostic) for diagnostic in sort_diagnostics(linter.diagnostics)]
    return LintResult(linter.workflows, linter.actions, diagnostics)


class _Linter:
    """Checks files one by one; `off` are the codes that are not looked for."""

    def __init__(self, project: Project, off: Collection[str]) -> None:
        self._project = project
        self._off = off
        self.workflows: dict[str, Workflow | None] = {}
        self.actions: dict[str, Action | None] = {}
        self.diagnostics: list[Diagnostic] = []

    def lint(self, path: str) -> list[str]:
        """Check one file; the action files of the repository that it uses."""
        root, found = self._read(path)
        used: list[str] = []
        if root is not None:
            subject = Subject(root, self._project, find_sites(root, self._project))
            found += [found for rule in RULES if rule.code not in self._off for found in rule.check(subject)]
            used = [file for _, step in subject.steps() if (file := self._find_action_file(step)) is not None]
        found = [diagnostic for diagnostic in found if diagnostic.invalid or diagnostic.code not in self._off]
        suppressions = find_suppressions(self._project.text(path), path)
        self.diagnostics += apply_suppressions(found, suppressions, self._off, CODES)
        return used

    def _read(self, path: str) -> tuple[Workflow | Action | None, list[Diagnostic]]:
        if is_action_file(path):
            self.actions[path], found = self._project.read_action(path) or (None, [])
            return self.actions[path], list(found)
        self.workflows[path], found = self._project.read_workflow(path) or (None, [])
        workflow = self.workflows[path]
        calls = [] if workflow is None else check_calls(workflow, self._project.load_call)
        return workflow, [*found, *calls]

    def _find_action_file(self, step: RunStep | UsesStep) -> str | None:
        local = self._project.find_action(step.uses.value) if isinstance(step, UsesStep) else None
        return None if local is None or not is_action_file(local.file) else local.file


def _point_to_docs(diagnostic: Diagnostic) -> Diagnostic:
    return msgspec.structs.replace(diagnostic, docs=f"{_DOCS}#{diagnostic.code}")

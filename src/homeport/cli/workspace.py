"""Finds the repository folder that a command is about, and its workflow files."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from os import path
from typing import TYPE_CHECKING

import msgspec

from homeport.cli.errors import UsageError
from homeport.diagnostics.diagnostic import Diagnostic
from homeport.diagnostics.span import point
from homeport.git.repository import GitRepository, find_repository
from homeport.language.calls import Loaded
from homeport.language.names import suggest
from homeport.language.nodes import Workflow
from homeport.language.parser.workflow import parse_workflow
from homeport.plan.calls import MissingFile
from homeport.plan.model import WorkflowOrigin

if TYPE_CHECKING:
    from homeport.cli.remote_workflows import RemoteWorkflows

WORKFLOW_FOLDER = ".github/workflows"
_ENDINGS = (".yml", ".yaml")


class Workspace(msgspec.Struct, frozen=True):
    """The folder that stands for the repository, and the git repository that holds it, if one does.

    `folder` is the nearest one, from where the command was called upwards, that has workflows or is the root of a working tree;
    failing both it is where the command was called. `prefix` is its path below the root of the git repository, empty where they
    are the same and where there is none.
    """

    folder: str
    git: GitRepository | None
    prefix: str = ""


class ParsedFile(msgspec.Struct, frozen=True):
    """A workflow file, read: what it says, as far as it could be read, and what is wrong with it."""

    file: str
    """its path below the repository"""
    workflow: Workflow | None
    diagnostics: tuple[Diagnostic, ...]

    @property
    def name(self) -> str:
        """The workflow's name, else its path."""
        named = None if self.workflow is None else self.workflow.name
        return self.file if named is None else named.value

    @property
    def mistakes(self) -> tuple[Diagnostic, ...]:
        """What GitHub would refuse."""
        return tuple(diagnostic for diagnostic in self.diagnostics if diagnostic.invalid)


def find_workspace(folder: str, environment: Mapping[str, str]) -> Workspace:
    """The workspace of a folder. `environment` is what git gets."""
    start = path.realpath(folder)
    git = find_repository(start, environment)
    current = start
    while not path.isdir(path.join(current, WORKFLOW_FOLDER)):
        parent = path.dirname(current)
        if (git is not None and current == git.root) or parent == current:
            current = start if git is None else git.root
            break
        current = parent
    prefix = "" if git is None else path.relpath(current, git.root).replace(os.sep, "/")
    return Workspace(current, git, "" if prefix == "." else prefix)


class WorkflowFiles:
    """The workflow files of a workspace. Each is read and parsed once, when it is first asked for."""

    def __init__(
        self,
        folder: str,
        list_names: Callable[[], Sequence[str]],
        read: Callable[[str], bytes | None],
        open_remote: "Callable[[], RemoteWorkflows] | None" = None,
    ) -> None:
        """`list_names` gives the names in the folder of workflows, `read` a file by its path below the repository; `open_remote` is
        asked when a workflow of another repository is needed; None where none is fetched.
        """
        self.open_remote = open_remote
        self._remote: RemoteWorkflows | None = None
        self._folder = folder
        self._list_names = list_names
        self._read = read
        self._parsed: dict[str, ParsedFile | None] = {}
        self._texts: dict[str, bytes] = {}

    def paths(self) -> list[str]:
        """The paths of `.github/workflows/*.yml` and `*.yaml`, sorted."""
        return [f"{WORKFLOW_FOLDER}/{name}" for name in sorted(self._list_names()) if name.endswith(_ENDINGS)]

    def read(self, file: str) -> ParsedFile | None:
        """A file by its path below the repository; None where there is none that can be read."""
        if file not in self._parsed:
            text = self._read(file)
            self._texts[file] = text or b""
            self._parsed[file] = None if text is None else ParsedFile(file, *_parse(text, file))
        return self._parsed[file]

    def sources(self) -> dict[str, str]:
        """The text of every file that was read, for showing diagnostics."""
        remote = {} if self._remote is None else self._remote.texts()
        return remote | {file: text.decode("utf-8", "replace") for file, text in self._texts.items()}

    def fetch(self, missing: Iterable[MissingFile], commits: Mapping[str, str]) -> bool:
        """Get workflows of other repositories; whether any of them is new (see `RemoteWorkflows.fetch`)."""
        if self.open_remote is None:
            return False
        if self._remote is None:
            self._remote = self.open_remote()
        return self._remote.fetch(missing, commits)

    def remarks(self) -> list[str]:
        """What should be seen of how workflows of other repositories were found."""
        return [] if self._remote is None else self._remote.remarks()

    def find_origin(self, reference: str) -> WorkflowOrigin | None:
        """Where a workflow of another repository was fetched from."""
        return None if self._remote is None else self._remote.find_origin(reference)

    def find_failure(self, reference: str) -> str | None:
        """Why one could not be fetched."""
        return None if self._remote is None else self._remote.find_failure(reference)

    def load(self, reference: str) -> Loaded | None:
        """A called workflow, as the planner asks for it; None for one of another repository that was not fetched."""
        if self._remote is not None and not reference.startswith("./"):
            return self._remote.load(reference)
        file = path.normpath(reference.removeprefix("./"))
        parsed = None if not reference.startswith("./") or file.startswith("..") else self.read(file)
        return None if parsed is None else (parsed.workflow, list(parsed.diagnostics))

    def select(self, wanted: Sequence[str], folder: str) -> list[ParsedFile]:
        """The files that are named, by path (from `folder`, or below the repository), file name or workflow's name; all, if none is.

        Raises `UsageError` for a name that nothing has, and where there is no workflow at all.
        """
        if not wanted:
            parsed = self._read_all()
            if not parsed:
                place = path.join(self._folder, WORKFLOW_FOLDER)
                raise UsageError(
                    f"there are no workflows in {place}",
                    "write a first one there, or call homeport in the folder of a repository that has some",
                )
            return parsed
        chosen = [file for name in wanted for file in self._find(name, folder)]
        return list({file.file: file for file in chosen}.values())

    def _read_all(self) -> list[ParsedFile]:
        """Every workflow file; one that cannot be read is a mistake, not nothing."""
        return [self.read(name) or ParsedFile(name, None, (_unreadable(name),)) for name in self.paths()]

    def _find(self, wanted: str, folder: str) -> list[ParsedFile]:
        parsed = self._find_by_path(wanted, folder)
        if parsed is not None:
            return [parsed]
        everything = self._read_all()
        named = [file for file in everything if wanted in {file.name, path.basename(file.file)}]
        if not named:
            known = [file.name for file in everything]
            hint = suggest(wanted, [*known, *(path.basename(file.file) for file in everything)])
            hint = hint or f"there are: {', '.join(known) or 'none'}"
            raise UsageError(f"no workflow is called '{wanted}', and no such file exists", hint)
        return named

    def _find_by_path(self, wanted: str, folder: str) -> ParsedFile | None:
        for base in (folder, self._folder):
            full = path.realpath(path.join(base, wanted))
            if path.isfile(full):
                return self.read(path.relpath(full, self._folder).replace(os.sep, "/"))
        return None


def files_of_folder(workspace: Workspace, open_remote: "Callable[[], RemoteWorkflows] | None" = None) -> WorkflowFiles:
    """The workflow files as they stand on disk."""
    folder = workspace.folder

    def list_names() -> Sequence[str]:
        try:
            with os.scandir(path.join(folder, WORKFLOW_FOLDER)) as entries:
                return [entry.name for entry in entries if entry.is_file() or entry.is_symlink()]
        except OSError:
            return ()

    return WorkflowFiles(folder, list_names, lambda file: _read(path.join(folder, file)), open_remote)


def files_of_commit(
    workspace: Workspace, git: GitRepository, sha: str, open_remote: "Callable[[], RemoteWorkflows] | None" = None
) -> WorkflowFiles:
    """The workflow files as they were in a commit."""
    start = f"{workspace.prefix}/" if workspace.prefix else ""

    def list_names() -> Sequence[str]:
        return [path.basename(name) for name in git.list_tree(sha, f"{start}{WORKFLOW_FOLDER}")]

    return WorkflowFiles(workspace.folder, list_names, lambda file: git.show(sha, f"{start}{file}"), open_remote)


def _unreadable(file: str) -> Diagnostic:
    return Diagnostic(code="syntax", message="the file cannot be read", span=point(file), invalid=True)


def _parse(text: bytes, file: str) -> tuple[Workflow | None, tuple[Diagnostic, ...]]:
    workflow, diagnostics = parse_workflow(text, file)
    return workflow, tuple(diagnostics)


def _read(name: str) -> bytes | None:
    try:
        with open(name, "rb") as file:  # noqa: PTH123 - pathlib is slow to import
            return file.read()
    except OSError:
        return None

"""Finds the repository folder that a command is about, and its workflow files."""

import os
from collections.abc import Callable, Mapping, Sequence
from os import path

import msgspec

from homeport.cli.errors import UsageError
from homeport.git.repository import GitRepository, find_repository
from homeport.language.names import suggest
from homeport.plan.files import WORKFLOW_FOLDER, FetchedFiles, ParsedFile, WorkflowFiles


class Workspace(msgspec.Struct, frozen=True):
    """The folder that stands for the repository, and the git repository that holds it, if one does.

    `folder` is the nearest one, from where the command was called upwards, that has workflows or is the root of a working tree;
    failing both it is where the command was called. `prefix` is its path below the root of the git repository, empty where they
    are the same and where there is none.
    """

    folder: str
    git: GitRepository | None
    prefix: str = ""


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


def select_files(files: WorkflowFiles, root: str, wanted: Sequence[str], folder: str) -> list[ParsedFile]:
    """The files that are named, by path (from `folder`, or below the repository's `root`), file name or workflow's name; all, if none
    is. Raises `UsageError` for a name that nothing has, and where there is no workflow at all.
    """
    if not wanted:
        parsed = files.read_all()
        if not parsed:
            place = path.join(root, WORKFLOW_FOLDER)
            raise UsageError(
                f"there are no workflows in {place}",
                "write a first one there, or call homeport in the folder of a repository that has some",
            )
        return parsed
    chosen = [file for name in wanted for file in _find(files, root, name, folder)]
    return list({file.file: file for file in chosen}.values())


def _find(files: WorkflowFiles, root: str, wanted: str, folder: str) -> list[ParsedFile]:
    parsed = _find_by_path(files, root, wanted, folder)
    if parsed is not None:
        return [parsed]
    everything = files.read_all()
    named = [file for file in everything if wanted in {file.name, path.basename(file.file)}]
    if not named:
        known = [file.name for file in everything]
        hint = suggest(wanted, [*known, *(path.basename(file.file) for file in everything)])
        hint = hint or f"there are: {', '.join(known) or 'none'}"
        raise UsageError(f"no workflow is called '{wanted}', and no such file exists", hint)
    return named


def _find_by_path(files: WorkflowFiles, root: str, wanted: str, folder: str) -> ParsedFile | None:
    for base in (folder, root):
        full = path.realpath(path.join(base, wanted))
        if path.isfile(full):
            return files.read(path.relpath(full, root).replace(os.sep, "/"))
    return None


def files_of_folder(workspace: Workspace, open_remote: Callable[[], FetchedFiles] | None = None) -> WorkflowFiles:
    """The workflow files as they stand on disk."""

    def list_names(folder: str) -> Sequence[str]:
        try:
            with os.scandir(path.join(workspace.folder, folder)) as entries:
                return [entry.name for entry in entries if entry.is_file() or entry.is_symlink()]
        except OSError:
            return ()

    return WorkflowFiles(list_names, lambda file: _read(path.join(workspace.folder, file)), open_remote)


def files_of_commit(
    workspace: Workspace, git: GitRepository, sha: str, open_remote: Callable[[], FetchedFiles] | None = None
) -> WorkflowFiles:
    """The workflow files as they were in a commit."""
    start = f"{workspace.prefix}/" if workspace.prefix else ""

    def list_names(folder: str) -> Sequence[str]:
        return [path.basename(name) for name in git.list_tree(sha, f"{start}{folder}")]

    return WorkflowFiles(list_names, lambda file: git.show(sha, f"{start}{file}"), open_remote)


def _read(name: str) -> bytes | None:
    try:
        with open(name, "rb") as file:  # noqa: PTH123 - pathlib is slow to import
            return file.read()
    except OSError:
        return None

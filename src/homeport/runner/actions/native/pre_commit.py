"""pre-commit/action, v3 to v3: installs pre-commit, brings its environments back, runs it.

| input | here |
|---|---|
| extra_args | as the original, word by word: quotes count, but what only a shell could carry out (`$(…)`, `*`) is refused |

It has no outputs. pre-commit comes from the package index, into the job's Python. Its environments are kept by the configuration and the
Python, as the original keeps them; they name the job's folders, so they are moved to where this job has them
(docs/decisions/0032-pre-commit-environments-move.md). Source: the action's `action.yml`.
"""

import os
import re
import shlex

import msgspec

from homeport.runner.actions.native.caching import find_cache, is_same_key, restore_cache, save_cache
from homeport.runner.actions.native.definition import Input, NativeDefinition
from homeport.runner.actions.native.inputs import get_text
from homeport.runner.actions.native.moved_environments import MovedError, move_environments
from homeport.runner.folders import read_file, remove_tree, write_file
from homeport.runner.hash_files import HashFilesError, hash_files
from homeport.runner.host import ActionError, ActionHost
from homeport.runner.shells import find_program

DEFINITION = NativeDefinition(
    name="pre-commit/action",
    inputs=(Input("extra_args", "--all-files"),),
    outputs=(),
    post_if="success()",
)

_CONFIGURATION = ".pre-commit-config.yaml"
_PLACES = "homeport-places.json"
"""beside the environments: the folders that they name"""
_FOR_SHELLS = re.compile(r"[$`*?;|&<>(){}\[\]\0]|^~")


class _Places(msgspec.Struct, frozen=True):
    """The folders of a job that environments name."""

    environments: str
    python: str


def main(host: ActionHost) -> None:
    """Install, restore, run."""
    words = _read_words(get_text(host, "extra_args"))
    python = find_program("python", host.environment.get("PATH", ""))
    if python is None:
        raise ActionError("python: command not found. Use actions/setup-python before this step.")
    _run(host, [python, "-m", "pip", "install", "pre-commit"])
    _run(host, [python, "-m", "pip", "freeze", "--local"])
    _restore(host)
    program = find_program("pre-commit", host.environment.get("PATH", ""))
    if program is None:
        raise ActionError(
            f"pre-commit: command not found: {python} installs programs into a folder that is not on the PATH"
        )
    _run(host, [program, "run", "--show-diff-on-failure", "--color=always", *words])


def post(host: ActionHost) -> None:
    """Keep the environments, unless they were found under this very key."""
    key, folder = host.state.get("key"), _find_folder(host)
    if not key or not os.path.isdir(folder):
        return
    if is_same_key(host.state.get("matched-key", ""), key):
        host.log(f"Cache hit occurred on the primary key {key}, not saving cache.")
        return
    places = os.path.join(folder, _PLACES)
    try:
        remove_tree(places)
        write_file(places, msgspec.json.encode(_Places(folder, _find_python(host))))
    except OSError as error:
        host.annotate("warning", f"The environments of pre-commit could not be kept: {error}")
        return
    if save_cache(host, [folder], key):
        host.log(f"Cache saved with key: {key}")


def _read_words(text: str) -> list[str]:
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise ActionError(f"extra_args: {error}: {text}") from error
    lexer = shlex.shlex(text.replace("\n", " \0 "), posix=False, punctuation_chars=False)
    lexer.whitespace_split = True
    for word in lexer:
        if not word.startswith(("'", '"')) and _FOR_SHELLS.search(word):
            shown = "a new line" if word == "\0" else f"'{word}'"
            raise ActionError(
                f"extra_args: {shown} is for a shell, and these arguments are passed on without one. "
                "Quote it, or use a 'run' step: pre-commit run …"
            )
    return words


def _run(host: ActionHost, words: list[str]) -> None:
    host.log(f"[command]{shlex.join(words)}")
    code = host.run(words)
    if code:
        raise ActionError(f"Process completed with exit code {code}.")


# --- the environments of the hooks -----------------------------------------------------------------------------------


def _find_folder(host: ActionHost) -> str:
    """pre-commit's own rule (its `store.py`)."""
    environment = host.environment
    base = environment.get("XDG_CACHE_HOME") or os.path.join(environment.get("HOME", host.paths.home), ".cache")
    return environment.get("PRE_COMMIT_HOME") or os.path.join(base, "pre-commit")


def _find_python(host: ActionHost) -> str:
    return host.environment.get("pythonLocation", "")


def _make_key(host: ActionHost) -> str:
    """The original's, but that a private Python is named by its version: its folder is another in every job."""
    python = _find_python(host)
    inside = python.startswith(host.paths.root + "/")
    named = os.path.relpath(python, host.paths.root) if inside else python
    try:
        digest = hash_files([_CONFIGURATION], host.paths.workspace, host.paths.home)
    except HashFilesError as error:
        raise ActionError(str(error)) from error
    return f"pre-commit-3|{named}|{digest}"


def _restore(host: ActionHost) -> None:
    folder, key = _find_folder(host), _make_key(host)
    if not folder.startswith(host.paths.root + "/"):
        host.log(f"pre-commit keeps its environments in {folder}, which outlives the job: nothing to restore")
        return
    host.save_state("key", key)
    entry = find_cache(host, [folder], key, ())
    if entry is None or not restore_cache(host, entry, [folder]):
        host.log(f"Cache not found for input keys: {key}")
        return
    try:
        _move(host, folder)
    except (OSError, MovedError, msgspec.DecodeError) as error:
        host.annotate(
            "warning", f"The environments of pre-commit are made anew, those that were kept cannot be used: {error}"
        )
        remove_tree(folder)
        return
    host.save_state("matched-key", entry.key)
    host.log(f"Cache restored from key: {entry.key}")


def _move(host: ActionHost, folder: str) -> None:
    before = msgspec.json.decode(read_file(os.path.join(folder, _PLACES)), type=_Places)
    moves = {before.environments: folder}
    if before.python:
        moves[before.python] = _find_python(host)
    move_environments(folder, moves)

"""The `cache` input of setup-python: what pip, pipenv and Poetry keep between jobs.

Source: actions/setup-python `src/cache-distributions/*.ts` (keys, folders, messages), `src/cache-save.ts`.
"""

import os
import re
from collections.abc import Sequence

import msgspec

from homeport.runner.actions.native.caching import find_cache, is_same_key, restore_cache, save_cache
from homeport.runner.actions.native.inputs import get_text
from homeport.runner.actions.native.setup_python.discovery import machine_architecture
from homeport.runner.folders import read_file
from homeport.runner.hash_files import GlobPattern, HashFilesError, find_files, hash_files
from homeport.runner.host import ActionError, ActionHost

_DEPENDENCIES = {"pip": "**/requirements.txt", "pipenv": "**/Pipfile.lock", "poetry": "**/poetry.lock"}
_SECOND_CHOICE = "**/pyproject.toml"
"""for pip, where there are no requirements"""


def restore_dependencies(host: ActionHost, manager: str, python_version: str) -> None:
    """Bring back what the package manager kept when it last saw these dependencies. Raises `ActionError`."""
    if manager not in _DEPENDENCIES:
        raise ActionError(f"Caching for '{manager}' is not supported")
    digest = _hash_dependencies(host, manager)
    key, restore_keys = _make_keys(host, manager, python_version, digest)
    paths = _find_paths(host, manager)
    if paths is None:
        host.set_output("cache-hit", "false")
        return
    host.save_state("cache-paths", msgspec.json.encode(paths).decode())
    host.save_state("cache-primary-key", key)
    entry = find_cache(host, paths, key, restore_keys)
    if entry is None or not restore_cache(host, entry, paths):
        host.log(f"{manager} cache is not found")
        host.set_output("cache-hit", "false")
        return
    host.save_state("cache-matched-key", entry.key)
    host.log(f"Cache restored from key: {entry.key}")
    host.set_output("cache-hit", str(is_same_key(entry.key, key)).lower())
    if manager == "poetry":
        _adopt_environments(host)


def save_dependencies(host: ActionHost, manager: str) -> None:
    """Keep what the package manager has now, unless it was found under this very key."""
    state = host.state.get("cache-paths")
    if not state:
        if host.state.get("cache-skipped"):
            return
        host.annotate(
            "warning",
            "Cache paths are empty. Please check the previous logs and make sure that the python version is specified",
        )
        return
    paths = msgspec.json.decode(state, type=list[str])
    if not any(os.path.exists(path) for path in paths):
        # The original fails its step here. An index may forbid caching (a mirror often does), and a verdict must not turn on that:
        # docs/decisions/0013-an-empty-pip-cache-is-a-warning.md
        host.log(f"Cache folder path is retrieved for {manager} but doesn't exist on disk: {', '.join(paths)}.")
        host.annotate(
            "warning", f"{manager} has cached nothing, so there is no cache to keep (does the index allow caching?)"
        )
        return
    key, matched = host.state.get("cache-primary-key", ""), host.state.get("cache-matched-key", "")
    if matched and is_same_key(key, matched):
        host.log(f"Cache hit occurred on the primary key {key}, not saving cache.")
    elif save_cache(host, paths, key):
        host.log(f"Cache saved with the key: {key}")


# --- keys ------------------------------------------------------------------------------------------------------------


def _hash_dependencies(host: ActionHost, manager: str) -> str:
    given = get_text(host, "cache-dependency-path")
    patterns = given or _DEPENDENCIES[manager]
    try:
        digest = hash_files([patterns], host.paths.workspace, host.paths.home)
        if not digest and manager == "pip":
            digest = hash_files([_SECOND_CHOICE], host.paths.workspace, host.paths.home)
    except HashFilesError as error:
        raise ActionError(str(error)) from error
    if not digest:
        listed = ",".join(patterns.split("\n"))
        files = f"{listed} or {_SECOND_CHOICE}" if manager == "pip" else listed
        raise ActionError(
            f"No file in {host.paths.workspace} matched to [{files}], make sure you have checked out the target repository"
        )
    return digest


def _make_keys(host: ActionHost, manager: str, python_version: str, digest: str) -> tuple[str, Sequence[str]]:
    system = host.environment.get("RUNNER_OS", "Linux")
    start = f"setup-python-{system}-{machine_architecture()}"
    if manager != "pip":
        marker = "-v2" if manager == "poetry" else ""
        return f"{start}-python-{python_version}-{manager}{marker}-{digest}", ()
    release = _read_release() if system == "Linux" else ""
    prefix = f"{start}{release}-python-{python_version}-pip"
    return f"{prefix}-{digest}", (prefix,)


def _read_release() -> str:
    """`-22.04-Ubuntu`: what `lsb_release -r -i` says, which is what stands in this file."""
    try:
        text = read_file("/etc/os-release").decode("utf-8", "replace")
    except OSError:
        return ""
    values = dict(re.findall(r'^(\w+)="?([^"\n]*)"?$', text, re.MULTILINE))
    return f"-{values.get('VERSION_ID', '')}-{values.get('ID', '').capitalize()}"


# --- folders ---------------------------------------------------------------------------------------------------------


def _find_paths(host: ActionHost, manager: str) -> list[str] | None:
    """What to keep; None where the machine keeps it already."""
    match manager:
        case "pip":
            return _find_pip_cache(host)
        case "pipenv":
            return [os.path.join(host.paths.home, ".local/share/virtualenvs")]
        case _:
            return _find_poetry_environments(host)


def _find_pip_cache(host: ActionHost) -> list[str] | None:
    """Where pip caches: by its variable, else by the platform's rule (pip docs, "Caching")."""
    given = host.environment.get("PIP_CACHE_DIR")
    if host.environment.get("RUNNER_OS") == "macOS":
        default = os.path.join(host.paths.home, "Library/Caches/pip")
    else:
        base = host.environment.get("XDG_CACHE_HOME") or os.path.join(host.paths.home, ".cache")
        default = os.path.join(base, "pip")
    folder = given or default
    if not folder.startswith(host.paths.root + "/"):
        host.log(
            f"pip keeps its cache in {folder}, which is this machine's own and outlives the job: nothing to restore"
        )
        host.save_state("cache-skipped", "true")
        return None
    return [folder]


def _find_poetry_environments(host: ActionHost) -> list[str]:
    paths: list[str] = []
    for project in _list_poetry_projects(host):
        settings = _ask_poetry(host, project)
        environments = settings.get("virtualenvs.path", "").replace("{cache-dir}", settings.get("cache-dir", ""))
        paths.append(environments)
        if settings.get("virtualenvs.in-project") == "true":
            paths.append(os.path.join(project, ".venv"))
    return list(dict.fromkeys(path for path in paths if path))


def _list_poetry_projects(host: ActionHost) -> list[str]:
    patterns = get_text(host, "cache-dependency-path") or _DEPENDENCIES["poetry"]
    lines = [line.strip() for line in patterns.split("\n") if line.strip()]
    parsed = [GlobPattern(line, host.paths.workspace, host.paths.home) for line in lines]
    return list(dict.fromkeys(os.path.dirname(path) for path in find_files(parsed, follow_links=True)))


def _ask_poetry(host: ActionHost, project: str) -> dict[str, str]:
    try:
        code, output = host.capture(["poetry", "config", "--list"], working_directory=project)
    except OSError as error:
        raise ActionError("Unable to locate executable file: poetry. Install Poetry before this step.") from error
    if code:
        raise ActionError("Could not get cache folder path for poetry package manager")
    lines = (line.partition("#")[0] for line in output.splitlines())
    pairs = (line.partition("=") for line in lines if "=" in line)
    return {key.strip(): value.strip().strip('"') for key, _, value in pairs}


def _adopt_environments(host: ActionHost) -> None:
    """Environments that were made with another Python are made anew by Poetry."""
    for project in _list_poetry_projects(host):
        code, output = host.capture(["poetry", "env", "use", "python"], working_directory=project)
        if code:
            host.log(f"[warning]{output.strip()}")

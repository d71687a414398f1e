"""What npm, Yarn and pnpm keep between jobs.

Source: actions/setup-node `src/cache-restore.ts`, `cache-save.ts`, `cache-utils.ts`, `main.ts` (`getNameFromPackageManagerField`).
"""

import os
import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from homeport.runner.actions.native.caching import find_cache, is_same_key, restore_cache, save_cache
from homeport.runner.actions.native.inputs import get_text, used_major
from homeport.runner.actions.native.setup_node.source import machine_architecture
from homeport.runner.folders import read_file
from homeport.runner.hash_files import GlobPattern, HashFilesError, find_files, hash_files
from homeport.runner.host import ActionError, ActionHost
from homeport.runner.shells import find_program

_LOCK_FILES = {
    "npm": ("package-lock.json", "npm-shrinkwrap.json", "yarn.lock"),
    "pnpm": ("pnpm-lock.yaml",),
    "yarn": ("yarn.lock",),
}
_FOLDER = {
    "npm": ("npm", "config", "get", "cache"),
    "pnpm": ("pnpm", "store", "path", "--silent"),
    "yarn1": ("yarn", "cache", "dir"),
    "yarn2": ("yarn", "config", "get", "cacheFolder"),
}


def detect_manager(host: ActionHost) -> str:
    """The package manager that is cached without being asked for: since v5 what `package.json` names, since v6 only npm."""
    major = used_major(host)
    if major is not None and major < 5:
        return ""
    try:
        manifest: Any = msgspec.json.decode(read_file(os.path.join(host.paths.workspace, "package.json")))
    except (OSError, msgspec.DecodeError):
        return ""
    name = _find_named(manifest, ("npm", "yarn", "pnpm") if major == 5 else ("npm",))
    if name:
        host.log(
            f"Detected {name} as the package manager from package.json's packageManager field. Auto caching has been enabled for {name}. "
            "If you want to disable it, set package-manager-cache input to false"
        )
    return name


def _find_named(manifest: Any, known: Sequence[str]) -> str:
    if not isinstance(manifest, dict):
        return ""
    engines = manifest.get("devEngines")
    managers = engines.get("packageManager") if isinstance(engines, dict) else None
    for each in managers if isinstance(managers, list) else [managers]:
        if isinstance(each, dict) and each.get("name") in known:
            return str(each["name"])
    match = re.fullmatch(r"\^?(npm|yarn|pnpm)(?:@.*)?", str(manifest.get("packageManager") or ""))
    return match[1] if match and match[1] in known else ""


def restore_packages(host: ActionHost, manager: str, environment: Mapping[str, str]) -> None:
    """Bring back what was kept for this lock file. Raises `ActionError`."""
    if manager not in _LOCK_FILES:
        raise ActionError(f"Caching for '{manager}' is not supported")
    host.save_state("cache-package-manager", manager)
    asking = _Asking(host, environment)
    projects = _find_projects(host) if manager == "yarn" and get_text(host, "cache-dependency-path") else [""]
    kind = asking.find_kind(manager)
    paths = list(dict.fromkeys(asking.ask(_FOLDER[kind], project) for project in projects))
    digest = _hash_lock_files(host, manager)
    prefix = f"node-cache-{host.environment.get('RUNNER_OS', 'Linux')}-{machine_architecture()}-{manager}"
    key = f"{prefix}-{digest}"
    if all(_is_kept_by_machine(host, path) for path in paths):
        host.log(
            f"{manager} keeps its cache in {', '.join(paths)}, which is this machine's own and outlives the job: nothing to restore"
        )
        host.save_state("cache-skipped", "true")
        host.set_output("cache-hit", "false")
        return
    host.save_state("cache-paths", msgspec.json.encode(paths).decode())
    host.save_state("cache-primary-key", key)
    host.set_output("cache-primary-key", key)
    entry = find_cache(host, paths, key, [prefix] if _is_kept_in_projects(asking, kind, projects) else [])
    if entry is None or not restore_cache(host, entry, paths):
        host.set_output("cache-hit", "false")
        host.log(f"{manager} cache is not found")
        return
    host.set_output("cache-hit", "true")
    host.set_output("cache-matched-key", entry.key)
    host.save_state("cache-matched-key", entry.key)
    host.log(f"Cache restored from key: {entry.key}")


def save_packages(host: ActionHost, manager: str) -> None:
    """Keep what the package manager has now, unless it was found under this very key."""
    if host.state.get("cache-skipped"):
        return
    key, matched = host.state.get("cache-primary-key", ""), host.state.get("cache-matched-key", "")
    paths = msgspec.json.decode(host.state.get("cache-paths") or "[]", type=list[str])
    if not paths:
        given = get_text(host, "cache-dependency-path")
        raise ActionError(f"Cache folder paths are not retrieved for {manager} with cache-dependency-path = {given}")
    if matched and is_same_key(matched, key):
        host.log(f"Cache hit occurred on the primary key {key}, not saving cache.")
    elif not any(os.path.exists(path) for path in paths):
        # a warning, as in setup-python: docs/decisions/0013-an-empty-pip-cache-is-a-warning.md
        host.annotate("warning", f"{manager} has cached nothing in {', '.join(paths)}, so there is no cache to keep")
    elif save_cache(host, paths, key):
        host.log(f"Cache saved with the key: {key}")


def _is_kept_by_machine(host: ActionHost, path: str) -> bool:
    """A folder that the machine's own settings name is there for the next job anyway."""
    named = [host.environment.get(name) for name in ("npm_config_cache", "NPM_CONFIG_CACHE", "YARN_CACHE_FOLDER")]
    return path in named and not path.startswith(host.paths.root + "/")


def _hash_lock_files(host: ActionHost, manager: str) -> str:
    given = get_text(host, "cache-dependency-path")
    workspace = host.paths.workspace
    if not given:
        found = next((name for name in _LOCK_FILES[manager] if os.path.exists(os.path.join(workspace, name))), None)
        if found is None:
            raise ActionError(
                f"Dependencies lock file is not found in {workspace}. Supported file patterns: {','.join(_LOCK_FILES[manager])}"
            )
        given = found
    try:
        digest = hash_files([given], workspace, host.paths.home)
    except HashFilesError as error:
        raise ActionError(str(error)) from error
    if not digest:
        raise ActionError("Some specified paths were not resolved, unable to cache dependencies.")
    return digest


def _find_projects(host: ActionHost) -> list[str]:
    """The folders of the lock files that are named."""
    lines = [line.strip() for line in get_text(host, "cache-dependency-path").split("\n") if line.strip()]
    patterns = [GlobPattern(line, host.paths.workspace, host.paths.home) for line in lines]
    found = [os.path.dirname(path) for path in find_files(patterns, follow_links=True) if os.path.isfile(path)]
    return list(dict.fromkeys(found)) or [""]


def _is_kept_in_projects(asking: "_Asking", kind: str, projects: Sequence[str]) -> bool:
    """Whether Yarn keeps each project's packages in the project; then those of another lock file are a good start."""
    if kind != "yarn2":
        return False
    kept = all(
        asking.ask(("yarn", "config", "get", "enableGlobalCache"), project).strip() == "false" for project in projects
    )
    if kept:
        asking.host.log("All dependencies are managed locally by yarn3, the previous cache can be used")
    return kept


class _Asking:
    """Asks package managers, with the environment that the next step will have."""

    def __init__(self, host: ActionHost, environment: Mapping[str, str]) -> None:
        self.host = host
        self._environment = environment

    def find_kind(self, manager: str) -> str:
        """`yarn1` or `yarn2` for Yarn, which keeps its cache elsewhere since version 2."""
        if manager != "yarn":
            return manager
        version = self.ask(("yarn", "--version"), "")
        return "yarn1" if version.startswith("1.") else "yarn2"

    def ask(self, words: Sequence[str], project: str) -> str:
        """What a command prints. Raises `ActionError`."""
        program = find_program(words[0], self._environment.get("PATH", ""))
        if program is None:
            raise ActionError(
                f"Unable to locate executable file: {words[0]}. Please verify either the file path exists or the file can be found within "
                "a directory specified by the PATH environment variable. Also check the file mode to verify the file is executable."
            )
        folder = project or self.host.paths.workspace
        code, output = self.host.capture([program, *words[1:]], environment=self._environment, working_directory=folder)
        lines = [line for line in output.splitlines() if line.strip()]
        if code or not lines:
            raise ActionError(output.strip() or f"The '{' '.join(words)}' command failed with exit code: {code}")
        return lines[-1].strip()

"""uv's cache, and the Pythons that it installed, from job to job.

Source: astral-sh/setup-uv `src/cache/restore-cache.ts`, `src/save-cache.ts`, `src/hash/hash-files.ts`.
"""

import hashlib
import os
import re
import urllib.parse

from homeport.runner.actions.native.caching import find_cache, is_same_key, restore_cache, save_cache
from homeport.runner.actions.native.inputs import get_text
from homeport.runner.actions.native.semver import parse_version
from homeport.runner.actions.native.setup_uv.place import UvPlace, resolve
from homeport.runner.actions.native.setup_uv.source import machine_architecture
from homeport.runner.folders import read_file
from homeport.runner.hash_files import GlobPattern, find_files
from homeport.runner.host import ActionError, ActionHost

_FORMAT = "2"
_FORCE_SINCE = (0, 8, 24)
"""the first uv whose `cache prune` can be told not to wait for others"""


def restore_uv_cache(host: ActionHost, place: UvPlace, python: str) -> None:
    """Bring back what was kept for these dependencies, else what was kept last for this Python."""
    primary, prefix = _make_keys(host, place, python)
    host.save_state("cache-key", primary)
    host.set_output("cache-key", primary)
    if get_text(host, "restore-cache") != "true":
        place.say("restore-cache is false. Skipping restore cache step.")
        host.set_output("python-cache-hit", "false")
        return
    if _is_kept_by_machine(host, place):
        place.say(
            f"uv keeps its cache in {place.cache_folder}, which is this machine's own and outlives the job: nothing to restore"
        )
        host.set_output("cache-hit", "false")
    else:
        _restore(host, place, "cache", place.cache_folder, (primary, prefix))
    if get_text(host, "cache-python") == "true":
        _restore(host, place, "python-cache", place.python_folder, (f"{primary}-python",))
    else:
        host.set_output("python-cache-hit", "false")


def save_uv_cache(host: ActionHost, place: UvPlace) -> None:
    """Prune and keep, unless it was found under this very key."""
    if get_text(host, "save-cache") not in {"true", "auto"}:
        host.log("save-cache is false. Skipping save cache step.")
        return
    key = host.state.get("cache-key", "")
    if not key:
        host.annotate("warning", "Error retrieving cache key from state.")
        return
    folder = _find_changed(host, place)
    if is_same_key(host.state.get("cache-matched-key", ""), key):
        host.log(f"Cache hit occurred on key {key}, not saving cache.")
    elif not _is_kept_by_machine(host, place):
        if get_text(host, "prune-cache") == "true":
            _prune(host)
        _save(host, "uv cache", folder, key)
    if get_text(host, "cache-python") == "true":
        python_key = f"{key}-python"
        if is_same_key(host.state.get("python-cache-matched-key", ""), python_key):
            host.log(f"Python cache hit occurred on key {python_key}, not saving cache.")
        else:
            _save(host, "Python cache", place.python_folder, python_key)


def _is_kept_by_machine(host: ActionHost, place: UvPlace) -> bool:
    """A folder that the machine's own settings name is there for the next job anyway."""
    return place.cache_source == "environment" and not place.cache_folder.startswith(host.paths.root + "/")


def _restore(host: ActionHost, place: UvPlace, name: str, folder: str, keys: tuple[str, ...]) -> None:
    place.say(f"Trying to restore cache from GitHub Actions cache with key: {keys[0]}")
    entry = find_cache(host, [folder], keys[0], keys[1:])
    if entry is None or not restore_cache(host, entry, [folder]):
        place.say(f"No GitHub Actions cache found for key: {keys[0]}")
        host.set_output(f"{name}-hit", "false")
        return
    host.save_state(f"{name}-matched-key", entry.key)
    place.say(f"cache restored from GitHub Actions cache with key: {entry.key}")
    host.set_output(f"{name}-hit", "true")


def _save(host: ActionHost, name: str, folder: str, key: str) -> None:
    host.log(f"Including {name} path: {folder}")
    if not os.path.exists(folder):
        if get_text(host, "ignore-nothing-to-cache") != "true":
            # what is kept, in the words of the original: `dependencies` of uv's cache, `Python installations`
            what = "dependencies" if name == "uv cache" else "Python installations"
            path = "Cache path" if name == "uv cache" else "Python cache path"
            raise ActionError(
                f"{path} {folder} does not exist on disk. This likely indicates that there are no {what} to cache. "
                "Consider disabling the cache input if it is not needed."
            )
        host.log(f"No cacheable {name} paths were found. Ignoring because ignore-nothing-to-save is enabled.")
        return
    if save_cache(host, [folder], key):
        host.log(f"{name} saved with key: {key}")


def _find_changed(host: ActionHost, place: UvPlace) -> str:
    """The cache's folder, which a later step may have moved."""
    now = host.environment.get("UV_CACHE_DIR")
    if now and place.cache_source != "environment" and now != place.cache_folder:
        host.annotate(
            "warning",
            f'The environment variable UV_CACHE_DIR has been changed to "{now}", by an action or step running after astral-sh/setup-uv. '
            f'This can lead to unexpected behavior. If you expected this to happen set the cache-local-path input to "{now}" '
            f'instead of "{place.cache_folder}".',
        )
        return now
    return place.cache_folder


def _prune(host: ActionHost) -> None:
    version = parse_version(host.state.get("uv-version", ""))
    force = ("--force",) if version is not None and version.triple >= _FORCE_SINCE else ()
    host.log("Pruning cache...")
    uv = host.state.get("uv-path", "uv")
    code = host.run([uv, "cache", "prune", "--ci", *force])
    if code:
        raise ActionError(f"The process '{uv}' failed with exit code {code}")


# --- keys ------------------------------------------------------------------------------------------------------------


def _make_keys(host: ActionHost, place: UvPlace, python: str) -> tuple[str, str]:
    """(the key of these dependencies, the beginning that all keys of this Python share)."""
    dependencies = _hash_dependencies(host, place) or "no-dependency-glob"
    suffix = get_text(host, "cache-suffix")
    pruned = "-pruned" if get_text(host, "prune-cache") == "true" else ""
    with_python = "-py" if get_text(host, "cache-python") == "true" else ""
    system = f"{machine_architecture()}-{_name_platform(host)}-{_name_system(host)}"
    prefix = f"setup-uv-{_FORMAT}-{system}-{urllib.parse.quote(python, safe='')}{pruned}{with_python}"
    return f"{prefix}-{dependencies}{'-' + urllib.parse.quote(suffix, safe='') if suffix else ''}", prefix


def _hash_dependencies(host: ActionHost, place: UvPlace) -> str:
    lines = [line.strip() for line in get_text(host, "cache-dependency-glob").split("\n") if line.strip()]
    if not lines:
        return ""
    patterns = [f"{'!' if line.startswith('!') else ''}{resolve(host, line.lstrip('!'))}" for line in lines]
    shown = ",".join(patterns)
    place.say(f"Searching files using cache dependency glob: {shown}")
    total, count = hashlib.sha256(), 0
    parsed = [GlobPattern(pattern, host.paths.workspace, host.paths.home) for pattern in patterns]
    for path in find_files(parsed, follow_links=True):
        if os.path.isfile(path):
            total.update(hashlib.sha256(read_file(path)).digest())
            count += 1
    if not count:
        host.annotate(
            "warning",
            f"No file matched to [{shown}]. The cache will never get invalidated. Make sure you have checked out the target repository "
            "and configured the cache-dependency-glob input correctly.",
        )
        return ""
    return total.hexdigest()


def _name_platform(host: ActionHost) -> str:
    return "apple-darwin" if host.environment.get("RUNNER_OS") == "macOS" else "unknown-linux-gnu"


def _name_system(host: ActionHost) -> str:
    """`debian-12`: the name and version of the distribution."""
    if host.environment.get("RUNNER_OS") == "macOS":
        return f"macos-{os.uname().release}"
    try:
        text = read_file("/etc/os-release").decode("utf-8", "replace")
    except OSError:
        return "linux"
    values = dict(re.findall(r'^(\w+)="?([^"\n]*)"?$', text, re.MULTILINE))
    return f"{values.get('ID', 'linux')}-{values.get('VERSION_ID', '')}"

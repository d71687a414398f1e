"""astral-sh/setup-uv, v5 to v10: puts uv on the PATH, and keeps its cache between jobs.

| input | here |
|---|---|
| version, version-file, resolution-strategy | as the original: exact, `latest`, ranges of npm's or Python's kind; files: `uv.toml`, `pyproject.toml`, `uv.lock`, `.tool-versions`, `*.txt` |
| pyproject-file, uv-file | as `version-file` (v5) |
| python-version | as the original: sets `UV_PYTHON` (v5 makes and activates a virtual environment, too) |
| activate-environment, no-project, venv-path | as the original |
| working-directory | as the original |
| checksum | accepted, with a warning: it is that of an archive which is not what is used here |
| github-token, server-url, download-from-astral-mirror | accepted: nothing is fetched from GitHub |
| enable-cache, cache-dependency-glob, cache-suffix, cache-local-path | as the original; `auto` means off, as on every runner that is not GitHub's own |
| restore-cache, save-cache, prune-cache, cache-python | as the original |
| ignore-nothing-to-cache, ignore-empty-workdir | as the original |
| tool-dir, tool-bin-dir | as the original |
| manifest-file | refused: versions come from this machine and the package index |
| python-arch | as the original: sets `UV_PYTHON_ARCH` |
| add-problem-matchers, quiet | as the original |

Outputs: `uv-version`, `uv-path`, `uvx-path`, `cache-hit`, `cache-key`, `venv`, `python-version`, `python-cache-hit`. A uv that this machine has
(tool cache, PATH, the usual folders) is used where it fits; else the package index brings it, once. Where uv finds no Python by itself, it is
shown those of this machine. Source: the action's README, `src/setup-uv.ts`, `src/utils/inputs.ts`, `src/version/*.ts`, `src/cache/restore-cache.ts`.
"""

import os

from homeport.runner.actions.native.definition import Input, NativeDefinition
from homeport.runner.actions.native.inputs import get_boolean, get_text, used_major
from homeport.runner.actions.native.setup_uv.place import UvPlace, working_directory
from homeport.runner.actions.native.setup_uv.request import find_request
from homeport.runner.actions.native.setup_uv.source import find_uv
from homeport.runner.actions.native.traceback_matcher import TRACEBACK_MATCHER
from homeport.runner.host import ActionError, ActionHost

_GLOBS = (
    "**/*requirements*.txt",
    "**/*requirements*.in",
    "**/*constraints*.txt",
    "**/*constraints*.in",
    "**/pyproject.toml",
    "**/uv.lock",
    "**/*.py.lock",
)

DEFINITION = NativeDefinition(
    name="astral-sh/setup-uv",
    inputs=(
        Input("version"),
        Input("version-file"),
        Input("pyproject-file"),
        Input("uv-file"),
        Input("python-version"),
        Input("activate-environment", "false"),
        Input("no-project", "false"),
        Input("venv-path"),
        Input("working-directory", "${{ github.workspace }}"),
        Input("checksum", "", "accepted"),
        Input("github-token", "", "accepted"),
        Input("server-url", "", "accepted"),
        Input("download-from-astral-mirror", "true", "accepted"),
        Input("enable-cache", "auto"),
        Input("cache-dependency-glob", "\n".join(_GLOBS)),
        Input("restore-cache", "true"),
        Input("save-cache", "true"),
        Input("cache-suffix"),
        Input("cache-local-path"),
        Input("prune-cache", "true"),
        Input("cache-python", "false"),
        Input("ignore-nothing-to-cache", "false"),
        Input("ignore-empty-workdir", "false"),
        Input("tool-dir"),
        Input("tool-bin-dir"),
        Input("manifest-file", "", "refused", "another list of versions"),
        Input("python-arch"),
        Input("add-problem-matchers", "true"),
        Input("quiet", "false"),
        Input("resolution-strategy", "highest"),
    ),
    outputs=(
        "uv-version",
        "uv-path",
        "uvx-path",
        "cache-hit",
        "cache-key",
        "venv",
        "python-version",
        "python-cache-hit",
    ),
    post_if="success()",
)


def main(host: ActionHost) -> None:
    """Find, announce, restore."""
    place = UvPlace(host)
    _check_inputs(host)
    _warn_of_empty_folder(host, place)
    uv = find_uv(host, find_request(host, place), place)
    place.add_tools(uv.folder)
    _set_up_python(host, place)
    if get_text(host, "add-problem-matchers") == "true":
        host.add_matcher(TRACEBACK_MATCHER)
    place.announce_cache()
    host.set_output("uv-version", str(uv.version))
    host.save_state("uv-version", str(uv.version))
    host.resolved("tool", "uv", str(uv.version), uv.origin)
    place.say(f"Successfully installed uv version {uv.version}")
    python = place.find_python()
    host.set_output("python-version", python)
    if place.cache_is_enabled:
        # only where uv's cache is kept
        from homeport.runner.actions.native.setup_uv.caching import restore_uv_cache  # noqa: PLC0415

        restore_uv_cache(host, place, python)


def post(host: ActionHost) -> None:
    """Keep what uv has cached."""
    place = UvPlace(host, quiet=True)
    if place.cache_is_enabled:
        # only where uv's cache is kept
        from homeport.runner.actions.native.setup_uv.caching import save_uv_cache  # noqa: PLC0415

        save_uv_cache(host, place)


def _check_inputs(host: ActionHost) -> None:
    if get_text(host, "manifest-file"):
        raise ActionError(
            "manifest-file is not supported: uv comes from this machine or from the package index, in the versions that are there"
        )
    strategy = get_text(host, "resolution-strategy")
    if strategy not in {"", "highest", "lowest"}:
        raise ActionError(f"Invalid resolution-strategy: {strategy}. Must be 'highest' or 'lowest'.")
    if get_text(host, "checksum"):
        host.annotate(
            "warning",
            "The checksum was not compared: it is that of the archive on GitHub, and uv comes from this machine or the package index here.",
        )


def _warn_of_empty_folder(host: ActionHost, place: UvPlace) -> None:
    folder = working_directory(host)
    try:
        is_empty = not os.listdir(folder)
    except OSError as error:
        raise ActionError(f"The working-directory {folder} cannot be read: {error.strerror}") from error
    if is_empty and get_text(host, "ignore-empty-workdir") == "true":
        place.say("Empty workdir detected. Ignoring because ignore-empty-workdir is enabled")
    elif is_empty:
        host.annotate(
            "warning",
            "Empty workdir detected. This may cause unexpected behavior. You can enable ignore-empty-workdir to mute this warning.",
        )


def _set_up_python(host: ActionHost, place: UvPlace) -> None:
    version = place.python_version
    if version:
        place.export("UV_PYTHON", version)
    architecture = get_text(host, "python-arch")
    if architecture:
        place.export("UV_PYTHON_ARCH", architecture)
    major = used_major(host)
    if get_boolean(host, "activate-environment") or (version and major is not None and major <= 5):
        place.activate_environment()

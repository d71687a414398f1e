"""The twine of a publishing job: the one on its PATH, else one from the package index, kept in the tool cache for the next."""

import os

import msgspec

from homeport.runner.actions.native.package_index import PackageIndex, PackageIndexError
from homeport.runner.actions.native.semver import Version
from homeport.runner.actions.native.setup_python.tool_python import ToolPipError, find_tool_python, run_pip
from homeport.runner.actions.native.tool_cache import keep_tool, list_cached
from homeport.runner.host import ActionError, ActionHost
from homeport.runner.shells import find_program


class Twine(msgspec.Struct, frozen=True):
    """How twine is started: the words before its own, and what its environment has besides the step's."""

    words: tuple[str, ...]
    environment: dict[str, str]


def find_twine(host: ActionHost) -> Twine:
    """Find it, or install it. Raises `ActionError` where neither can be done."""
    found = find_program("twine", host.environment.get("PATH", ""))
    if found is not None:
        host.resolved("tool", "twine", "as found", found)
        return Twine((found,), {})
    try:
        python = find_tool_python(host)
        version, folder = _get_own(host, python)
    except (PackageIndexError, ToolPipError, OSError) as error:
        raise ActionError(
            f"twine is not on this machine, and could not be installed: {error}\nInstall it: pipx install twine"
        ) from error
    host.resolved("tool", "twine", str(version), folder)
    return Twine((python, "-m", "twine"), {"PYTHONPATH": folder, "PYTHONNOUSERSITE": "1"})


def find_python(host: ActionHost) -> str:
    """A Python for the programs of this action. Raises `ActionError`."""
    found = find_program("python3", host.environment.get("PATH", ""))
    if found is not None:
        return found
    try:
        return find_tool_python(host)
    except (PackageIndexError, ToolPipError, OSError) as error:
        raise ActionError(f"there is no Python for trusted publishing: {error}") from error


def _get_own(host: ActionHost, python: str) -> tuple[Version, str]:
    """The newest of the tool cache for this Python, else of the index."""
    code, output = host.capture([python, "-c", "import sys; print('cp%d%d' % sys.version_info[:2])"])
    if code:
        raise PackageIndexError(f"{python} cannot be run: {output.strip()}")
    kind = output.strip()
    cached = list_cached(host.paths.tool_cache, "twine", kind)
    if cached:
        newest = max(cached, key=lambda version: version.order)
        return newest, cached[newest]
    versions = PackageIndex(host).list_versions("twine")
    if not versions:
        raise PackageIndexError("the package index has no twine")
    host.log(f"Installing twine {versions[0]}")

    def fill(folder: str) -> None:
        options = ("--quiet", "--only-binary=:all:", "--retries=1", "--root-user-action=ignore")
        run_pip(host, "install", *options, "--target", folder, f"twine=={versions[0]}")

    folder = keep_tool(host.paths.tool_cache, "twine", versions[0], kind, fill)
    return versions[0], os.path.abspath(folder)

"""Brings tools from the package index that pip uses on this machine: which versions there are, and the files of one."""

import re

from homeport.runner.actions.native.semver import Version, parse_version
from homeport.runner.actions.native.setup_python.tool_python import ToolPipError, run_pip
from homeport.runner.host import ActionHost

_LISTED = re.compile(r"^Available versions: (.*)$", re.MULTILINE)


class PackageIndexError(Exception):
    """The index cannot be asked, or has not got it; the message says why."""


class PackageIndex:
    """The index, asked for one job."""

    def __init__(self, host: ActionHost) -> None:
        self._host = host

    def list_versions(self, package: str) -> list[Version]:
        """The versions that have a wheel for this machine, newest first; prereleases are left out. Raises `PackageIndexError`."""
        output = self._run("index", "versions", "--only-binary=:all:", "--retries=1", package)
        found = _LISTED.search(output)
        versions = [] if found is None else [parse_version(text) for text in found[1].split(",")]
        return [version for version in versions if version is not None]

    def install(self, package: str, version: Version, folder: str) -> None:
        """Put the files of one version into a folder, its programs into `bin` there, nothing else. Raises `PackageIndexError`."""
        options = ("--quiet", "--only-binary=:all:", "--no-deps", "--no-compile", "--retries=1")
        self._run("install", *options, "--root-user-action=ignore", "--target", folder, f"{package}=={version}")

    def _run(self, *words: str) -> str:
        try:
            return run_pip(self._host, *words)
        except ToolPipError as error:
            raise PackageIndexError(str(error)) from error

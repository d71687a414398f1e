"""Brings tools from the package index that pip uses on this machine: which versions there are, and the files of one.

Everything goes through pip, in a private Python of the job: its settings (index, proxy, certificates, `--find-links`) are those that a
step's own `pip install` would follow.
"""

import os
import re
from collections.abc import Sequence

from homeport.runner.actions.native.semver import Version, parse_version
from homeport.runner.actions.native.setup_python.discovery import find_interpreters
from homeport.runner.actions.native.setup_python.prefix import PrefixError, make_prefix
from homeport.runner.host import ActionHost

_NOT_FOR_TOOLS = frozenset(
    {
        "PYTHONHOME",
        "PYTHONPATH",
        "PIP_PREFIX",
        "PIP_TARGET",
        "PIP_USER",
        "PIP_REQUIRE_VIRTUALENV",
        "PIP_PYTHON",
        "PIP_ROOT",
    }
)
_LISTED = re.compile(r"^Available versions: (.*)$", re.MULTILINE)


class PackageIndexError(Exception):
    """The index cannot be asked, or has not got it; the message says why."""


class PackageIndex:
    """The index, asked for one job. Its Python is made when it is first needed (a tenth of a second)."""

    def __init__(self, host: ActionHost) -> None:
        self._host = host
        self._python: str | None = None

    def list_versions(self, package: str) -> list[Version]:
        """The versions that have a wheel for this machine, newest first; prereleases are left out. Raises `PackageIndexError`."""
        output = self._run("index", "versions", "--only-binary=:all:", "--retries=1", package)
        found = _LISTED.search(output)
        versions = [] if found is None else [parse_version(text) for text in found[1].split(",")]
        return [version for version in versions if version is not None]

    def install(self, package: str, version: Version, folder: str) -> None:
        """Put the files of one version into a folder, its programs into `bin` there, nothing else. Raises `PackageIndexError`."""
        options = (
            "--quiet",
            "--only-binary=:all:",
            "--no-deps",
            "--no-compile",
            "--retries=1",
            "--root-user-action=ignore",
        )
        self._run("install", *options, "--target", folder, f"{package}=={version}")

    def _run(self, *words: str) -> str:
        environment = {name: value for name, value in self._host.environment.items() if name not in _NOT_FOR_TOOLS}
        environment |= {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PYTHONNOUSERSITE": "1"}
        code, output = self._host.capture([self._find_python(), "-m", "pip", *words], environment=environment)
        if code:
            raise PackageIndexError(_pick_reason(output) or f"pip ended with exit code {code}")
        return output

    def _find_python(self) -> str:
        if self._python is None:
            self._python = find_tool_python(self._host)
        return self._python


def find_tool_python(host: ActionHost) -> str:
    """A private Python with a recent pip, the newest of this machine, for the tools of actions; made once a job. Raises `PackageIndexError`."""
    here = find_interpreters(host.environment, host.paths.tool_cache)
    plain = [each for each in here if not (each.pypy or each.freethreaded or each.version.stage)]
    prefix = os.path.join(host.paths.root, "Python-for-tools")
    python = os.path.join(prefix, "bin", "python")
    if os.path.isdir(prefix):
        return python
    reasons: Sequence[str] = ()
    for interpreter in sorted(plain, key=lambda each: each.version.order, reverse=True):
        try:
            make_prefix(interpreter, here, prefix, host.paths.tool_cache)
        except (PrefixError, OSError) as error:
            reasons = [*reasons, str(error)]
        else:
            return python
    raise PackageIndexError("; ".join(reasons) or "there is no Python on this machine to run pip with")


def _pick_reason(output: str) -> str:
    """Why pip failed: a word about the connection where there is one, and its last error."""
    lines = [line.strip() for line in output.splitlines()]
    connection = [line for line in lines if line.startswith("WARNING: Retrying")][:1]
    errors = [line for line in lines if line.startswith("ERROR:")][-1:]
    return " ".join([*errors, *connection])

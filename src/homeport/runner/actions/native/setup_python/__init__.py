"""actions/setup-python, v3 to v6: gives the job a Python of its own, made from one that this machine has.

| input | here |
|---|---|
| python-version | as the original: versions, ranges (npm's semver), `3.13t`, `3.14-dev`, `pypy3.10`, several lines; GraalPy is refused |
| python-version-file | `.python-version`, `pyproject.toml`, `Pipfile`, `.tool-versions` |
| cache, cache-dependency-path | `pip`, `pipenv`, `poetry`, with the original's keys |
| architecture | this machine's own; another is refused |
| check-latest | accepted: the newest Python of this machine is always used |
| update-environment, allow-prereleases, freethreaded | as the original |
| pip-version, pip-install | as the original (both may need a package index) |
| token | accepted: nothing is fetched from GitHub |

Outputs: `python-version`, `python-path`, `cache-hit`. Where the original downloads a version that is missing, uv is asked to install it; where
that is not possible the step fails and lists what there is. The prefix is private to the job: what it installs there nobody else sees.
Source: the action's README, `docs/advanced-usage.md`, `src/find-python.ts`, `src/setup-python.ts`.
"""

import os
import re

import msgspec

from homeport.runner.actions.native.definition import Input, NativeDefinition
from homeport.runner.actions.native.inputs import get_boolean, get_text
from homeport.runner.actions.native.setup_python.choice import choose_interpreter
from homeport.runner.actions.native.setup_python.discovery import Interpreter, find_interpreters, machine_architecture
from homeport.runner.actions.native.setup_python.pip_refresh import refresh_pip
from homeport.runner.actions.native.setup_python.prefix import PrefixError, make_prefix
from homeport.runner.actions.native.setup_python.version_files import find_wishes
from homeport.runner.actions.native.setup_python.versions import Wish, parse_wish
from homeport.runner.actions.native.traceback_matcher import TRACEBACK_MATCHER
from homeport.runner.host import ActionError, ActionHost

DEFINITION = NativeDefinition(
    name="actions/setup-python",
    inputs=(
        Input("python-version"),
        Input("python-version-file"),
        Input("cache"),
        Input("architecture", "", "refused", "another architecture than the machine's"),
        Input("check-latest", "false", "accepted"),
        Input("token", "", "accepted"),
        Input("cache-dependency-path"),
        Input("update-environment", "true"),
        Input("allow-prereleases", "false"),
        Input("freethreaded", "false"),
        Input("pip-version"),
        Input("pip-install"),
    ),
    outputs=("python-version", "python-path", "cache-hit"),
    post_if="success()",
)


class _Ready(msgspec.Struct, frozen=True):
    """A prefix, and its version as cache keys have it."""

    prefix: str
    version: str

    @property
    def python(self) -> str:
        """The interpreter."""
        return os.path.join(self.prefix, "bin", "python")


def main(host: ActionHost) -> None:
    """Find, build, announce."""
    wishes = [_parse(host, text) for text in find_wishes(host)]
    _check_architecture(host)
    if wishes:
        ready = _set_up_all(host, wishes)
        _install_packages(host, ready.python)
        manager = get_text(host, "cache")
        if manager:
            # only where dependencies are cached
            from homeport.runner.actions.native.setup_python.dependency_cache import restore_dependencies  # noqa: PLC0415

            restore_dependencies(host, manager, ready.version)
    else:
        host.annotate(
            "warning",
            "The `python-version` input is not set.  The version of Python currently in `PATH` will be used.",
        )
    host.add_matcher(TRACEBACK_MATCHER)


def post(host: ActionHost) -> None:
    """Keep what the package manager has."""
    manager = get_text(host, "cache")
    if manager:
        # only where dependencies are cached
        from homeport.runner.actions.native.setup_python.dependency_cache import save_dependencies  # noqa: PLC0415

        save_dependencies(host, manager)


def _parse(host: ActionHost, text: str) -> Wish:
    if text.startswith("graalpy"):
        raise ActionError(f"GraalPy is not supported by this build: '{text}'")
    try:
        return parse_wish(
            text,
            allow_prereleases=get_boolean(host, "allow-prereleases"),
            freethreaded=get_boolean(host, "freethreaded"),
        )
    except ValueError as error:
        raise ActionError(str(error)) from error


def _check_architecture(host: ActionHost) -> None:
    wanted, own = get_text(host, "architecture"), machine_architecture()
    if wanted and wanted.lower() != own:
        raise ActionError(f"The architecture '{wanted}' cannot be had on this machine, which is '{own}'.")


def _set_up_all(host: ActionHost, wishes: list[Wish]) -> _Ready:
    """Set up each; the last one is the job's `python`."""
    here = find_interpreters(host.environment, host.paths.tool_cache)
    host.log("##[group]Installed versions")
    ready = [_set_up(host, choose_interpreter(host, wish, here), here) for wish in wishes]
    if get_boolean(host, "update-environment"):
        _announce(host, [each.prefix for each in ready])
    host.log("##[endgroup]")
    return ready[-1]


def _set_up(host: ActionHost, interpreter: Interpreter, here: list[Interpreter]) -> _Ready:
    architecture = machine_architecture() + ("-freethreaded" if interpreter.freethreaded else "")
    family = "PyPy" if interpreter.pypy else "Python"
    prefix = os.path.join(host.paths.root, family, str(interpreter.version), architecture)
    try:
        if not os.path.isdir(prefix):
            refresh_pip(host, interpreter, here)
            make_prefix(interpreter, here, prefix, host.paths.tool_cache)
    except PrefixError as error:
        raise ActionError(str(error)) from error
    except OSError as error:
        raise ActionError(f"Python {interpreter.label} could not be set up: {error}") from error
    ready = _Ready(prefix, _name_for_keys(interpreter))
    host.set_output("python-version", _name_version(interpreter))
    host.set_output("python-path", ready.python)
    host.resolved("tool", "python", interpreter.label, f"{interpreter.source}: {interpreter.prefix}")
    if interpreter.pypy:
        host.log(f"Successfully set up PyPy {interpreter.pypy} with Python ({interpreter.version})")
    else:
        host.log(f"Successfully set up CPython ({_name_version(interpreter)})")
    return ready


def _name_for_keys(interpreter: Interpreter) -> str:
    return f"{interpreter.pypy}-{interpreter.version}" if interpreter.pypy else _name_version(interpreter)


def _name_version(interpreter: Interpreter) -> str:
    if interpreter.pypy:
        return f"pypy{interpreter.pypy}"
    return f"{interpreter.version}{'t' if interpreter.freethreaded else ''}"


def _announce(host: ActionHost, prefixes: list[str]) -> None:
    """The variables and the PATH, in the original's order: what is set up last goes first."""
    last = prefixes[-1]
    for name in ("pythonLocation", "Python_ROOT_DIR", "Python2_ROOT_DIR", "Python3_ROOT_DIR"):
        host.export_variable(name, last)
    host.export_variable("PKG_CONFIG_PATH", f"{last}/lib/pkgconfig")
    if host.environment.get("RUNNER_OS", "Linux") == "Linux":
        before = [folder for folder in host.environment.get("LD_LIBRARY_PATH", "").split(":") if folder]
        libraries = [f"{prefix}/lib" for prefix in reversed(prefixes)]
        host.export_variable("LD_LIBRARY_PATH", ":".join(dict.fromkeys([*libraries, *before])))
    for prefix in prefixes:
        host.add_path(prefix)
        host.add_path(os.path.join(prefix, "bin"))


def _install_packages(host: ActionHost, python: str) -> None:
    pip_version, packages = get_text(host, "pip-version"), get_text(host, "pip-install")
    if pip_version:
        if re.fullmatch(r"\d+(\.\d+)?(\.\d+)?", pip_version) is None:
            raise ActionError(
                f'Invalid pip version "{pip_version}". Please specify a version in the format major[.minor][.patch].'
            )
        host.log(f"pip-version input is specified. Installing pip version {pip_version}")
        options = ("--disable-pip-version-check", "--no-warn-script-location")
        _run_pip(host, [python, "-m", "pip", "install", "--upgrade", f"pip=={pip_version}", *options])
    if packages:
        host.log(f"Installing pip packages: {packages}")
        _run_pip(host, [python, "-m", "pip", "install", *packages.split()])
        host.log("Successfully installed pip packages")


def _run_pip(host: ActionHost, words: list[str]) -> None:
    code = host.run(words)
    if code:
        raise ActionError(f"The process '{words[0]}' failed with exit code {code}")

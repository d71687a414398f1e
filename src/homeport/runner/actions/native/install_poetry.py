"""snok/install-poetry, v1 to v1: installs Poetry into an environment of its own below the home folder, and sets it up.

| input | here |
|---|---|
| version | as the original: a version, or `latest` |
| virtualenvs-create, virtualenvs-in-project, virtualenvs-path | as the original |
| installer-parallel | as the original |
| installation-arguments | `--git`, `--path`, `--preview`, `--force`, `--yes`, `--version`; others are refused |
| plugins | as the original |

It has no outputs; it exports `VENV`. Poetry comes from the package index, for the `python3` of the job; the original fetches an installer that does
the same. Source: the action's README, `action.yml`, `main.sh`; Poetry's installer (its options and folders).
"""

import os
import re

import msgspec

from homeport.runner.actions.native.definition import Input, NativeDefinition
from homeport.runner.actions.native.inputs import get_text
from homeport.runner.folders import make_folder, remove_tree, write_file
from homeport.runner.host import ActionError, ActionHost
from homeport.runner.shells import find_program

DEFINITION = NativeDefinition(
    name="snok/install-poetry",
    inputs=(
        Input("version", "latest"),
        Input("virtualenvs-create", "true"),
        Input("virtualenvs-in-project", "false"),
        Input("virtualenvs-path", "{cache-dir}/virtualenvs"),
        Input("installer-parallel", "true"),
        Input("installation-arguments"),
        Input("plugins"),
    ),
    outputs=(),
)

_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}
_WITHOUT_VALUE = frozenset({"-y", "--yes", "--accept-all", "-f", "--force", "-p", "--preview"})
_WITH_VALUE = frozenset({"--git", "--path", "--version"})


class _Wish(msgspec.Struct, frozen=True):
    """What is to be installed, in the words of pip, and whether that may be a prerelease."""

    specification: str
    prereleases: bool


def main(host: ActionHost) -> None:
    """Install, announce, set up."""
    settings = _read_settings(host)
    wish = _read_wish(host)
    home = host.environment.get("HOME", host.paths.home)
    place = os.path.join(home, ".local")
    host.log(f"\n\033[33mSetting Poetry installation path as {place}\033[0m\n\n\033[33mInstalling Poetry 👷\033[0m\n")
    program = _install(host, wish, place)
    host.add_path(os.path.join(place, "bin"))
    environment = {**host.environment, "PATH": f"{place}/bin:{host.environment.get('PATH', '')}"}
    _write_settings(host, settings, home, program, environment)
    host.export_variable("VENV", ".venv/bin/activate")
    plugins = get_text(host, "plugins").split()
    if plugins:
        _run(host, [program, "self", "add", *plugins], environment)
    host.log("\n\033[33mInstallation completed. Configuring settings 🛠\033[0m\n\n\033[33mDone ✅\033[0m")
    if settings["virtualenvs.create"]:
        host.log(
            "\n\033[33mIf you are creating a venv in your project, you can activate it by running 'source .venv/bin/activate'. "
            "If you're running this in an OS matrix, you can use 'source $VENV' instead, as an OS agnostic option\033[0m"
        )


# --- what is asked for -----------------------------------------------------------------------------------------------


def _read_settings(host: ActionHost) -> dict[str, bool | str]:
    """The settings by Poetry's names. Raises `ActionError` in Poetry's words for what is no boolean."""
    named = {
        "virtualenvs.create": "virtualenvs-create",
        "virtualenvs.in-project": "virtualenvs-in-project",
        "installer.parallel": "installer-parallel",
    }
    settings: dict[str, bool | str] = {}
    for setting, name in named.items():
        value = get_text(host, name).lower()
        if value not in _BOOLEANS:
            raise ActionError(f"'{value}' is an invalid value for {setting}")
        settings[setting] = _BOOLEANS[value]
    path = get_text(host, "virtualenvs-path")
    home = host.environment.get("HOME", host.paths.home)
    settings["virtualenvs.path"] = home + path[1:] if path.startswith("~") else path
    return settings


def _read_wish(host: ActionHost) -> _Wish:
    given: dict[str, str] = {}
    version = get_text(host, "version")
    if version != "latest":
        given["--version"] = version
    words = iter(get_text(host, "installation-arguments").split())
    for word in words:
        option, equals, value = word.partition("=")
        if option in _WITHOUT_VALUE and not equals:
            given[option] = ""
        elif option in _WITH_VALUE:
            given[option] = value if equals else next(words, "")
            if not given[option]:
                raise ActionError(f"installation-arguments: argument {option}: expected one argument")
        else:
            raise ActionError(
                f"installation-arguments: '{word}' is refused: known are {', '.join(sorted(_WITH_VALUE | _WITHOUT_VALUE))}"
            )
    return _describe_wish(host, given)


def _describe_wish(host: ActionHost, given: dict[str, str]) -> _Wish:
    prereleases = bool(given.keys() & {"-p", "--preview"})
    if "--git" in given:
        address = given["--git"]
        return _Wish(address if address.startswith("git+") else f"git+{address}", prereleases)
    if "--path" in given:
        return _Wish(os.path.normpath(os.path.join(host.paths.workspace, given["--path"])), prereleases)
    version = given.get("--version", "")
    if not version:
        return _Wish("poetry", prereleases)
    if re.fullmatch(r"\d[\w.!+-]*", version) is None:
        raise ActionError(f"Version {version} does not exist.")
    return _Wish(f"poetry=={version}", prereleases)


# --- installing ------------------------------------------------------------------------------------------------------


def _install(host: ActionHost, wish: _Wish, place: str) -> str:
    """An environment, Poetry in it, its program on the PATH: as Poetry's installer leaves it."""
    python = find_program("python3", host.environment.get("PATH", ""))
    if python is None:
        raise ActionError("python3: command not found. Use actions/setup-python before this step.")
    folder, program = os.path.join(place, "venv"), os.path.join(place, "bin", "poetry")
    try:
        remove_tree(folder)
        remove_tree(program)
        make_folder(os.path.dirname(program))
    except OSError as error:
        raise ActionError(f"Poetry could not be installed into {place}: {error}") from error
    options = ["--disable-pip-version-check", *(["--pre"] if wish.prereleases else [])]
    _run(host, [*_make_environment(host, python, folder), "install", *options, wish.specification])
    installed = os.path.join(folder, "bin", "poetry")
    if not os.path.exists(installed):
        raise ActionError(f"'{wish.specification}' has no program that is called poetry")
    os.symlink(installed, program)
    _report(host, installed)
    return program


def _make_environment(host: ActionHost, python: str, folder: str) -> list[str]:
    """Make it, and say how pip installs into it: the job's own pip where it can, which saves the time to make another."""
    code, _ = host.capture([python, "-m", "pip", "--python", python, "--version"])
    if code == 0:
        _run(host, [python, "-m", "venv", "--without-pip", folder])
        return [python, "-m", "pip", "--python", os.path.join(folder, "bin", "python")]
    _run(host, [python, "-m", "venv", folder])
    return [os.path.join(folder, "bin", "python"), "-m", "pip"]


def _report(host: ActionHost, program: str) -> None:
    code, output = host.capture([program, "--version"])
    match = re.search(r"(\d[\w.+-]*)", output)
    if code or match is None:
        raise ActionError(f"Poetry was installed, but does not run: {output.strip()}")
    host.log(f"Poetry ({match[1]}) is installed now. Great!")
    host.resolved("tool", "poetry", match[1], "package index")


def _write_settings(
    host: ActionHost, settings: dict[str, bool | str], home: str, program: str, environment: dict[str, str]
) -> None:
    """In Poetry's own file where there is none yet: each `poetry config` would take as long as a start of Poetry."""
    base = environment.get("POETRY_CONFIG_DIR") or os.path.join(
        environment.get("XDG_CONFIG_HOME") or os.path.join(home, ".config"), "pypoetry"
    )
    path = os.path.join(base, "config.toml")
    if os.path.exists(path) or environment.get("RUNNER_OS") == "macOS":
        for name, value in settings.items():
            _run(host, [program, "config", name, str(value).lower() if isinstance(value, bool) else value], environment)
        return
    tables: dict[str, list[str]] = {}
    for name, value in settings.items():
        table, _, key = name.partition(".")
        tables.setdefault(table, []).append(f"{key} = {msgspec.json.encode(value).decode()}")
    text = "\n\n".join("\n".join([f"[{table}]", *lines]) for table, lines in tables.items())
    try:
        make_folder(base)
        write_file(path, f"{text}\n".encode())
    except OSError as error:
        raise ActionError(f"{path} cannot be written: {error}") from error


def _run(host: ActionHost, words: list[str], environment: dict[str, str] | None = None) -> None:
    code = host.run(words, environment=environment)
    if code:
        raise ActionError(f"Process completed with exit code {code}.")

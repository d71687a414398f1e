"""Where uv works in a job: its folders, the variables that name them, the Pythons that it finds.

Source: astral-sh/setup-uv `src/utils/inputs.ts`, `src/setup-uv.ts`.
"""

import os
from typing import Any

from homeport.runner.actions.native.inputs import get_boolean, get_text
from homeport.runner.actions.native.setup_python.discovery import find_interpreters
from homeport.runner.actions.native.setup_uv.version_files import VersionFileError, read_cache_dir, read_tool_version
from homeport.runner.folders import make_folder
from homeport.runner.host import ActionError, ActionHost

_EVENTS_WITHOUT_CACHE = frozenset({"pull_request_target", "workflow_run", "release"})


def working_directory(host: ActionHost) -> str:
    """The input as an absolute path."""
    return os.path.normpath(os.path.join(host.paths.workspace, get_text(host, "working-directory")))


def resolve(host: ActionHost, text: str) -> str:
    """A path of an input: from the working directory, `~` for the home folder."""
    home = host.environment.get("HOME", host.paths.home)
    expanded = home + text[1:] if text.startswith("~") else text
    return os.path.normpath(os.path.join(working_directory(host), expanded))


class UvPlace:
    """The settings of one use. It keeps what the step has exported so far, for the programs that it starts itself."""

    def __init__(self, host: ActionHost, *, quiet: bool = False) -> None:
        self._host = host
        self._quiet = quiet or get_text(host, "quiet") == "true"
        self._environment = dict(host.environment)
        self._home = host.environment.get("HOME", host.paths.home)
        self.folder = working_directory(host)
        self.version_file = self._find_version_file()
        self.cache_is_enabled = self._is_cache_enabled()
        self.cache_folder, self.cache_source = self._find_cache()
        self.python_folder = self._environment.get("UV_PYTHON_INSTALL_DIR") or f"{self._home}/.local/share/uv/python"
        self.python_version = self._find_python_version()
        self.uv = ""

    def say(self, text: str) -> None:
        """A line of the log that `quiet` leaves out."""
        if not self._quiet:
            self._host.log(text)

    def export(self, name: str, value: str) -> None:
        """Set a variable for the job, and say so."""
        self._host.export_variable(name, value)
        self._environment[name] = value
        self.say(f"Set {name} to {value}")

    def _add_path(self, folder: str, named: str = "") -> None:
        if "UV_NO_MODIFY_PATH" in self._host.environment:
            self.say(f"UV_NO_MODIFY_PATH is set, not adding {named or folder} to path")
            return
        self._host.add_path(folder)
        self._environment["PATH"] = f"{folder}:{self._environment.get('PATH', '')}"
        self.say(f"Added {folder} to the path")

    # --- uv itself -----------------------------------------------------------------------------------------------------

    def add_tools(self, folder: str) -> None:
        """Programs that uv installs, and uv, on the PATH; where tools and Pythons are kept."""
        host = self._host
        bin_folder = get_text(host, "tool-bin-dir")
        if bin_folder:
            self.export("UV_TOOL_BIN_DIR", resolve(host, bin_folder))
            self._add_path(resolve(host, bin_folder))
        else:
            self._add_path(self._find_user_bin(), "user local bin")
        host.set_output("uv-path", f"{folder}/uv")
        host.save_state("uv-path", f"{folder}/uv")
        host.set_output("uvx-path", f"{folder}/uvx")
        self.uv = f"{folder}/uv"
        self._add_path(folder)
        tools = get_text(host, "tool-dir")
        if tools:
            self.export("UV_TOOL_DIR", resolve(host, tools))
        self.export("UV_PYTHON_INSTALL_DIR", self.python_folder)
        self._add_path(self.python_folder, "python dir")

    def _find_user_bin(self) -> str:
        environment = self._environment
        if "XDG_BIN_HOME" in environment:
            return environment["XDG_BIN_HOME"]
        if "XDG_DATA_HOME" in environment:
            return f"{environment['XDG_DATA_HOME']}/../bin"
        return f"{self._home}/.local/bin"

    def run(self, *words: str) -> None:
        """Run uv as part of the step. Raises `ActionError` where it fails."""
        code = self._host.run([self.uv, *words], environment=self._environment, working_directory=self.folder)
        if code:
            raise ActionError(f"The process '{self.uv}' failed with exit code {code}")

    # --- Python --------------------------------------------------------------------------------------------------------

    def find_python(self) -> str:
        """The version of the Python that uv will use, or `unknown`. Where it finds none it is shown those of this machine."""
        path = self._ask_for_python()
        if path is None and self._show_pythons():
            path = self._ask_for_python()
        if self.python_version or path is None:
            return self.python_version or "unknown"
        code, output = self._host.capture([path, "--version"], environment=self._environment)
        words = output.split()
        return words[-1] if code == 0 and words else "unknown"

    def activate_environment(self) -> None:
        """Make a virtual environment and put it first."""
        host = self._host
        if "UV_NO_MODIFY_PATH" in host.environment:
            raise ActionError("UV_NO_MODIFY_PATH and activate-environment cannot be used together.")
        given = get_text(host, "venv-path")
        folder = resolve(host, given) if given else os.path.join(self.folder, ".venv")
        if self._ask_for_python() is None:
            self._show_pythons()
        self.say(f"Activating python venv at {folder}...")
        self.run("venv", folder, *(("--no-project",) if get_boolean(host, "no-project") else ()))
        host.add_path(f"{folder}/bin")
        self._environment["PATH"] = f"{folder}/bin:{self._environment.get('PATH', '')}"
        host.export_variable("VIRTUAL_ENV", folder)
        self._environment["VIRTUAL_ENV"] = folder
        host.set_output("venv", folder)

    def _ask_for_python(self) -> str | None:
        # one that had to be fetched is none yet; what uv learns of interpreters is kept from job to job
        kept = os.path.join(self._host.paths.tool_cache, "homeport-uv-cache")
        environment = {**self._environment, "UV_PYTHON_DOWNLOADS": "never", "UV_CACHE_DIR": kept}
        asked = self.python_version or environment.get("UV_PYTHON")  # `python find` itself does not read the variable
        words = [self.uv, "python", "find", "--directory", self.folder, *([asked] if asked else [])]
        code, output = self._host.capture(words, environment=environment, working_directory=self.folder)
        lines = output.split("\n")
        return lines[0].strip() if code == 0 and os.path.isabs(lines[0]) else None

    def _show_pythons(self) -> bool:
        """Link the Pythons of this machine where uv looks; on GitHub's machines it would download one. Tells whether there are any."""
        if "UV_NO_MODIFY_PATH" in self._host.environment:
            return False
        make_folder(self.python_folder)
        shown = False
        for each in find_interpreters(self._host.environment, self._host.paths.tool_cache):
            link = os.path.join(self.python_folder, f"{'pypy' if each.pypy else 'python'}{each.short}")
            if not os.path.lexists(link):
                os.symlink(each.executable, link)
                shown = True
        return shown

    def _find_python_version(self) -> str:
        given = get_text(self._host, "python-version")
        if given or self._environment.get("UV_PYTHON") or not self.version_file.endswith(".tool-versions"):
            return given
        try:
            return read_tool_version(self.version_file, "python") or ""
        except VersionFileError as error:
            self._host.annotate("warning", f"Error while parsing Python version from {self.version_file}: {error}")
            return ""

    # --- files and folders ---------------------------------------------------------------------------------------------

    def _find_version_file(self) -> str:
        for name in ("version-file", "uv-file", "pyproject-file"):
            given = get_text(self._host, name)
            if given:
                return resolve(self._host, given)
        return ""

    def _is_cache_enabled(self) -> bool:
        given = get_text(self._host, "enable-cache")
        if given != "auto":
            return given == "true"
        if self._environment.get("RUNNER_ENVIRONMENT") != "github-hosted":
            return False
        github: Any = self._host.github
        event = str(github.get("event_name") or "")
        if event == "push" and str(github.get("ref") or "").startswith("refs/tags/"):
            self.say("Caching is disabled for tag pushes")
            return False
        if event in _EVENTS_WITHOUT_CACHE:
            self.say(f"Caching is disabled for the {event} event")
            return False
        return True

    def _find_cache(self) -> tuple[str, str]:
        """The folder of uv's cache and who named it; empty where nobody did."""
        given = get_text(self._host, "cache-local-path")
        if given:
            return resolve(self._host, given), "input"
        for file in filter(None, (self.version_file, f"{self.folder}/uv.toml", f"{self.folder}/pyproject.toml")):
            configured = read_cache_dir(file)
            if configured:
                self.say(f"Found cache-dir in {file}: {configured}")
                return resolve(self._host, configured), "config"
        named = self._environment.get("UV_CACHE_DIR")
        if named is not None:
            self.say(f"UV_CACHE_DIR is already set to {named}")
            return named, "environment"
        return (f"{self._home}/.cache/uv", "default") if self.cache_is_enabled else ("", "")

    def announce_cache(self) -> None:
        """Set `UV_CACHE_DIR`, unless a file of uv's names the folder."""
        if self.cache_source == "config":
            self.say("Using cache-dir from uv config file, not modifying UV_CACHE_DIR")
        elif self.cache_folder:
            self.export("UV_CACHE_DIR", self.cache_folder)

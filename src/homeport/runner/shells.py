"""Turns a step's `shell` into a command line.

Source: actions/runner `ScriptHandler` and `ScriptHandlerHelpers`; GitHub docs, "Workflow syntax: jobs.<job_id>.steps[*].shell".
"""

import os
import re

import msgspec

_ARGUMENTS = {
    "cmd": '/D /E:ON /V:OFF /S /C "CALL "{0}""',
    "pwsh": "-command \". '{0}'\"",
    "powershell": "-command \". '{0}'\"",
    "bash": "--noprofile --norc -e -o pipefail {0}",
    "sh": "-e {0}",
    "python": "{0}",
}
_EXTENSIONS = {"cmd": ".cmd", "pwsh": ".ps1", "powershell": ".ps1", "bash": ".sh", "sh": ".sh", "python": ".py"}


class ShellError(Exception):
    """A `shell` that cannot be used."""


class Shell(msgspec.Struct, frozen=True):
    """A program with the template of its arguments; `{0}` stands for the script."""

    name: str
    program: str
    template: str

    @property
    def label(self) -> str:
        """What GitHub prints after `shell:`."""
        return f"{self.program} {self.template}"

    @property
    def extension(self) -> str:
        """The file name extension of its scripts."""
        return _EXTENSIONS.get(self.name.lower(), "")

    def arguments(self, script_path: str) -> tuple[str, ...]:
        """The command line that runs a script."""
        return (self.program, *(_fill(argument, script_path) for argument in _split(self.template)))

    def complete(self, script: str) -> str:
        """The script as it is written to its file: PowerShell and cmd are told to stop at errors and to pass on exit codes."""
        if self.name in {"pwsh", "powershell"}:
            tail = "if ((Test-Path -LiteralPath variable:\\LASTEXITCODE)) { exit $LASTEXITCODE }"
            return f"$ErrorActionPreference = 'stop'\n{script}\n{tail}"
        return f"@echo off\n{script}" if self.name == "cmd" else script


def find_shell(written: str, search_path: str) -> Shell:
    """The shell that a `shell` key names (empty: bash, else sh), with its program found in PATH. Raises `ShellError`."""
    if not written:
        program = find_program("bash", search_path) or _require_program("sh", search_path)
        return Shell("sh", program, _ARGUMENTS["sh"])
    name, _, template = written.partition(" ")
    template = _check(written, template.lstrip() or _ARGUMENTS.get(name.lower(), ""))
    return Shell(name, _require_program(name, search_path), template)


def name_shell(written: str) -> Shell:
    """The same where the machine's programs do not count: in a container, where `sh` is what GitHub takes if no shell is named, also
    beside a bash (actions/runner `ScriptHandler`; docs: "Running jobs in a container"). Raises `ShellError`.
    """
    name, _, template = (written or "sh").partition(" ")
    return Shell(name, name, _check(written, template.lstrip() or _ARGUMENTS.get(name.lower(), "")))


def find_program(name: str, search_path: str) -> str | None:
    """A program by its path, or by its name in PATH."""
    candidates = [name] if "/" in name else [f"{folder or '.'}/{name}" for folder in search_path.split(":")]
    return next((path for path in candidates if os.access(path, os.X_OK) and not os.path.isdir(path)), None)


def _check(written: str, template: str) -> str:
    if "{0}" not in template:
        raise ShellError(
            f"Invalid shell option '{written}'. Shell must be a valid built-in (bash, sh, cmd, powershell, pwsh, python) "
            "or a format string containing '{0}'"
        )
    return template


def _require_program(name: str, search_path: str) -> str:
    program = find_program(name, search_path)
    if program is None:
        raise ShellError(f"{name}: command not found. The step's shell must be installed and in PATH ({search_path})")
    return program


def _split(template: str) -> list[str]:
    """Split at blanks outside of double quotes; a backslash escapes a double quote only (as .NET splits command lines)."""
    arguments: list[str] = []
    current = ""
    quoted = started = False
    position = 0
    while position < len(template):
        character = template[position]
        if character == "\\" and template[position + 1 : position + 2] == '"':
            current += '"'
            started = True
            position += 1
        elif character == '"':
            quoted = not quoted
            started = True
        elif character in " \t" and not quoted:
            if started or current:
                arguments.append(current)
            current, started = "", False
        else:
            current += character
        position += 1
    return [*arguments, current] if started or current else arguments


def _fill(argument: str, script_path: str) -> str:
    if argument == "{0}":
        return script_path
    if "{" not in argument and "}" not in argument:
        return argument

    def replace(field: "re.Match[str]") -> str:
        if field[0] in {"{{", "}}"}:
            return field[0][0]
        if field[1] != "0":
            raise ShellError(f"Invalid shell option: '{field[0]}' is not '{{0}}'; braces of your own are written twice")
        return script_path

    return re.sub(r"\{\{|\}\}|\{([^{}]*)\}|[{}]", replace, argument)

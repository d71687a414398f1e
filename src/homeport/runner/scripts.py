"""Runs the script of a `run` step.

Source: actions/runner `ScriptHandler`: the header that it prints, where the script is written, which shell and folder it gets.
"""

import os

from homeport.language import nodes
from homeport.runner.folders import write_file
from homeport.runner.frame import StepFrame
from homeport.runner.session import Defaults
from homeport.runner.shells import Shell, find_shell, name_shell

_NO_DEFAULTS = Defaults()
_NOT_FOUND = 127
"""what a shell ends with that finds no such command"""


def run_script(frame: StepFrame, step: nodes.RunStep) -> int:
    """The exit code of the script. Raises what `StepFrame.run` raises, `EvaluationError`, `ShellError` and `OSError`."""
    session = frame.session
    # the steps of an action must name their shell; a job's defaults are not for them
    defaults = _NO_DEFAULTS if frame.scope.is_action else session.defaults
    if frame.scope.is_action:
        # their `env` sees which action they stand in, their script does not (docs: "github.action_ref")
        frame.github.update(action_repository="", action_ref="")
    frame.open_files()
    script = frame.text(step.script)
    folder = frame.text(step.working_directory) or defaults.working_directory
    frame.working_directory = os.path.normpath(os.path.join(session.paths.workspace, folder))
    environment = frame.environment()
    written = frame.text(step.shell) or defaults.shell
    shell = find_shell(written, environment["PATH"]) if session.path_map is None else name_shell(written)
    frame.record.voice.log.write(render_header(script, shell, frame.env))
    path = f"{session.paths.temp}/{session.next_name()}{shell.extension}"
    write_file(path, shell.complete(script).encode("utf-8", "replace"))
    code = frame.run(shell.arguments(path), environment, frame.working_directory)
    if code == _NOT_FOUND and session.path_map is None:  # what a container's image has is not known here
        _tell_what_is_missing(frame, script, environment["PATH"])
    return code


def _tell_what_is_missing(frame: StepFrame, script: str, search_path: str) -> None:
    from homeport.runner.manners.tools import explain_not_found  # noqa: PLC0415 - seldom, and its table is not small

    for sentence in explain_not_found(script, search_path):
        frame.record.voice.log.write(sentence)


def render_header(script: str, shell: Shell, env: dict[str, str]) -> str:
    """What is printed before a script runs: its first line, all of it, its shell and its environment."""
    first_line = script.lstrip(" \t\r\n").replace("\r", "\n").partition("\n")[0]
    lines = [f"##[group]Run {first_line}"]
    lines += [f"\x1b[36;1m{line}\x1b[0m" for line in script.replace("\r\n", "\n").rstrip("\n").split("\n")]
    lines.append(f"shell: {shell.label}")
    return "\n".join([*lines, *render_env(env), "##[endgroup]"])


def render_env(env: dict[str, str]) -> list[str]:
    """The lines of the header that show the environment."""
    return ["env:", *(f"  {name}: {value}" for name, value in env.items())] if env else []

"""From `shell` to a command line."""

import os
from pathlib import Path

import pytest

from homeport.runner.shells import Shell, ShellError, find_shell

PATH = os.environ["PATH"]


@pytest.fixture
def tools(tmp_path: Path) -> str:
    for name in ("bash", "sh", "python", "pwsh", "cmd", "perl"):
        (tmp_path / name).write_text("")
        (tmp_path / name).chmod(0o755)
    return str(tmp_path)


@pytest.mark.parametrize(
    ("written", "program", "arguments", "extension"),
    [
        ("", "bash", ("-e", "S"), ".sh"),
        ("bash", "bash", ("--noprofile", "--norc", "-e", "-o", "pipefail", "S"), ".sh"),
        ("sh", "sh", ("-e", "S"), ".sh"),
        ("python", "python", ("S",), ".py"),
        ("pwsh", "pwsh", ("-command", ". 'S'"), ".ps1"),
        ("cmd", "cmd", ("/D", "/E:ON", "/V:OFF", "/S", "/C", "CALL S"), ".cmd"),
        ("bash -x {0} --flag", "bash", ("-x", "S", "--flag"), ".sh"),
        ("perl -e \"do '{0}'\"", "perl", ("-e", "do 'S'"), ""),
        ("perl {{}} {0}", "perl", ("{}", "S"), ""),
    ],
)
def test_every_shell_has_its_command_line(
    tools: str, written: str, program: str, arguments: tuple[str, ...], extension: str
) -> None:
    """GitHub docs, "Workflow syntax: jobs.<job_id>.steps[*].shell"; ADR 0277."""
    shell = find_shell(written, tools)
    assert shell.arguments("S") == (f"{tools}/{program}", *arguments)
    assert shell.extension == extension


def test_the_default_is_sh_where_there_is_no_bash(tools: str) -> None:
    (Path(tools) / "bash").unlink()
    assert find_shell("", tools).label == f"{tools}/sh -e {{0}}"


def test_the_path_of_a_script_may_hold_blanks() -> None:
    assert Shell("bash", "/bin/bash", "-e {0}").arguments("/a b/c.sh") == ("/bin/bash", "-e", "/a b/c.sh")


def test_a_shell_that_is_not_there_is_named_with_the_path_that_was_searched(tools: str) -> None:
    with pytest.raises(ShellError, match=r"fish: command not found.*" + tools):
        find_shell("fish {0}", tools)


@pytest.mark.parametrize("written", ["fish", "bash -x", "perl -e 1"])
def test_a_template_without_a_place_for_the_script_is_refused(tools: str, written: str) -> None:
    with pytest.raises(ShellError, match="Invalid shell option"):
        find_shell(written, tools)


def test_other_braces_are_refused(tools: str) -> None:
    with pytest.raises(ShellError, match="braces of your own are written twice"):
        find_shell("perl {1} {0}", tools).arguments("S")


def test_powershell_stops_at_errors_and_passes_on_exit_codes() -> None:
    script = Shell("pwsh", "pwsh", "{0}").complete("Get-Item x")
    assert script.startswith("$ErrorActionPreference = 'stop'\nGet-Item x\n")
    assert "exit $LASTEXITCODE" in script

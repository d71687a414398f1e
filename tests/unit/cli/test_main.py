"""The edge of the command line: which trouble becomes which exit code and which words."""

import pytest

from homeport.cli import main as edge
from homeport.cli.console import Console
from homeport.cli.fault import render_fault


class Captured:
    def __init__(self, environment: dict[str, str] | None = None) -> None:
        self.out = b""
        self.said = ""
        self.console = Console(environment=environment or {}, folder="/", write=self._write, say_text=self._say)

    def _write(self, data: bytes) -> None:
        self.out += data

    def _say(self, text: str) -> None:
        self.said += text


def call(*words: str) -> tuple[int, Captured]:
    captured = Captured()
    return edge.main(words, captured.console), captured


def test_no_command_shows_the_commands_and_is_a_usage_error() -> None:
    code, captured = call()
    assert code == 2
    assert "homeport COMMAND" in captured.said
    assert captured.out == b""


def test_help_is_data_and_succeeds() -> None:
    code, captured = call("--help")
    assert code == 0
    assert b"homeport COMMAND" in captured.out


def test_a_misspelt_command_is_answered_with_the_nearest() -> None:
    code, captured = call("rnu")
    assert code == 2
    assert "did you mean `homeport run`?" in captured.said


def test_a_command_of_a_later_part_says_so() -> None:
    code, captured = call("serve")
    assert code == 2
    assert "later part" in captured.said


def test_the_version_is_data() -> None:
    code, captured = call("--version")
    assert code == 0
    assert captured.out.startswith(b"homeport ")


@pytest.mark.parametrize("name", [name for name, _, _ in edge.COMMANDS])
def test_every_command_has_a_help(name: str) -> None:
    code, captured = call(name, "--help")
    assert code == 0
    assert captured.out.decode().startswith(f"homeport {name}: ")


def test_a_fault_report_holds_the_trace_and_no_secret() -> None:
    try:
        raise RuntimeError("it broke with hunter22 and pa55word")
    except RuntimeError as error:
        report = render_fault(error, ["run", "--secret", "A=hunter22", "--secret=B"], {"B": "pa55word"})
    assert "RuntimeError: it broke with *** and ***" in report
    assert "hunter22" not in report
    assert "pa55word" not in report
    assert "test_main.py" in report

"""The edge of the command line: which trouble becomes which exit code and which words."""

import pytest

from homeport.cli import main as edge
from homeport.cli.fault import render_fault
from homeport.ports.repositories import StoreError
from tests.support.console import Captured, call


def test_no_command_shows_the_commands_and_is_a_usage_error() -> None:
    captured = call()
    assert captured.code == 2
    assert "homeport COMMAND" in captured.said
    assert captured.out == b""


def test_help_is_data_and_succeeds() -> None:
    captured = call("--help")
    assert captured.code == 0
    assert b"homeport COMMAND" in captured.out


def test_a_misspelt_command_is_answered_with_the_nearest() -> None:
    captured = call("rnu")
    assert captured.code == 2
    assert "did you mean `homeport run`?" in captured.said


@pytest.mark.parametrize("name", sorted(edge.NOT_YET))
def test_a_command_of_a_later_part_says_so(name: str) -> None:
    captured = call(name)
    assert captured.code == 2
    assert f"`homeport {name}` is not in this version" in captured.said


def test_the_version_is_data() -> None:
    captured = call("--version")
    assert captured.code == 0
    assert captured.out.startswith(b"homeport ")


@pytest.mark.parametrize("name", [name for name, _, _ in edge.COMMANDS])
def test_every_command_has_a_help(name: str) -> None:
    captured = call(name, "--help")
    assert captured.code == 0
    assert captured.out.decode().startswith(f"homeport {name}: ")


def test_what_nobody_foresaw_is_70_with_a_report_to_paste() -> None:
    captured = Captured()

    def refuse(data: bytes) -> None:
        raise RuntimeError(f"cannot write {len(data)} bytes")

    captured.console.write = refuse
    assert edge.main(["--version"], captured.console) == 70
    assert "this is a fault of Homeport's own" in captured.said
    assert "RuntimeError: cannot write" in captured.said


def test_a_store_that_fails_is_1_with_the_place() -> None:
    captured = Captured()

    def refuse(data: bytes) -> None:
        raise StoreError("/home/facts.jsonl: No space left on device")

    captured.console.write = refuse
    assert edge.main(["--version"], captured.console) == 1
    assert "/home/facts.jsonl: No space left on device" in captured.said
    assert "Traceback" not in captured.said


def test_an_interrupt_is_130() -> None:
    captured = Captured()

    def interrupt(data: bytes) -> None:
        raise KeyboardInterrupt

    captured.console.write = interrupt
    assert edge.main(["--version"], captured.console) == 130


def test_a_fault_report_holds_the_trace_and_no_secret() -> None:
    try:
        raise RuntimeError("it broke with hunter22 and pa55word")
    except RuntimeError as error:
        report = render_fault(error, ["run", "--secret", "A=hunter22", "--secret=B"], {"B": "pa55word"})
    assert "RuntimeError: it broke with *** and ***" in report
    assert "hunter22" not in report
    assert "pa55word" not in report
    assert "test_main.py" in report

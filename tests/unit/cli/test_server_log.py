"""Lines of a server's log are written by a thread of their own."""

import logging
import threading
import warnings
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from homeport.cli import server_log
from homeport.cli.console import Console
from homeport.cli.server_log import LogWriter, own_log
from tests.support.serve import wait_until


def open_console(say: Callable[[str], None]) -> Console:
    return Console(environment={}, folder="/", write=lambda _: None, say_text=say)


def read(said: list[str]) -> list[dict[str, Any]]:
    return [msgspec.json.decode(line) for line in "".join(said).splitlines()]


def test_all_who_log_in_the_process_are_heard_and_what_ends_a_thread_too() -> None:
    said: list[str] = []
    with own_log(open_console(said.append), as_json=True):
        logging.getLogger("homeport.retention").info("swept", extra={"runs": 3})
        logging.getLogger("uvicorn.error").warning("Invalid HTTP request received.")
        logging.getLogger("uvicorn.error").info("Started server process")
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.warn("old", DeprecationWarning, stacklevel=1)
        thread = threading.Thread(target=lambda: 1 / 0, name="sweeper")
        thread.start()
        thread.join()
    logging.getLogger("homeport.server").critical("nobody hears this")
    lines = read(said)
    assert [line["logger"] for line in lines] == [
        "homeport.retention",
        "uvicorn.error",
        "py.warnings",
        "homeport.server",
    ]
    assert lines[0]["runs"] == 3
    assert "sweeper" in lines[-1]["message"]
    assert "ZeroDivisionError" in lines[-1]["exception"]


def test_nobody_waits_for_who_reads_and_what_is_left_out_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_log, "_MOST_LINES", 3)
    said: list[str] = []
    reads = threading.Event()

    def say(text: str) -> None:
        reads.wait()
        said.append(text)

    log = logging.getLogger("homeport.server")
    with own_log(open_console(say), as_json=True):
        for number in range(10):
            log.info("line %d", number)
        reads.set()
        wait_until(lambda: len(said) >= 3)
        log.info("later")
    messages = [line["message"] for line in read(said)]
    assert messages[:3] == ["line 0", "line 1", "line 2"]
    assert messages[-2].endswith("lines were left out: nobody read the log as fast as it came")
    assert messages[-1] == "later"


def test_a_closed_stderr_is_no_reason_to_end() -> None:
    def say(_: str) -> None:
        raise BrokenPipeError

    with own_log(open_console(say), as_json=False):
        for _ in range(3):
            logging.getLogger("homeport.server").info("line")


def test_who_logs_does_not_fail_because_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    said: list[str] = []
    writer = LogWriter(open_console(said.append), as_json=True)
    for words, arguments in (("%d and %d", (1,)), ("it goes on", ())):
        writer.handle(logging.LogRecord("homeport.server", logging.ERROR, "", 0, words, arguments, None))
    writer.close()
    assert [line["message"] for line in read(said)] == ["it goes on"]
    assert "not enough arguments" in capsys.readouterr().err

"""`homeport serve` as a process of its own, on a port and in a folder of the test's."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

LONG = 120.0
"""A bound for something that hangs, not an expectation"""


class ServedProcess:
    """A server that can be stopped, killed and started again on the same folder and port.

    `folder` is the data folder, made short: a socket is in it. `words` are more of the command line.
    """

    def __init__(self, folder: Path, words: Sequence[str] = (), environment: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self.sign_in = ""
        """the one-time link of the first start"""
        self.words = tuple(words)
        self.url = ""
        self._environment = dict(environment or {})
        self._process: subprocess.Popen[str] | None = None
        self._errors: list[str] = []

    @property
    def port(self) -> int:
        """Where it listens; the same over all starts."""
        return int(self.url.rpartition(":")[2]) if self.url else 0

    @property
    def database_url(self) -> str:
        """The one that its words name; empty: the one in its folder."""
        return self.words[self.words.index("--database") + 1] if "--database" in self.words else ""

    @property
    def pid(self) -> int:
        """Of the server that runs."""
        assert self._process is not None
        return self._process.pid

    @property
    def errors(self) -> str:
        """What it said to stderr, over all starts."""
        return "".join(self._errors)

    def start(self) -> None:
        """Start, and wait until connections are taken."""
        reader = self._spawn()
        assert self._process is not None
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            code = self._process.wait()
            reader.join()
            self._process.stdout.close()
            self._process = None
            raise AssertionError(f"the server ended with {code}:\n{self.errors}")
        ready: dict[str, Any] = json.loads(line)
        assert ready["type"] == "ready"
        self.url = ready["url"]
        self.sign_in = ready.get("sign_in") or self.sign_in

    def kill_while_starting(self, seconds: float) -> None:
        """Start, and SIGKILL after so long, ready or not."""
        self._spawn()
        time.sleep(seconds)
        self.kill()

    def _spawn(self) -> threading.Thread:
        """A process; gives the thread that reads what it says to stderr."""
        assert self._process is None
        command = [sys.executable, "-m", "homeport", "serve", "--data", str(self.folder), "--format", "json"]
        self._process = subprocess.Popen(
            [*command, "--listen", f"127.0.0.1:{self.port}", *self.words],
            env={**os.environ, **self._environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        reader = threading.Thread(target=self._read_errors, args=(self._process,), daemon=True)
        reader.start()
        return reader

    def stop(self) -> int:
        """SIGTERM, and wait for its end; gives the exit code. Jobs that run go on."""
        return self._end(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL: the server has no chance to say anything. Its runner goes on."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Stop as an upgrade would, and start again."""
        self.stop()
        self.start()

    @property
    def is_running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.poll() is None

    def runners(self) -> list[int]:
        """The process ids of the runners that live."""
        found: list[int] = []
        for path in (self.folder / "runner").glob("[0-9]*/process"):
            try:
                number = int(path.read_text())
                state = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0]
            except (OSError, ValueError):
                continue
            if state != "Z":
                found.append(number)
        return found

    def clear(self) -> None:
        """End everything that is left, jobs too."""
        if self.is_running:
            self.stop()
        for number in self.runners():
            _end_with_jobs(number)

    def _end(self, number: int) -> int:
        assert self._process is not None
        self._process.send_signal(number)
        code = self._process.wait(LONG)
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._process = None
        return code

    def _read_errors(self, process: "subprocess.Popen[str]") -> None:
        assert process.stderr is not None
        with process.stderr:
            for line in process.stderr:
                self._errors.append(line)


def _end_with_jobs(number: int) -> None:
    """A runner and what its jobs started: processes of its jobs are its children, for it takes in orphans."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(path.read_text().rpartition(")")[2].split()[1])
        except (OSError, IndexError):
            continue
        if parent == number:
            _kill(int(path.parent.name))
    _kill(number)


def _kill(number: int) -> None:
    try:
        os.kill(number, signal.SIGKILL)
    except ProcessLookupError:
        return


def wait_until(condition: Callable[[], Any], seconds: float = LONG) -> Any:
    """What a condition gives when it is no longer empty; fails after a generous time."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.02)
    return found


@contextmanager
def served(folder: Path, *words: str, environment: Mapping[str, str] | None = None) -> Iterator[ServedProcess]:
    """A server with no sandbox (quick on any machine) from its start to the end of all that it left."""
    executor = () if "--executor" in words else ("--executor", "process")
    server = ServedProcess(folder, (*executor, *words), environment)
    server.start()
    try:
        yield server
    finally:
        server.clear()

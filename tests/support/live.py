"""A `homeport` process that is watched while it runs: its facts are read as they come."""

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.support.homeport import Answer, environment

LONGEST_SECONDS = 120
"""A process that takes longer hangs: it is killed, and the test that waits for its facts fails."""


class LiveRun:
    """`homeport … --format json` in a process of its own."""

    def __init__(self, words: Sequence[str], *, cwd: Path, env: Mapping[str, str] | None = None) -> None:
        self.facts: list[dict[str, Any]] = []
        self.process = subprocess.Popen(
            [sys.executable, "-m", "homeport", *words, "--format", "json"],
            cwd=cwd,
            env=environment(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        self.said: list[str] = []
        """stderr so far, line by line"""
        self._news = threading.Condition()
        self._reader = threading.Thread(target=self._read_stderr)
        self._reader.start()
        self._guard = threading.Timer(LONGEST_SECONDS, self.process.kill)
        self._guard.start()

    def __enter__(self) -> "LiveRun":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._guard.cancel()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._reader.join()
        if self.process.stdout is not None:
            self.process.stdout.close()

    def until(self, kind: str, **fields: Any) -> dict[str, Any]:
        """Read on to the first fact of this kind with these values."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            fact: dict[str, Any] = json.loads(line)
            self.facts.append(fact)
            if fact["type"] == kind and all(fact.get(name) == value for name, value in fields.items()):
                return fact
        raise AssertionError(f"no {kind} {fields} came:\n{self.rest().describe()}")

    def until_printed(self, text: str) -> None:
        """Read on until a step has printed this line."""
        while text not in self.until("lines_logged")["lines"]:
            pass

    def interrupt(self, number: int = signal.SIGINT) -> None:
        """Send the process a signal, as ^C does."""
        self.process.send_signal(number)

    def until_said(self, text: str) -> None:
        """Wait until this was said on stderr."""
        with self._news:
            heard = self._news.wait_for(lambda: text in "".join(self.said), LONGEST_SECONDS)
        assert heard, f"{text!r} was not said"

    def rest(self) -> Answer:
        """Read to the end, and wait for it."""
        assert self.process.stdout is not None
        self.facts += [json.loads(line) for line in self.process.stdout]
        code = self.process.wait(LONGEST_SECONDS)
        self._reader.join()
        return Answer(code, tuple(self.facts), "".join(self.said))

    def _read_stderr(self) -> None:
        assert self.process.stderr is not None
        with self.process.stderr as stream:
            for line in stream:
                with self._news:
                    self.said.append(line)
                    self._news.notify_all()

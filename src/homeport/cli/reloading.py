"""Starts a command again whenever Homeport's own code changes: for those who work on it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence

from homeport.cli.console import Console

_LOOK_SECONDS = 0.5


def run_again_on_change(words: Sequence[str], console: Console) -> int:
    """Run `homeport …` until it ends by itself, or ^C or SIGTERM ends both; gives its exit code. A start that fails waits for a change."""
    folder = os.path.dirname(os.path.dirname(__file__))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop)
    while True:
        before = _list_times(folder)
        child = subprocess.Popen([sys.executable, "-m", "homeport", *words])
        try:
            changed = _await_change(folder, before, child)
        except _StoppedError:
            child.send_signal(signal.SIGTERM)
            return child.wait()
        if changed is None:
            return child.returncode
        console.say(f"homeport: {os.path.relpath(changed, folder)} has changed: starting again")
        child.send_signal(signal.SIGTERM)
        child.wait()


class _StoppedError(BaseException):
    """Somebody wants an end."""


def _stop(*_: object) -> None:
    raise _StoppedError


def _await_change(folder: str, before: Mapping[str, float], child: "subprocess.Popen[bytes]") -> str | None:
    """The file that has changed; None where the command ended well by itself."""
    while True:
        time.sleep(_LOOK_SECONDS)
        now = _list_times(folder)
        for path in before.keys() | now.keys():
            if before.get(path) != now.get(path):
                return path
        if child.poll() == 0:
            return None


def _list_times(folder: str) -> dict[str, float]:
    times: dict[str, float] = {}
    for parent, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name != "__pycache__"]
        for name in files:
            path = os.path.join(parent, name)
            try:
                times[path] = os.stat(path).st_mtime
            except FileNotFoundError:
                continue  # an editor's
    return times

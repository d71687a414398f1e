"""Where the lines of a server's own log go: to stderr, by a thread of their own, so that nobody who logs waits for who reads."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from queue import Full, Queue

from homeport.cli.console import Console
from homeport.server.own_log import LogFormatter

_MOST_LINES = 10_000
"""How many lines may wait; more are left out, which is said"""
_LAST_SECONDS = 5.0
_LEVELS = {
    "homeport": logging.INFO,
    "alembic.runtime.migration": logging.INFO,
    "httpx": logging.WARNING,
    "uvicorn": logging.WARNING,
}


class LogWriter(logging.Handler):
    """Writes whole lines, in order."""

    def __init__(self, console: Console, *, as_json: bool) -> None:
        super().__init__()
        self.setFormatter(LogFormatter(as_json=as_json))
        self._console = console
        self._lines: Queue[str | None] = Queue(_MOST_LINES)
        self._left_out = 0
        self._thread = threading.Thread(target=self._write, name="log-writer", daemon=True)
        self._thread.start()

    def emit(self, record: logging.LogRecord) -> None:
        """Never waits. Called under the handler's lock."""
        try:
            if self._left_out:
                self._lines.put_nowait(self.format(self._tell_left_out()))
                self._left_out = 0
            self._lines.put_nowait(self.format(record))
        except Full:
            self._left_out += 1
        except Exception:  # as every handler does: who logs is not to fail because of it
            self.handleError(record)

    def close(self) -> None:
        """What waits is written, unless nobody reads it."""
        try:
            self._lines.put(None, timeout=_LAST_SECONDS)
            self._thread.join(_LAST_SECONDS)
        except Full:
            pass
        super().close()

    def _tell_left_out(self) -> logging.LogRecord:
        words = "lines were left out: nobody read the log as fast as it came"
        record = logging.LogRecord("homeport.log", logging.WARNING, "", 0, f"{self._left_out} {words}", None, None)
        record.left_out = self._left_out
        return record

    def _write(self) -> None:
        while (line := self._lines.get()) is not None:
            try:
                self._console.say(line)
            except OSError:
                return  # stderr is closed: there is nobody to tell


@contextmanager
def own_log(console: Console, *, as_json: bool) -> Iterator[None]:
    """Everything that is logged in this process goes to the console, until the block ends: also what ends a thread, and warnings."""
    root = logging.getLogger()
    writer = LogWriter(console, as_json=as_json)
    former_levels = {name: logging.getLogger(name).level for name in _LEVELS}
    former_hook = threading.excepthook
    root.addHandler(writer)
    for name, level in _LEVELS.items():
        logging.getLogger(name).setLevel(level)
    logging.captureWarnings(True)
    threading.excepthook = _log_end
    try:
        yield
    finally:
        threading.excepthook = former_hook
        logging.captureWarnings(False)
        for name, level in former_levels.items():
            logging.getLogger(name).setLevel(level)
        root.removeHandler(writer)
        writer.close()


def _log_end(end: threading.ExceptHookArgs) -> None:
    """A thread that was not to end."""
    if end.exc_value is None:
        return
    name = end.thread.name if end.thread is not None else ""
    logging.getLogger("homeport.server").critical(
        "the thread %s has ended by a fault", name, exc_info=(end.exc_type, end.exc_value, end.exc_traceback)
    )

"""The health of a container: the engine's word, or, with podman, a health command that is run from here.

podman asks systemd to run health checks; without it they never turn from `starting`. Docker's rules (docs, "HEALTHCHECK"): one success is
enough, `retries` failures in a row after the start period are too many. The first check is made at once and others soon after it,
so that a service that is up is not waited for; none of them makes a service unhealthy sooner than Docker would.
"""

import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

from homeport.ports.containers import Health
from homeport.runner.containers.engine import Engine
from homeport.runner.containers.errors import EngineError
from homeport.runner.containers.processes import ExecutedProcess

_SECOND = 10**9
_DEFAULT_SECONDS = 30.0
_FIRST_PAUSE = 0.05


class HealthProbe:
    """Runs the health command of one container in a thread, until it succeeds or is given up."""

    def __init__(self, engine: Engine, container: str, check: Mapping[str, Any]) -> None:
        self._engine = engine
        self._container = container
        self._arguments = _read_test(check.get("Test") or ())
        self._interval = _read_seconds(check, "Interval")
        self._timeout = _read_seconds(check, "Timeout")
        self._patience = (check.get("StartPeriod") or 0) / _SECOND + (check.get("Retries") or 3) * self._interval
        self._ended = threading.Event()
        self.status: Health = "starting"
        self._thread = threading.Thread(target=self._run, name=f"health-{container[:12]}", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Ask no more."""
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        gives_up_at = time.monotonic() + self._patience
        pause = _FIRST_PAUSE
        while not self._ended.is_set():
            if self._ask():
                self.status = "healthy"
                return
            if time.monotonic() >= gives_up_at:
                self.status = "unhealthy"
                return
            self._ended.wait(pause)
            pause = min(pause * 2, self._interval)

    def _ask(self) -> bool:
        """Whether the command says that all is well. A container that has ended does not."""
        try:
            command, stream = self._engine.execute(self._container, self._arguments)
        except EngineError:
            return False
        process = ExecutedProcess(self._engine, self._container, command, stream)
        try:
            return _await(process, self._timeout, self._ended) == 0
        finally:
            process.close()


def _await(process: ExecutedProcess, seconds: float, ended: threading.Event) -> int | None:
    ends_at = time.monotonic() + seconds
    while (code := process.poll()) is None:
        if time.monotonic() >= ends_at or ended.is_set():
            process.kill()
            return None
        ended.wait(0.01)
    return code


def is_checked(check: Mapping[str, Any]) -> bool:
    """Whether there is a health check at all."""
    return bool(_read_test(check.get("Test") or ()))


def _read_test(test: Sequence[str]) -> tuple[str, ...]:
    """`CMD-SHELL command`, `CMD program arguments…` or `NONE`."""
    if not test or test[0] == "NONE":
        return ()
    if test[0] == "CMD-SHELL":
        return ("/bin/sh", "-c", " ".join(test[1:]))
    return tuple(test[1:] if test[0] == "CMD" else test)


def _read_seconds(check: Mapping[str, Any], key: str) -> float:
    return (check.get(key) or 0) / _SECOND or _DEFAULT_SECONDS

"""Whether a service is healthy: its `--health-cmd` run on this machine, or a look at its port.

Source: Docker docs, "HEALTHCHECK" (one success is enough; `retries` failures in a row after the start period are too many). Docker waits
an interval before the first check; here the first is made at once and others soon after it, so that a service that is up is not waited
for. None of them makes a service unhealthy sooner than Docker would.
"""

import os
import re
from collections.abc import Mapping, Sequence

from homeport.ports.clock import Clock
from homeport.ports.containers import Health
from homeport.runner.services.create_options import HealthOptions
from homeport.runner.services.keeper import Keeper, read_log
from homeport.runner.services.providers.model import Launch

_READY_SECONDS = 60.0
"""How long a service without a health check may take until it answers."""
_FIRST_PAUSE = 0.05
_NOT_FOUND = (126, 127)
"""What a shell answers where a program is missing: the image would have it."""


class PortCheck:
    """Asks the service itself."""

    def __init__(self, launch: Launch, clock: Clock, patience: float = _READY_SECONDS) -> None:
        self._launch = launch
        self._clock = clock
        self._ends_at = clock.monotonic() + patience

    def look(self) -> Health:
        """How it stands; asks once."""
        if self._launch.is_ready():
            return "healthy"
        return "unhealthy" if self._clock.monotonic() >= self._ends_at else "starting"


class CommandCheck:
    """Runs a command again and again, without waiting for it. Where its program is not on this machine, `PortCheck` takes over."""

    def __init__(
        self, keeper: Keeper, clock: Clock, options: HealthOptions, command: "HealthCommand", other: PortCheck
    ) -> None:
        self._keeper = keeper
        self._clock = clock
        self._options = options
        self._command = command
        self._other: PortCheck = other
        self._is_replaced = False
        self._pid = 0
        self._began_at = clock.monotonic()
        self._next_at = 0.0
        self._pause = _FIRST_PAUSE
        self._checked_at = 0.0
        self.note = ""
        """why the command does not decide, where it does not"""
        self.last_output = ""

    def look(self) -> Health:
        """How it stands; starts the command, or looks whether it has ended."""
        if self._is_replaced:
            return self._other.look()
        now = self._clock.monotonic()
        if not self._pid:
            if now >= self._next_at:
                self._checked_at = now
                self._pid = self._command.start(self._keeper)
            return "starting"
        code = self._keeper.poll(self._pid)
        if code is None:
            if now < self._checked_at + self._options.timeout:
                return "starting"
            self._keeper.kill(self._pid)
            self._keeper.poll(self._pid, 5)
        return self._conclude(code, now)

    def _conclude(self, code: int | None, now: float) -> Health:
        self.last_output = self._command.read_output()
        self._pid = 0
        if code == 0:
            return "healthy"
        if code in _NOT_FOUND:
            self._is_replaced = True
            self.note = f"the health command is not of this machine ({self.last_output.strip()}): the service's port is looked at"
            return self._other.look()
        if now >= self._began_at + self._options.patience:
            return "unhealthy"
        self._next_at = now + self._pause
        self._pause = min(self._pause * 2, self._options.interval)
        return "starting"


class HealthCommand:
    """A `--health-cmd` and where it runs. The image's port is replaced by the port that the service has here."""

    def __init__(
        self,
        text: str,
        environment: Mapping[str, str],
        folder: str,
        ports: Mapping[int, int],
        shown: Sequence[str] = (),
        *,
        drop: bool = True,
    ) -> None:
        self._text = map_ports(text, ports)
        self._environment = environment
        self._folder = folder
        self._output = f"{folder}.health"
        self._shown = shown
        self._drop = drop

    def start(self, keeper: Keeper) -> int:
        """Begin one check (Docker: `/bin/sh -c`); its process id."""
        if os.path.exists(self._output):
            os.unlink(self._output)
        return keeper.start(
            ["/bin/sh", "-c", self._text],
            self._environment,
            self._folder,
            output=self._output,
            shown=self._shown,
            drop=self._drop,
        )

    def read_output(self) -> str:
        """What the last check printed."""
        return read_log(self._output, 4096)


def map_ports(text: str, ports: Mapping[int, int]) -> str:
    """A command with the ports of this machine: a number counts as a port where it stands alone or after a colon."""
    for inner, outer in ports.items():
        if inner != outer:
            text = re.sub(rf"(?<![\w.-]){inner}(?![\w.-])", str(outer), text)
    return text

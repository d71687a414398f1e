"""Ports of services: what `ports` asks for, and the ports of this machine that are held for them.

Source: Docker docs, "Publishing ports" (`[host address:][host port:]container port[/protocol]`; without a host port a free one is taken).
"""

import errno
import re
import socket
import threading
from collections.abc import Sequence

import msgspec

_ADDRESS = "127.0.0.1"
_WRITTEN = re.compile(
    r"(?:(?:\d+(?:\.\d+){3}|\[[\da-fA-F:]*\]):)?(?:(\d+(?:-\d+)?)?:)?(\d+(?:-\d+)?)(?:/(tcp|udp|sctp))?"
)
_LONGEST_RANGE = 1000


class PortError(Exception):
    """A port that cannot be had."""


class PortRequest(msgspec.Struct, frozen=True):
    """One port of a service; `host` is 0 where any free port will do."""

    container: int
    host: int
    protocol: str = "tcp"


def read_ports(written: Sequence[str]) -> tuple[list[PortRequest], list[str]]:
    """The ports, and what is wrong with those that cannot be read."""
    requests: list[PortRequest] = []
    problems: list[str] = []
    for text in written:
        found = _WRITTEN.fullmatch(text.strip())
        try:
            if found is None:
                raise ValueError
            inner, outer = _read_range(found[2]), _read_range(found[1] or "")
            if outer and len(outer) != len(inner):
                raise ValueError
        except ValueError:
            problems.append(f"'{text}' is not a port: expected 5432, 8080:80 or 8080:80/tcp")
            continue
        hosts = outer or [0] * len(inner)
        requests += [PortRequest(port, host, found[3] or "tcp") for port, host in zip(inner, hosts, strict=True)]
    return requests, problems


def _read_range(text: str) -> list[int]:
    if not text:
        return []
    first, _, last = text.partition("-")
    start, end = int(first), int(last or first)
    if not 0 <= start <= end <= 65535 or end - start > _LONGEST_RANGE:
        raise ValueError
    return list(range(start, end + 1))


class HeldPort:
    """A port that is kept for one service. Nobody else gets it by chance; the service itself may listen on it (`SO_REUSEADDR`)."""

    def __init__(self, holder: "PortHolder", number: int, kept: socket.socket) -> None:
        self.number = number
        self._holder = holder
        self._kept = kept

    def release(self) -> None:
        """Nobody needs it any more."""
        self._kept.close()
        self._holder.forget(self.number)


class PortHolder:
    """The ports of all services of this process. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._owners: dict[int, str] = {}

    def hold(self, number: int, owner: str) -> HeldPort:
        """Take a port, any free one for 0. Raises `PortError`, which says who has it where that is known."""
        kept = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with self._lock:
            try:
                if number in self._owners:
                    raise PortError(f"port {number} of this machine is taken by {self._owners[number]}")
                kept.bind((_ADDRESS, number))
            except OSError as error:
                kept.close()
                why = "is taken by another program" if error.errno == errno.EADDRINUSE else f"cannot be used: {error}"
                raise PortError(f"port {number} of this machine {why}") from error
            except PortError:
                kept.close()
                raise
            taken = int(kept.getsockname()[1])
            self._owners[taken] = owner
        return HeldPort(self, taken, kept)

    def forget(self, number: int) -> None:
        """A port is free again."""
        with self._lock:
            self._owners.pop(number, None)

"""A pytest plugin that keeps tests off the network.

From configuration to the end of the session every attempt to look up a name or to connect to an internet address is
refused. It is also remembered, and the test that made it fails, even where it (or the code under test) swallowed the
refusal: a test that expects ``NetworkError`` must not pass because the guard made one. Loopback counts as network;
sockets between processes (AF_UNIX) do not.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import pytest

_INTERNET = {socket.AF_INET, socket.AF_INET6}


class LiveCallRefused(RuntimeError):
    """A test tried to leave the machine."""


class NetworkGuard:
    """Stands in front of the socket module while it is installed."""

    def __init__(self) -> None:
        self.attempts: list[str] = []
        self._patch = pytest.MonkeyPatch()

    def install(self) -> None:
        """Refuse the network from now on."""
        for name in ("getaddrinfo", "gethostbyname", "gethostbyname_ex"):
            self._patch.setattr(socket, name, self._refusing_lookup(name))
        for name in ("connect", "connect_ex", "sendto"):
            self._patch.setattr(socket.socket, name, self._refusing_method(getattr(socket.socket, name)))

    def remove(self) -> None:
        """Give the network back."""
        self._patch.undo()

    def forget(self) -> list[str]:
        """The attempts since the last call."""
        attempts, self.attempts = self.attempts, []
        return attempts

    def _refuse(self, what: str) -> NoReturn:
        self.attempts.append(what)
        raise LiveCallRefused(f"a test tried to reach the network: {what}")

    def _refusing_lookup(self, name: str) -> Callable[..., NoReturn]:
        def refuse(host: object, *_: object, **__: object) -> NoReturn:
            self._refuse(f"{name}({host!r})")

        return refuse

    def _refusing_method(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def refuse_internet(connection: socket.socket, *arguments: Any) -> Any:
            if connection.family in _INTERNET:
                self._refuse(f"{original.__name__}({arguments[-1]!r})")
            return original(connection, *arguments)

        return refuse_internet


_GUARD = pytest.StashKey[NetworkGuard]()


def pytest_configure(config: pytest.Config) -> None:
    guard = config.stash[_GUARD] = NetworkGuard()
    guard.install()


def pytest_unconfigure(config: pytest.Config) -> None:
    config.stash[_GUARD].remove()


@pytest.fixture(autouse=True)
def network_guard(pytestconfig: pytest.Config) -> Iterator[NetworkGuard]:
    """The guard; autouse, so that it is torn down after every other fixture of the test."""
    guard = pytestconfig.stash[_GUARD]
    yield guard
    attempts = guard.forget()
    if attempts:
        pytest.fail(f"live calls attempted: {', '.join(attempts)}", pytrace=False)

"""Keeps what is asked of forges outside: a repository's settings must not lead this server to what only it can reach (the addresses of a
cloud's metadata, a neighbour's administration).

A name is looked up when a forge is opened and again before each connection, and what a connection has reached is looked at once more
before anything is said there: a name may stand for something else a moment later (DNS rebinding). A connection to a proxy of the server's
own environment is the proxy's to judge.
"""

import ipaddress
import socket
from collections.abc import Callable, Collection, Mapping
from typing import Any
from urllib.parse import urlsplit

from homeport.ports.forge import ForgeAwayError, ForgeDeniedError

Trace = Callable[[str, Mapping[str, Any]], None]
"""What httpx tells the steps of a request to. Source: HTTPX docs, "Extensions" (`trace`)."""


class ForgeGuard:
    """Only `internal_hosts` may be asked although their addresses are inside. Safe from any thread."""

    def __init__(self, internal_hosts: Collection[str] = ()) -> None:
        self._internal_hosts = {host.lower() for host in internal_hosts}

    def check(self, address: str) -> None:
        """The address of a forge's interface. Raises `ForgeError`."""
        parts = urlsplit(address)
        host = (parts.hostname or "").lower()
        if parts.scheme not in ("https", "http") or not host or parts.username or parts.password:
            raise ForgeDeniedError(f"{address!r} is not the address of a forge: https://host is expected")
        self._look_up(host)

    def watch(self, host: str, ascii_host: str) -> Trace:
        """To be told of the connections that are made to ask a host. It raises `ForgeError`, and the request is not made."""
        host = host.lower()
        is_asked = False

        def hear(step: str, told: Mapping[str, Any]) -> None:
            nonlocal is_asked
            if step == "connection.connect_tcp.started":
                is_asked = told["host"] == ascii_host  # else it is a proxy
                if is_asked:
                    self._look_up(host)
            elif step == "connection.connect_tcp.complete" and is_asked:
                stream = told["return_value"]
                try:
                    self._refuse_inside(host, str(stream.get_extra_info("server_addr")[0]))
                except ForgeDeniedError:
                    stream.close()
                    raise

        return hear

    def _look_up(self, host: str) -> None:
        if host in self._internal_hosts:
            return
        try:
            found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        except OSError as error:
            raise ForgeAwayError(f"{host} has no address: {error.strerror}") from error
        for entry in found:
            self._refuse_inside(host, str(entry[4][0]))

    def _refuse_inside(self, host: str, address: str) -> None:
        if host not in self._internal_hosts and not ipaddress.ip_address(address.partition("%")[0]).is_global:
            raise ForgeDeniedError(f"{host} is inside ({address}): name it with --internal-forge to have it asked")

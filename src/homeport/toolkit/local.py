"""The services of the runs of one process, on loopback: a listening socket at first, and all that carries them when somebody connects.

A JavaScript action costs a few system calls this way; the event loop, the web framework and the cryptography, together some 300 ms of
imports, are paid for by the first action that really calls, while it waits.
"""

import os
import select
import threading
from _socket import AF_INET, SO_REUSEADDR, SOCK_STREAM, SOL_SOCKET, socket  # the module around it takes 3 ms to import
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from homeport.ports.clock import Clock
from homeport.ports.peer import JobOrder
from homeport.ports.toolkit import STAND_IN_PREFIX
from homeport.tokens.keys import SecretKey
from homeport.toolkit.job_toolkit import IdentitySource, LocalJob
from homeport.toolkit.jobs import OpenJob, OpenJobs

if TYPE_CHECKING:
    from homeport.toolkit.application import Services
    from homeport.toolkit.parts import Parts

LOOPBACK = "127.0.0.1"
_BACKLOG = 128
_LAST_SECONDS = 5.0


class LocalToolkit:
    """A `Toolkit`. `make_parts` is called when the first connection has arrived, in a thread of its own. With an `identity_url` it is
    there, and not here, that jobs get identity tokens.
    """

    def __init__(
        self,
        clock: Clock,
        make_parts: "Callable[[SecretKey, OpenJobs], Parts]",
        *,
        key: SecretKey | None = None,
        identity_url: str = "",
    ) -> None:
        self._clock = clock
        self._make_parts = make_parts
        self._lock = threading.Lock()
        self._key = key or SecretKey()
        self._identity_url = identity_url
        self._jobs = OpenJobs()
        self._listening: dict[str, socket] = {}
        self._fresh: list[socket] = []
        """of these, those that nobody looks at yet"""
        self._services: Services | None = None
        self._wake = (-1, -1)
        self._thread: threading.Thread | None = None
        self._is_closed = False
        self.port = 0

    @property
    def is_serving(self) -> bool:
        """Whether anybody has ever connected."""
        return self._services is not None

    def open(
        self, order: JobOrder, given_token: str = "", identity_token: str = "", server_token: str = ""
    ) -> LocalJob:
        """Prepare for a job; the first one makes the socket. Raises `OSError`."""
        with self._lock:
            if self._thread is None:
                self._start()
        has_identity = order.leg.permissions.get("id-token") == "write" and not self._identity_url
        job = OpenJob(
            id=_random(),
            order=order,
            token=STAND_IN_PREFIX + _random(),
            identity_token=STAND_IN_PREFIX + _random() if has_identity else "",
            given_token=given_token,
            server_token=server_token,
        )
        self._jobs.add(job)
        identity = IdentitySource(self._identity_url, identity_token) if self._identity_url else None
        return LocalJob(job, self._key, self._clock.now(), f"{LOOPBACK}:{self.port}", self._end_job, identity)

    def listen_on(self, host: str) -> None:
        """Listen at the same port of another address. Raises `OSError`."""
        with self._lock:
            if host not in self._listening:
                self._listening[host] = made = _listen(host, self.port)
                self._fresh.append(made)
                os.write(self._wake[1], b".")

    def close(self) -> None:
        """Serve nobody any more. Does not wait for answers that are under way: no job is open, so nobody needs them."""
        with self._lock:
            if self._is_closed or self._thread is None:
                return
            self._is_closed = True
            os.write(self._wake[1], b".")
            if self._services is not None:
                self._services.uploads.close()

    def join(self) -> None:
        """After `close`: wait until the thread has ended."""
        if self._thread is not None:
            self._thread.join(_LAST_SECONDS)

    def _start(self) -> None:
        listening = _listen(LOOPBACK, 0)
        self.port = listening.getsockname()[1]
        self._listening[LOOPBACK] = listening
        self._fresh.append(listening)
        self._wake = os.pipe2(os.O_CLOEXEC) if hasattr(os, "pipe2") else os.pipe()
        self._thread = threading.Thread(target=self._run, name="toolkit", daemon=True)
        self._thread.start()

    def _end_job(self, job: OpenJob) -> None:
        self._jobs.remove(job)
        if self._services is not None:
            self._services.uploads.drop_all_of(job.id)

    def _run(self) -> None:
        try:
            if self._await_connection():
                self._serve()
        finally:
            for listening in self._fresh:
                listening.close()

    def _await_connection(self) -> bool:
        """Wait for the first one; False where everything ended before."""
        poller = select.poll()
        poller.register(self._wake[0], select.POLLIN)
        seen: set[int] = set()
        while not self._is_closed:
            with self._lock:
                for listening in self._fresh:
                    if listening.fileno() not in seen:
                        seen.add(listening.fileno())
                        poller.register(listening.fileno(), select.POLLIN)
            ready = [descriptor for descriptor, _ in poller.poll()]
            if self._wake[0] in ready:
                os.read(self._wake[0], 64)
            if seen.intersection(ready):
                return True
        return False

    def _serve(self) -> None:
        from homeport.toolkit.application import build_services  # noqa: PLC0415 - see the module's docstring
        from homeport.toolkit.carrier import carry  # noqa: PLC0415

        services = build_services(self._make_parts(self._key, self._jobs))
        with self._lock:
            if self._is_closed:
                return
            self._services = services
        carry(services.application, self._wake[0], self._take)

    def _take(self) -> Sequence[int] | None:
        """The sockets that somebody has to look at from now on; None where nobody needs to any more."""
        with self._lock:
            if self._is_closed:
                return None
            fresh, self._fresh = self._fresh, []
        return [listening.detach() for listening in fresh]


def _listen(host: str, port: int) -> socket:
    made = socket(AF_INET, SOCK_STREAM)
    try:
        os.set_inheritable(made.fileno(), False)
        made.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
        made.bind((host, port))
        made.listen(_BACKLOG)
    except OSError as error:
        made.close()
        raise OSError(error.errno, f"nothing can listen on {host}: {error.strerror}") from error
    return made


def _random() -> str:
    return os.urandom(16).hex()

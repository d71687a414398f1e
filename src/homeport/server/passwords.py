"""Passwords: hashed with Argon2id, checked in the same time whether or not there is such a person.

The costs are those of OWASP's "Password Storage Cheat Sheet" (19 MiB, two passes): a server with 200 MiB checks two at a time.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_MEMORY_KIB = 19_456
_PASSES = 2
_AT_A_TIME = 2
_MOST_WAITING = 8
"""beyond them nobody waits: each holds a thread that other requests need"""
SHORTEST = 10
LONGEST = 1000


class BusyError(Exception):
    """Too many passwords are being checked now."""


class Passwords:
    """Slow on purpose, so not to be called on the event loop. Safe from any thread. Raises `BusyError`."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher(time_cost=_PASSES, memory_cost=_MEMORY_KIB, parallelism=1)
        self._turns = threading.Semaphore(_AT_A_TIME)
        self._places = threading.Semaphore(_MOST_WAITING)
        self._nobodys = self._hasher.hash("nobody's")

    def hash(self, password: str) -> str:
        """With a salt of its own."""
        with self._turn():
            return self._hasher.hash(password)

    def is_right(self, password_hash: str | None, password: str) -> bool:
        """Whether it is the one. None: there is none to compare with, which takes as long to say."""
        with self._turn():
            try:
                self._hasher.verify(password_hash or self._nobodys, password)
            except (VerificationError, InvalidHashError):
                return False
        return password_hash is not None

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self._places.acquire(blocking=False):
            raise BusyError
        try:
            with self._turns:
                yield
        finally:
            self._places.release()

    def is_outdated(self, password_hash: str) -> bool:
        """Whether the costs have gone up since."""
        return self._hasher.check_needs_rehash(password_hash)


def find_fault(password: str, login: str) -> str | None:
    """Why a password is not taken, in words. Length counts, and nothing else is asked for (NIST SP 800-63B)."""
    if len(password) < SHORTEST:
        return f"The password is too short: at least {SHORTEST} characters."
    if len(password) > LONGEST:
        return f"The password is too long: at most {LONGEST} characters."
    if password.lower() == login.lower() or len(set(password)) < 4:
        return "The password is too easy to guess."
    return None

"""Trying again: which answers are worth it, and how long to wait before."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from villa_backend_sdk.errors import NetworkError
from villa_backend_sdk.transport import Request, Response, Transport

_PASSING_STATUSES = frozenset({429, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how patiently to try."""

    attempts: int = 3
    first_delay_seconds: float = 0.2
    longest_delay_seconds: float = 5.0

    def delay_seconds(self, failures: int, share: float, retry_after: str | None = None) -> float:
        """The wait after so many failures; ``share`` in [0, 1) spreads clients that failed together.

        The backend's ``Retry-After`` in seconds wins over the growing delay, but not over the longest one.
        """
        if retry_after is not None and retry_after.strip().isdecimal():
            return min(float(retry_after), self.longest_delay_seconds)
        return min(self.first_delay_seconds * 2.0 ** (failures - 1), self.longest_delay_seconds) * share


class RetryingTransport:
    """Sends idempotent requests again after a passing failure; others are sent once.

    A request without an idempotency key that failed may have been carried out all the same, so repeating it could
    pay twice.
    """

    def __init__(
        self,
        inner: Transport,
        policy: RetryPolicy,
        sleep: Callable[[float], None] = time.sleep,
        share: Callable[[], float] = random.random,
    ) -> None:
        self._inner = inner
        self._policy = policy
        self._sleep = sleep
        self._share = share

    def send(self, request: Request) -> Response:
        """Send until an answer stands or the attempts are used up; the last outcome is the caller's."""
        last_attempt = self._policy.attempts if request.idempotent else 1
        for attempt in range(1, last_attempt):
            retry_after = None
            try:
                response = self._inner.send(request)
            except NetworkError:
                pass
            else:
                if response.status not in _PASSING_STATUSES:
                    return response
                retry_after = response.headers.get("retry-after")
            self._sleep(self._policy.delay_seconds(attempt, self._share(), retry_after))
        return self._inner.send(request)

"""How often somebody may try: sign-ins, links, tokens that are wrong; and how much of it is written down."""

import math
import threading
from collections import OrderedDict
from ipaddress import ip_address
from typing import Literal

import msgspec
from starlette.types import Scope

from homeport.ports.clock import Clock

Attempt = Literal["sign-in", "account", "link", "token", "refusal"]


class Limit(msgspec.Struct, frozen=True):
    """So many in so many seconds: at once, or spread."""

    count: int
    seconds: float


LIMITS: dict[Attempt, Limit] = {
    "sign-in": Limit(20, 600.0),
    "account": Limit(20, 600.0),
    "link": Limit(20, 600.0),
    "token": Limit(60, 60.0),
    "refusal": Limit(60, 60.0),
}
"""By address, but `account` by login. `refusal` is how many refused requests of one address are written down one by one.

Deliveries with a wrong signature are not slowed down: a forge sends those of all its repositories from the same addresses."""

_MOST_KEYS = 20_000
_HALF = len("2001:0db8:0000:0000")
"""of an IPv6 address: whoever has one has a whole /64 of them"""


class Limits:
    """Counts in memory: a restart forgets. Safe from any thread.

    Each key has a bucket that leaks evenly (GCRA: one number a key, no list of times).
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._full_at: OrderedDict[tuple[Attempt, str], float] = OrderedDict()

    def wait_seconds(self, attempt: Attempt, key: str) -> int:
        """How long to wait before the next one may be made; 0: it may be made now."""
        limit = LIMITS[attempt]
        now = self._clock.monotonic()
        with self._lock:
            ready = self._full_at.get((attempt, key), now)
        over = ready - now - limit.seconds * (1 - 1 / limit.count)
        return max(0, math.ceil(over - 1e-9))

    def count(self, attempt: Attempt, key: str) -> None:
        """One was made."""
        limit = LIMITS[attempt]
        now = self._clock.monotonic()
        with self._lock:
            ready = max(self._full_at.pop((attempt, key), now), now)
            self._full_at[attempt, key] = ready + limit.seconds / limit.count
            while len(self._full_at) > _MOST_KEYS:
                self._full_at.popitem(last=False)  # the one that was quiet for longest

    def try_now(self, attempt: Attempt, key: str) -> int:
        """Both: 0 and it is counted, or how long to wait."""
        waiting = self.wait_seconds(attempt, key)
        if not waiting:
            self.count(attempt, key)
        return waiting

    def forgive(self, attempt: Attempt, key: str) -> None:
        """It was a good one after all: it does not count, nor do those before."""
        with self._lock:
            self._full_at.pop((attempt, key), None)


def client_address(scope: Scope) -> str:
    """Where a request comes from; empty where it came through a socket without addresses."""
    client = scope.get("client")
    return str(client[0]) if client else ""


def client_network(scope: Scope) -> str:
    """The same as one who counts attempts should see it."""
    return network_of(client_address(scope))


def network_of(address: str) -> str:
    """What one household has: an address, or the first half of an IPv6 address."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if found.version == 4:
        return str(found)
    mapped = found.ipv4_mapped
    return str(mapped) if mapped is not None else f"{found.exploded[:_HALF]}::"

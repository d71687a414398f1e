"""How much each caller may ask in an hour, whatever the time of the day is set to, and however many they are."""

from datetime import datetime, timedelta

import pytest
from starlette.requests import Request
from starlette.types import Scope

from homeport.ports.access import ANONYMOUS
from homeport.server.api import guard, rates
from homeport.server.api.rates import Rates
from tests.support.plans import NOW


class SettableClock:
    """Its time of the day can be set."""

    def __init__(self) -> None:
        self.passed = 0.0
        self.wrong_by = timedelta()

    def now(self) -> datetime:
        return NOW + timedelta(seconds=self.passed) + self.wrong_by

    def monotonic(self) -> float:
        return 1000.0 + self.passed


def test_the_hour_is_over_after_an_hour_whatever_is_set() -> None:
    clock = SettableClock()
    known = Rates(clock, limit=2)
    clock.wrong_by = timedelta(days=365)
    assert [known.count("ada").is_over for _ in range(3)] == [False, False, True]
    clock.wrong_by = timedelta()
    assert known.count("ada").reset == int(NOW.timestamp()) + 3600
    clock.passed = 3599
    assert known.count("ada").is_over
    clock.wrong_by = timedelta(days=-365)
    clock.passed = 3600
    assert known.count("ada").used == 1


def test_no_more_callers_are_remembered_than_a_few_thousand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates, "_MOST_CALLERS", 3)
    known = Rates(SettableClock(), limit=2)
    for who in ("ada", "a", "ada", "b", "ada", "c", "d"):
        known.count(who)
    assert known.show("ada").used == 3, "who asks often is not forgotten"
    assert known.show("a").used == 0


def test_all_addresses_of_a_household_count_as_one() -> None:
    def who(address: str) -> str:
        scope: Scope = {"type": "http", "client": (address, 7), "headers": []}
        return guard._who(ANONYMOUS, Request(scope))

    assert who("2001:db8::1") == who("2001:db8::ffff:2")
    assert who("2001:db8::1") != who("2001:db8:0:1::1")
    assert who("192.0.2.1") != who("192.0.2.2")

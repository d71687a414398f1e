"""How often somebody may try."""

import pytest

from homeport.server.limits import LIMITS, Limits, network_of
from tests.support.access import MovableClock


def test_so_many_at_once_and_then_evenly() -> None:
    clock = MovableClock()
    limits, limit = Limits(clock), LIMITS["token"]
    assert [limits.try_now("token", "a") for _ in range(limit.count)] == [0] * limit.count
    waiting = limits.try_now("token", "a")
    assert 0 < waiting <= limit.seconds / limit.count + 1
    clock.pass_seconds(waiting)
    assert limits.try_now("token", "a") == 0
    assert limits.try_now("token", "a") > 0
    clock.pass_seconds(limit.seconds)
    assert [limits.try_now("token", "a") for _ in range(limit.count)] == [0] * limit.count


def test_one_does_not_slow_down_another_nor_another_kind_of_attempt() -> None:
    limits = Limits(MovableClock())
    for _ in range(LIMITS["link"].count):
        limits.count("link", "a")
    assert limits.wait_seconds("link", "a") > 0
    assert limits.wait_seconds("link", "b") == limits.wait_seconds("sign-in", "a") == 0


def test_looking_counts_nothing_and_what_is_forgiven_is_forgotten() -> None:
    limits = Limits(MovableClock())
    for _ in range(1000):
        assert limits.wait_seconds("account", "ada") == 0
    for _ in range(LIMITS["account"].count):
        limits.count("account", "ada")
    limits.forgive("account", "ada")
    assert limits.wait_seconds("account", "ada") == 0


def test_who_comes_from_many_addresses_fills_no_memory_and_frees_nobody_who_goes_on() -> None:
    limits = Limits(MovableClock())
    for _ in range(LIMITS["token"].count):
        limits.count("token", "busy")
    for number in range(100_000):
        limits.count("token", str(number))
        if not number % 1000:
            limits.count("token", "busy")
    assert len(limits._full_at) <= 20_000
    assert limits.wait_seconds("token", "busy") > 0


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8::1", "2001:0db8:0000:0000::"),
        ("2001:db8:0:0:ffff::2", "2001:0db8:0000:0000::"),
        ("2001:db8:0:1::2", "2001:0db8:0000:0001::"),
        ("fe80::1%eth0", "fe80:0000:0000:0000::"),
        ("", ""),
        ("testclient", "testclient"),
    ],
)
def test_an_ipv6_address_counts_as_its_network(address: str, network: str) -> None:
    assert network_of(address) == network

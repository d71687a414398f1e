"""No test calls a live API: the guard refuses it, remembers it, and fails the test that tried."""

from __future__ import annotations

import socket

import pytest
import requests

from tests.support.network_guard import LiveCallRefused, NetworkGuard
from villa_backend_sdk.transport import Request, RequestsTransport

pytestmark = pytest.mark.unit


def test_the_sdk_cannot_reach_a_backend_from_a_test(network_guard: NetworkGuard) -> None:
    transport = RequestsTransport("https://backend.villa.example", timeout_seconds=1)

    with pytest.raises(LiveCallRefused, match=r"backend\.villa\.example"):
        transport.send(Request("GET", "/v1/products"))

    assert network_guard.forget() == ["getaddrinfo('backend.villa.example')"]


def test_aws_cannot_be_reached_from_a_test(network_guard: NetworkGuard) -> None:
    import boto3
    from botocore.config import Config
    from botocore.exceptions import HTTPClientError

    once = Config(retries={"total_max_attempts": 1})
    client = boto3.client("sts", "ap-southeast-1", aws_access_key_id="x", aws_secret_access_key="x", config=once)

    with pytest.raises(HTTPClientError):
        client.get_caller_identity()

    assert network_guard.forget() == ["getaddrinfo('sts.ap-southeast-1.amazonaws.com')"]


def test_an_address_without_a_name_is_refused_too(network_guard: NetworkGuard) -> None:
    with socket.socket() as connection, pytest.raises(LiveCallRefused):
        connection.connect(("192.0.2.1", 443))
    with socket.socket() as connection, pytest.raises(LiveCallRefused):
        connection.connect_ex(("192.0.2.1", 443))
    with socket.socket(type=socket.SOCK_DGRAM) as connection, pytest.raises(LiveCallRefused):
        connection.sendto(b"x", ("192.0.2.1", 53))

    assert len(network_guard.forget()) == 3


def test_processes_of_this_machine_may_still_talk(network_guard: NetworkGuard) -> None:
    one, other = socket.socketpair()
    with one, other:
        one.sendall(b"hello")
        assert other.recv(5) == b"hello"
    assert network_guard.attempts == []


SWALLOWING_TEST = """
    import socket

    def test_that_swallows_the_refusal():
        try:
            socket.create_connection(("backend.villa.example", 443))
        except Exception:
            pass

    def test_that_stays_at_home():
        pass
"""


def test_a_test_that_swallows_the_refusal_fails_all_the_same(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(SWALLOWING_TEST)

    result = pytester.runpytest_inprocess("-p", "tests.support.network_guard")

    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(["*live calls attempted: getaddrinfo('backend.villa.example')*"])


def test_the_guard_gives_the_network_back() -> None:
    before = (socket.getaddrinfo, socket.socket.connect)
    guard = NetworkGuard()

    guard.install()
    assert (socket.getaddrinfo, socket.socket.connect) != before
    guard.remove()

    assert (socket.getaddrinfo, socket.socket.connect) == before


def test_the_guard_is_not_mistaken_for_a_network_failure() -> None:
    assert not issubclass(LiveCallRefused, (OSError, requests.RequestException))

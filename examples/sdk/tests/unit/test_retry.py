"""Only what is safe to repeat is repeated, with growing and bounded pauses."""

from __future__ import annotations

import pytest

from tests.support.scripted import ScriptedTransport, answer
from villa_backend_sdk.errors import NetworkError, RequestTimeout
from villa_backend_sdk.retry import RetryingTransport, RetryPolicy
from villa_backend_sdk.transport import Request, Response

pytestmark = pytest.mark.unit

READ = Request("GET", "/v1/products", idempotent=True)
WRITE = Request("POST", "/v1/things")


class Retrying:
    """A retrying transport over a script, with its pauses written down in place of waited for."""

    def __init__(self, *outcomes: Response | Exception, attempts: int = 3) -> None:
        self.wire = ScriptedTransport(*outcomes)
        self.pauses: list[float] = []
        self.transport = RetryingTransport(self.wire, RetryPolicy(attempts), self.pauses.append, lambda: 0.5)


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_passing_failure_is_tried_again(status: int) -> None:
    retrying = Retrying(answer(status), answer(200))

    assert retrying.transport.send(READ).status == 200
    assert retrying.pauses == [0.1]


@pytest.mark.parametrize("status", [200, 400, 401, 404, 409, 500])
def test_an_answer_that_stands_is_not_tried_again(status: int) -> None:
    retrying = Retrying(answer(status))

    assert retrying.transport.send(READ).status == status
    assert retrying.pauses == []


def test_a_broken_connection_is_tried_again() -> None:
    retrying = Retrying(NetworkError("reset"), RequestTimeout("slow"), answer(200))

    assert retrying.transport.send(READ).status == 200
    assert retrying.pauses == [0.1, 0.2]


def test_the_last_answer_is_the_callers() -> None:
    retrying = Retrying(answer(503), answer(503), answer(502))

    assert retrying.transport.send(READ).status == 502
    assert len(retrying.wire.requests) == 3


def test_the_last_error_is_the_callers() -> None:
    retrying = Retrying(answer(503), NetworkError("reset"), attempts=2)

    with pytest.raises(NetworkError, match="reset"):
        retrying.transport.send(READ)


def test_a_request_that_may_not_be_repeated_is_sent_once() -> None:
    retrying = Retrying(answer(503))

    assert retrying.transport.send(WRITE).status == 503
    assert len(retrying.wire.requests) == 1


def test_the_backend_may_ask_for_a_pause() -> None:
    retrying = Retrying(answer(429, None, retry_after="2"), answer(200))

    retrying.transport.send(READ)

    assert retrying.pauses == [2.0]


@pytest.mark.parametrize(
    ("failures", "share", "retry_after", "seconds"),
    [
        (1, 1.0, None, 0.2),
        (2, 1.0, None, 0.4),
        (3, 0.5, None, 0.4),
        (30, 1.0, None, 5.0),
        (1, 0.0, None, 0.0),
        (1, 1.0, "0", 0.0),
        (1, 1.0, "3600", 5.0),
        (1, 1.0, "Sun, 01 Mar 2026 09:30:00 GMT", 0.2),
        (1, 1.0, "-1", 0.2),
    ],
)
def test_pauses_grow_within_bounds(failures: int, share: float, retry_after: str | None, seconds: float) -> None:
    assert RetryPolicy().delay_seconds(failures, share, retry_after) == pytest.approx(seconds)

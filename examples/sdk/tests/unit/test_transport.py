"""Calls: what an error status becomes, and what a body that is no JSON becomes."""

from __future__ import annotations

import pytest

from tests.support import answers
from tests.support.scripted import ScriptedTransport, answer
from villa_backend_sdk.errors import (
    ApiError,
    BadRequest,
    Conflict,
    DecodeError,
    NotAllowed,
    NotAuthenticated,
    NotFound,
    RateLimited,
    ServerFault,
)
from villa_backend_sdk.transport import USER_AGENT, Request, Response, call

pytestmark = pytest.mark.unit

READ = Request("GET", "/v1/products")


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (302, ApiError),
        (400, BadRequest),
        (401, NotAuthenticated),
        (403, NotAllowed),
        (404, NotFound),
        (409, Conflict),
        (418, ApiError),
        (422, BadRequest),
        (429, RateLimited),
        (500, ServerFault),
        (503, ServerFault),
    ],
)
def test_an_error_status_becomes_its_error(status: int, kind: type[ApiError]) -> None:
    with pytest.raises(ApiError) as raised:
        call(ScriptedTransport(answer(status, answers.error("no_such", "there is none"))), READ)

    assert type(raised.value) is kind
    assert (raised.value.status, raised.value.code, raised.value.message) == (status, "no_such", "there is none")


def test_an_error_tells_the_request_for_support() -> None:
    with pytest.raises(NotFound, match=r"404 gone: not here \(request req-1\)"):
        call(ScriptedTransport(answer(404, answers.error("gone", "not here"), x_request_id="req-1")), READ)


@pytest.mark.parametrize(
    ("body", "message"),
    [(b"<h1>Bad Gateway</h1>", "<h1>Bad Gateway</h1>"), (b"", "no message"), (b"[]", "[]"), (b"\xff", "\ufffd")],
)
def test_a_proxys_error_is_passed_on_as_it_is(body: bytes, message: str) -> None:
    with pytest.raises(ServerFault) as raised:
        call(ScriptedTransport(Response(502, body)), READ)

    assert (raised.value.code, raised.value.message) == ("unknown", message)


@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff\xfe", b"[1]", b"null"])
def test_a_good_status_without_an_object_breaks_the_contract(body: bytes) -> None:
    with pytest.raises(DecodeError, match=r"\$: expected an object"):
        call(ScriptedTransport(Response(200, body)), READ)


def test_a_header_is_added_to_a_copy() -> None:
    request = READ.with_header("A", "1").with_header("B", "2")

    assert request.headers == {"A": "1", "B": "2"}
    assert READ.headers == {}


def test_the_user_agent_names_sdk_and_python() -> None:
    assert USER_AGENT.startswith("villa-backend-sdk/")
    assert " python/3." in USER_AGENT

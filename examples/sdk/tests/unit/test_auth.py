"""Requests of a user carry the token; a refused token is renewed once."""

from __future__ import annotations

import pytest

from tests.support.scripted import ScriptedTokens, ScriptedTransport, answer
from villa_backend_sdk.auth import SigningTransport
from villa_backend_sdk.transport import Request

pytestmark = pytest.mark.unit

MINE = Request("GET", "/v1/orders", needs_user=True)


def authorisations(wire: ScriptedTransport) -> list[str | None]:
    return [request.headers.get("Authorization") for request in wire.requests]


def test_a_public_request_carries_no_token() -> None:
    wire = ScriptedTransport(answer(200))

    SigningTransport(wire, ScriptedTokens()).send(Request("GET", "/v1/products"))

    assert authorisations(wire) == [None]


def test_a_users_request_carries_the_token() -> None:
    wire = ScriptedTransport(answer(200))

    SigningTransport(wire, ScriptedTokens()).send(MINE)

    assert authorisations(wire) == ["Bearer token-1"]
    assert "Authorization" not in MINE.headers


def test_a_refused_token_is_renewed() -> None:
    wire = ScriptedTransport(answer(401), answer(200))

    assert SigningTransport(wire, ScriptedTokens()).send(MINE).status == 200
    assert authorisations(wire) == ["Bearer token-1", "Bearer token-2"]


def test_a_token_refused_twice_is_the_answer() -> None:
    wire = ScriptedTransport(answer(401), answer(401))
    tokens = ScriptedTokens()

    assert SigningTransport(wire, tokens).send(MINE).status == 401
    assert tokens.renewals == 1

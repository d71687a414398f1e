"""The real requests stack against mocked backend addresses."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import requests
import responses
from responses import matchers
from responses.registries import OrderedRegistry

from tests.support import answers
from tests.support.scripted import ScriptedTokens
from tests.support.user_pool import BACKEND
from villa_backend_sdk import cli
from villa_backend_sdk.client import VillaClient
from villa_backend_sdk.config import ClientConfig
from villa_backend_sdk.decoding import JsonObject
from villa_backend_sdk.errors import ApiError, NetworkError, NotFound, RateLimited, RequestTimeout
from villa_backend_sdk.models import PaymentMethod, ValidatedCart
from villa_backend_sdk.transport import USER_AGENT

pytestmark = pytest.mark.integration

PRODUCT = f"{BACKEND}/v1/products/MANGO-1KG"
PAYMENTS = f"{BACKEND}/v1/payments"
VALIDATED = ValidatedCart.from_json(JsonObject(answers.validated_cart()))


@pytest.fixture
def pauses() -> list[float]:
    """The pauses between attempts, written down in place of waited for."""
    return []


@pytest.fixture
def client(pauses: list[float]) -> Iterator[VillaClient]:
    """A client as users make it, but for the waiting."""
    with VillaClient.connect(ClientConfig(BACKEND), ScriptedTokens(), pauses.append) as client:
        yield client


@pytest.fixture
def hasty_client() -> Iterator[VillaClient]:
    """A client that tries once."""
    with VillaClient.connect(ClientConfig(BACKEND, attempts=1), ScriptedTokens()) as client:
        yield client


def test_a_product_travels_over_the_wire(client: VillaClient, wire: responses.RequestsMock) -> None:
    headers = {"User-Agent": USER_AGENT, "Accept": "application/json"}
    wire.get(PRODUCT, json=answers.product(), match=[matchers.header_matcher(headers)])

    assert client.products.get("MANGO-1KG").name == "Nam Dok Mai mango, 1 kg"


def test_a_base_address_may_have_a_path_and_a_slash(wire: responses.RequestsMock) -> None:
    wire.get(f"{BACKEND}/shop/v1/products/MANGO-1KG", json=answers.product())

    with VillaClient.connect(ClientConfig(f"{BACKEND}/shop/")) as client:
        client.products.get("MANGO-1KG")


def test_a_search_is_encoded_into_the_address(client: VillaClient, wire: responses.RequestsMock) -> None:
    query = {"search": "ข้าว & ไข่", "limit": "50"}
    wire.get(f"{BACKEND}/v1/products", json={"items": []}, match=[matchers.query_param_matcher(query)])

    assert list(client.products.all(search="ข้าว & ไข่")) == []


def test_the_token_and_the_body_travel_with_a_payment(client: VillaClient, wire: responses.RequestsMock) -> None:
    body = {"cart_id": "cart-77", "amount": {"minor_units": 43400, "currency": "THB"}, "method": "card"}
    headers = {"Authorization": "Bearer token-1", "Idempotency-Key": "key", "Content-Type": "application/json"}
    matches = [matchers.json_params_matcher(body), matchers.header_matcher(headers)]
    wire.post(PAYMENTS, json=answers.payment(), match=matches)

    assert client.payments.create(VALIDATED, PaymentMethod.CARD, "key").order_id == "ord-5"


def test_a_retried_payment_keeps_its_key(client: VillaClient, pauses: list[float]) -> None:
    with responses.RequestsMock(registry=OrderedRegistry) as wire:
        wire.post(PAYMENTS, body=requests.ConnectionError("reset by peer"))
        wire.post(PAYMENTS, status=503)
        wire.post(PAYMENTS, json=answers.payment())

        client.payments.create(VALIDATED, PaymentMethod.CARD)

        keys = {exchange.request.headers["Idempotency-Key"] for exchange in wire.calls}
    assert (len(keys), len(pauses)) == (1, 2)


def test_a_busy_backend_is_given_the_time_it_asks_for(client: VillaClient, pauses: list[float]) -> None:
    with responses.RequestsMock(registry=OrderedRegistry) as wire:
        wire.get(PRODUCT, status=429, headers={"Retry-After": "2"})
        wire.get(PRODUCT, json=answers.product())

        assert client.products.get("MANGO-1KG").sku == "MANGO-1KG"
    assert pauses == [2.0]


def test_a_backend_that_stays_busy_is_an_error(
    client: VillaClient, wire: responses.RequestsMock, pauses: list[float]
) -> None:
    busy = wire.get(PRODUCT, status=429, json=answers.error("busy", "later"))

    with pytest.raises(RateLimited, match="429 busy: later"):
        client.products.get("MANGO-1KG")
    assert (busy.call_count, len(pauses)) == (3, 2)


def test_a_missing_product_is_told_with_its_request(client: VillaClient, wire: responses.RequestsMock) -> None:
    missing = answers.error("unknown_sku", "no such product")
    wire.get(PRODUCT, status=404, json=missing, headers={"X-Request-Id": "req-1"})

    with pytest.raises(NotFound) as raised:
        client.products.get("MANGO-1KG")
    assert raised.value.request_id == "req-1"


def test_a_broken_connection_is_a_network_error(hasty_client: VillaClient, wire: responses.RequestsMock) -> None:
    wire.get(PRODUCT, body=requests.ConnectionError("name or service not known"))

    with pytest.raises(NetworkError, match="GET /v1/products/MANGO-1KG: name or service"):
        hasty_client.products.get("MANGO-1KG")


@pytest.mark.parametrize("cause", [requests.ConnectTimeout(), requests.ReadTimeout()])
def test_a_slow_backend_is_a_timeout(
    cause: requests.Timeout, hasty_client: VillaClient, wire: responses.RequestsMock
) -> None:
    wire.get(PRODUCT, body=cause)

    with pytest.raises(RequestTimeout, match="no answer in 10 s"):
        hasty_client.products.get("MANGO-1KG")


def test_a_redirect_is_not_followed_with_the_users_token(client: VillaClient, wire: responses.RequestsMock) -> None:
    wire.get(f"{BACKEND}/v1/orders/ord-5", status=302, headers={"Location": "https://elsewhere.example/"})

    with pytest.raises(ApiError, match="302"):
        client.orders.get("ord-5")


def test_the_command_reads_the_catalogue_over_the_wire(
    wire: responses.RequestsMock, capsys: pytest.CaptureFixture[str]
) -> None:
    wire.get(PRODUCT, body=json.dumps(answers.product()))

    assert cli.main(["product", "MANGO-1KG"], {"VILLA_BASE_URL": BACKEND}) == cli.DONE
    assert capsys.readouterr().out.startswith("MANGO-1KG\t129.50 THB")

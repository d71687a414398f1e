"""Whole business flows: AWS emulated below the session, the backend mocked on the wire, everything between real."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import responses
from requests import PreparedRequest
from responses.registries import OrderedRegistry

from tests.support import answers
from tests.support.user_pool import BACKEND, UserPool
from villa_backend_sdk import cli
from villa_backend_sdk.checkout import check_out
from villa_backend_sdk.client import VillaClient
from villa_backend_sdk.errors import CartRejected, NotAuthenticated, PaymentDeclined
from villa_backend_sdk.models import Cart, CartLine, OrderStatus, PaymentMethod

pytestmark = pytest.mark.integration

CART = Cart("SUKHUMVIT-11", (CartLine("MANGO-1KG", 2), CartLine("RICE-5KG", 1)))
VALIDATE, PAY, ORDER = f"{BACKEND}/v1/carts/validate", f"{BACKEND}/v1/payments", f"{BACKEND}/v1/orders/ord-5"

Answer = tuple[int, dict[str, str], str]


class Backend:
    """The mocked backend: answers in order, and asks Cognito who each token belongs to, as the real one does."""

    def __init__(self, user_pool: UserPool, wire: responses.RequestsMock) -> None:
        self._user_pool = user_pool
        self._wire = wire
        self.users: list[str] = []

    def will_answer(self, method: str, url: str, body: answers.Json, status: int = 200) -> None:
        def reply(request: PreparedRequest) -> Answer:
            token = str(request.headers["Authorization"]).removeprefix("Bearer ")
            self.users.append(self._user_pool.owner_of(token))
            return status, {}, json.dumps(body)

        self._wire.add_callback(method, url, reply)

    def bodies(self) -> list[answers.Json]:
        return [
            json.loads(bytes(body)) for exchange in self._wire.calls if isinstance(body := exchange.request.body, bytes)
        ]


@pytest.fixture
def backend(user_pool: UserPool) -> Iterator[Backend]:
    with responses.RequestsMock(registry=OrderedRegistry) as wire:
        yield Backend(user_pool, wire)


@pytest.fixture
def client(user_pool: UserPool, backend: Backend) -> Iterator[VillaClient]:
    session = user_pool.session(user_pool.add("somchai", "Correct-h0rse"))
    with VillaClient.connect(user_pool.config(), session) as client:
        yield client


def test_validate_then_pay(client: VillaClient, backend: Backend) -> None:
    backend.will_answer("POST", VALIDATE, answers.validated_cart())
    backend.will_answer("POST", PAY, answers.payment())

    payment = check_out(client, CART, PaymentMethod.CARD)

    assert payment.order_id == "ord-5"
    assert backend.bodies() == [
        {
            "branch": "SUKHUMVIT-11",
            "lines": [{"sku": "MANGO-1KG", "quantity": 2}, {"sku": "RICE-5KG", "quantity": 1}],
        },
        {"cart_id": "cart-77", "amount": {"minor_units": 43400, "currency": "THB"}, "method": "card"},
    ]
    assert backend.users == ["somchai", "somchai"]


def test_a_cart_that_cannot_be_sold_is_never_paid_for(client: VillaClient, backend: Backend) -> None:
    backend.will_answer("POST", VALIDATE, answers.validated_cart(problems=[answers.out_of_stock()]))

    with pytest.raises(CartRejected, match="only 1 left"):
        check_out(client, CART, PaymentMethod.CARD)


def test_a_declined_payment_places_no_order(client: VillaClient, backend: Backend) -> None:
    backend.will_answer("POST", VALIDATE, answers.validated_cart())
    backend.will_answer("POST", PAY, answers.payment(status="declined", order_id=None, decline_reason="card expired"))

    with pytest.raises(PaymentDeclined, match="card expired"):
        check_out(client, CART, PaymentMethod.CARD)


def test_sign_in_then_read_the_order(client: VillaClient, backend: Backend) -> None:
    backend.will_answer("GET", ORDER, answers.order(status="delivering"))

    order = client.orders.get("ord-5")

    assert order.status is OrderStatus.DELIVERING
    assert backend.users == ["somchai"]


def test_a_token_that_the_backend_refuses_is_renewed_at_cognito(client: VillaClient, backend: Backend) -> None:
    backend.will_answer("GET", ORDER, answers.error("expired", "token expired"), status=401)
    backend.will_answer("GET", ORDER, answers.order())

    assert client.orders.get("ord-5").order_id == "ord-5"
    assert backend.users == ["somchai", "somchai"]


def test_a_backend_that_refuses_every_token_is_an_error(client: VillaClient, backend: Backend) -> None:
    for _ in range(2):
        backend.will_answer("GET", ORDER, answers.error("banned", "not you"), status=401)

    with pytest.raises(NotAuthenticated, match="not you"):
        client.orders.get("ord-5")


def test_the_command_signs_in_validates_and_pays(
    user_pool: UserPool, backend: Backend, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    credentials = user_pool.add("malee", "Battery-5taple")
    backend.will_answer("POST", VALIDATE, answers.validated_cart())
    backend.will_answer("POST", PAY, answers.payment())
    cart = tmp_path / "cart.json"
    cart.write_text(json.dumps(CART.to_json()))
    environment = {
        "VILLA_BASE_URL": BACKEND,
        "VILLA_USER_POOL_CLIENT_ID": user_pool.client_id,
        "VILLA_USERNAME": credentials.username,
        "VILLA_PASSWORD": credentials.password,
    }

    assert cli.main(["checkout", str(cart)], environment) == cli.DONE
    assert capsys.readouterr().out == "payment pay-9 is authorised: order ord-5\n"
    assert backend.users == ["malee", "malee"]

"""Each resource sends what the backend expects and reads what it answers."""

from __future__ import annotations

import pytest

from tests.support import answers
from tests.support.scripted import ScriptedTokens, ScriptedTransport, answer
from villa_backend_sdk.client import VillaClient
from villa_backend_sdk.decoding import JsonObject
from villa_backend_sdk.errors import NotFound, SignInError
from villa_backend_sdk.models import Cart, CartLine, Money, OrderStatus, PaymentMethod, ValidatedCart
from villa_backend_sdk.transport import Response

pytestmark = pytest.mark.unit

CART = Cart("SUKHUMVIT-11", (CartLine("MANGO-1KG", 2), CartLine("RICE-5KG", 1)))
VALIDATED = ValidatedCart.from_json(JsonObject(answers.validated_cart()))


def scripted(*outcomes: Response | Exception) -> tuple[VillaClient, ScriptedTransport]:
    wire = ScriptedTransport(*outcomes)
    return VillaClient(wire, ScriptedTokens()), wire


def test_a_product_is_read() -> None:
    client, wire = scripted(answer(200, answers.product()))

    product = client.products.get("MANGO-1KG")

    assert (product.unit_price, product.stock) == (Money(12950), 8)
    assert (wire.last.method, wire.last.path, wire.last.needs_user) == ("GET", "/v1/products/MANGO-1KG", False)


@pytest.mark.parametrize(("sku", "path"), [("A/B", "A%2FB"), ("../orders", "..%2Forders"), ("ข้าว", "%E0%B8%82")])
def test_a_sku_cannot_leave_its_place_in_the_path(sku: str, path: str) -> None:
    client, wire = scripted(answer(404, answers.error("unknown_sku", "no such product")))

    with pytest.raises(NotFound):
        client.products.get(sku)
    assert wire.last.path.startswith(f"/v1/products/{path}")


def test_a_page_is_asked_for_with_what_is_wanted_only() -> None:
    client, wire = scripted(answer(200, {"items": [], "next_cursor": None}))

    client.products.page(search="mango")

    assert wire.last.query == {"search": "mango", "limit": "50"}


def test_all_products_are_fetched_page_by_page() -> None:
    client, wire = scripted(
        answer(200, {"items": [answers.product("A"), answers.product("B")], "next_cursor": "c2"}),
        answer(200, {"items": [answers.product("C")]}),
    )

    products = client.products.all(branch="SUKHUMVIT-11")

    assert next(products).sku == "A"
    assert len(wire.requests) == 1, "the second page is fetched when it is needed"
    assert [product.sku for product in products] == ["B", "C"]
    assert [request.query.get("cursor") for request in wire.requests] == [None, "c2"]


def test_a_cart_is_validated_for_the_user() -> None:
    client, wire = scripted(answer(200, answers.validated_cart()))

    assert client.carts.validate(CART) == VALIDATED
    assert (wire.last.method, wire.last.path, wire.last.body) == ("POST", "/v1/carts/validate", CART.to_json())
    assert wire.last.headers["Authorization"] == "Bearer token-1"


def test_a_payment_is_for_the_amount_that_was_validated() -> None:
    client, wire = scripted(answer(200, answers.payment()))

    payment = client.payments.create(VALIDATED, PaymentMethod.PROMPTPAY, "order-of-monday")

    assert payment.order_id == "ord-5"
    assert wire.last.headers["Idempotency-Key"] == "order-of-monday"
    assert wire.last.body == {
        "cart_id": "cart-77",
        "amount": {"minor_units": 43400, "currency": "THB"},
        "method": "promptpay",
    }


def test_each_payment_has_a_key_of_its_own() -> None:
    client, wire = scripted(answer(200, answers.payment()), answer(200, answers.payment()))

    for _ in range(2):
        client.payments.create(VALIDATED, PaymentMethod.CARD)

    one, other = (request.headers["Idempotency-Key"] for request in wire.requests)
    assert one != other
    assert all(request.idempotent for request in wire.requests)


def test_a_payment_is_looked_up() -> None:
    client, wire = scripted(answer(200, answers.payment()))

    assert client.payments.get("pay/9").payment_id == "pay-9"
    assert wire.last.path == "/v1/payments/pay%2F9"


def test_an_order_is_read() -> None:
    client, wire = scripted(answer(200, answers.order()))

    assert client.orders.get("ord-5").status is OrderStatus.PLACED
    assert (wire.last.path, wire.last.needs_user) == ("/v1/orders/ord-5", True)


def test_orders_are_paged() -> None:
    client, wire = scripted(answer(200, {"items": [answers.order()], "next_cursor": "c2"}), answer(200, {"items": []}))

    first = client.orders.page(limit=1)
    second = client.orders.page(limit=1, cursor=first.next_cursor)

    assert (len(first.items), second.items, second.next_cursor) == (1, (), None)
    assert [request.query for request in wire.requests] == [{"limit": "1"}, {"limit": "1", "cursor": "c2"}]


def test_an_order_is_cancelled() -> None:
    client, wire = scripted(answer(200, answers.order(status="cancelled")))

    assert client.orders.cancel("ord-5").status.is_final
    assert (wire.last.method, wire.last.path) == ("POST", "/v1/orders/ord-5/cancel")


def test_without_a_session_only_the_catalogue_can_be_read() -> None:
    wire = ScriptedTransport(answer(200, answers.product()))
    client = VillaClient(wire)

    client.products.get("MANGO-1KG")
    with pytest.raises(SignInError, match="pass a CognitoSession"):
        client.orders.get("ord-5")
    assert len(wire.requests) == 1

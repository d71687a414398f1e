"""The checkout never charges for a cart that cannot be sold."""

from __future__ import annotations

import pytest

from tests.support import answers
from tests.support.scripted import ScriptedTokens, ScriptedTransport, answer
from villa_backend_sdk.checkout import check_out
from villa_backend_sdk.client import VillaClient
from villa_backend_sdk.errors import CartRejected, PaymentDeclined
from villa_backend_sdk.models import Cart, CartLine, PaymentMethod, PaymentStatus

pytestmark = pytest.mark.unit

CART = Cart("SUKHUMVIT-11", (CartLine("MANGO-1KG", 2),))


def test_a_valid_cart_is_paid_for() -> None:
    wire = ScriptedTransport(answer(200, answers.validated_cart()), answer(200, answers.payment()))

    payment = check_out(VillaClient(wire, ScriptedTokens()), CART, PaymentMethod.CARD, "key")

    assert payment.status is PaymentStatus.AUTHORISED
    assert [request.path for request in wire.requests] == ["/v1/carts/validate", "/v1/payments"]


def test_a_rejected_cart_is_not_charged() -> None:
    wire = ScriptedTransport(answer(200, answers.validated_cart(problems=[answers.out_of_stock()])))

    with pytest.raises(CartRejected):
        check_out(VillaClient(wire, ScriptedTokens()), CART, PaymentMethod.CARD)
    assert [request.path for request in wire.requests] == ["/v1/carts/validate"]


def test_a_declined_payment_is_an_error() -> None:
    declined = answers.payment(status="declined", order_id=None, decline_reason="card expired")
    wire = ScriptedTransport(answer(200, answers.validated_cart()), answer(200, declined))

    with pytest.raises(PaymentDeclined, match="card expired"):
        check_out(VillaClient(wire, ScriptedTokens()), CART, PaymentMethod.CARD)

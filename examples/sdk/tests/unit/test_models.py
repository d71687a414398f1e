"""The values: what they read, what they compute, and what they refuse."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest

from tests.support import answers
from villa_backend_sdk.decoding import JsonObject
from villa_backend_sdk.errors import CartRejected, DecodeError, PaymentDeclined
from villa_backend_sdk.models import (
    Cart,
    CartLine,
    Money,
    Order,
    OrderStatus,
    Payment,
    PaymentStatus,
    Product,
    ValidatedCart,
)

pytestmark = pytest.mark.unit


def read_cart(**changes: Any) -> ValidatedCart:
    return ValidatedCart.from_json(JsonObject(answers.validated_cart(**changes)))


@pytest.mark.parametrize(
    ("minor_units", "text"),
    [(0, "0.00 THB"), (5, "0.05 THB"), (12950, "129.50 THB"), (123456789, "1,234,567.89 THB"), (-1000, "-10.00 THB")],
)
def test_money_prints_with_two_decimals(minor_units: int, text: str) -> None:
    assert str(Money(minor_units)) == text


def test_money_adds_subtracts_and_multiplies_exactly() -> None:
    assert Money(10) + Money(20) - Money(5) == Money(25)
    assert Money(333) * 3 == Money(999)


def test_money_of_two_currencies_does_not_mix() -> None:
    with pytest.raises(ValueError, match="cannot combine THB with USD"):
        Money(1) + Money(1, "USD")
    with pytest.raises(ValueError, match="cannot combine THB with USD"):
        Money(1) - Money(1, "USD")


def test_money_survives_the_way_there_and_back() -> None:
    assert Money.from_json(JsonObject(Money(12950).to_json())) == Money(12950)


def test_a_product_may_have_an_uncounted_stock() -> None:
    assert Product.from_json(JsonObject(answers.product(stock=None))).stock is None
    assert Product.from_json(JsonObject(answers.product(stock=0))).stock == 0


def test_a_cart_is_sent_with_its_coupon_only_where_it_has_one() -> None:
    lines = (CartLine("MANGO-1KG", 2),)

    assert "coupon" not in Cart("SUKHUMVIT-11", lines).to_json()
    assert Cart("SUKHUMVIT-11", lines, "SONGKRAN").to_json() == {
        "branch": "SUKHUMVIT-11",
        "lines": [{"sku": "MANGO-1KG", "quantity": 2}],
        "coupon": "SONGKRAN",
    }


def test_a_cart_survives_the_way_there_and_back() -> None:
    cart = Cart("SUKHUMVIT-11", (CartLine("MANGO-1KG", 2), CartLine("RICE-5KG", 1)), "SONGKRAN")

    assert Cart.from_json(JsonObject(cart.to_json())) == cart


@pytest.mark.parametrize("quantity", [0, -1])
def test_a_line_of_nothing_is_refused(quantity: int) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        CartLine("MANGO-1KG", quantity)


def test_a_line_without_a_sku_is_refused() -> None:
    with pytest.raises(ValueError, match="needs a sku"):
        CartLine("", 1)


def test_an_empty_cart_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one line"):
        Cart("SUKHUMVIT-11", ())


def test_a_product_in_two_lines_is_refused() -> None:
    with pytest.raises(ValueError, match="one line only: MANGO-1KG"):
        Cart("SUKHUMVIT-11", (CartLine("MANGO-1KG", 1), CartLine("MANGO-1KG", 2)))


def test_a_validated_cart_adds_up() -> None:
    cart = read_cart()

    assert [line.total for line in cart.lines] == [Money(25900), Money(18500)]
    assert cart.total == Money(43400)
    assert cart.require_valid() is cart


def test_a_total_that_does_not_follow_from_the_lines_is_refused() -> None:
    with pytest.raises(DecodeError, match=r"\$: expected a total of 434\.00 THB, found '434\.01 THB'"):
        read_cart(total=answers.money(43401))


def test_a_cart_in_two_currencies_is_refused() -> None:
    with pytest.raises(DecodeError, match="one currency"):
        read_cart(discount=answers.money(0, "USD"))


def test_a_cart_with_problems_names_them_all() -> None:
    cart = read_cart(problems=[answers.out_of_stock(), answers.out_of_stock("RICE-5KG", 0)])

    with pytest.raises(CartRejected, match="MANGO-1KG: only 1 left; RICE-5KG: only 0 left") as raised:
        cart.require_valid()
    assert [problem.available for problem in raised.value.problems] == [1, 0]


@pytest.mark.parametrize("status", [PaymentStatus.AUTHORISED, PaymentStatus.PENDING])
def test_an_accepted_payment_is_given_back(status: PaymentStatus) -> None:
    payment = Payment.from_json(JsonObject(answers.payment(status=status.value)))

    assert payment.require_accepted() is payment


@pytest.mark.parametrize(("reason", "message"), [("card expired", "card expired"), (None, "the payment was declined")])
def test_a_declined_payment_says_why(reason: str | None, message: str) -> None:
    json = answers.payment(status="declined", order_id=None, decline_reason=reason)

    with pytest.raises(PaymentDeclined, match=message) as raised:
        Payment.from_json(JsonObject(json)).require_accepted()
    assert raised.value.payment.payment_id == "pay-9"


def test_an_authorised_payment_without_an_order_is_refused() -> None:
    with pytest.raises(DecodeError, match="order_id"):
        Payment.from_json(JsonObject(answers.payment(order_id=None)))


def test_an_order_knows_when_it_was_placed() -> None:
    order = Order.from_json(JsonObject(answers.order()))

    assert order.placed_at == datetime(2026, 3, 1, 9, 30, tzinfo=timezone.utc)
    assert order.total == sum((line.total for line in order.lines), Money(-1000))


@pytest.mark.parametrize("status", OrderStatus)
def test_only_delivered_and_cancelled_orders_are_final(status: OrderStatus) -> None:
    assert status.is_final is (status in {OrderStatus.DELIVERED, OrderStatus.CANCELLED})

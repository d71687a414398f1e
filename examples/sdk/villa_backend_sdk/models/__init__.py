"""The values that the SDK takes and gives."""

from villa_backend_sdk.models.cart import Cart, CartLine, CartProblem, PricedLine, ValidatedCart
from villa_backend_sdk.models.money import Money
from villa_backend_sdk.models.order import Order, OrderStatus
from villa_backend_sdk.models.page import Page
from villa_backend_sdk.models.payment import Payment, PaymentMethod, PaymentStatus
from villa_backend_sdk.models.product import Product

__all__ = [
    "Cart",
    "CartLine",
    "CartProblem",
    "Money",
    "Order",
    "OrderStatus",
    "Page",
    "Payment",
    "PaymentMethod",
    "PaymentStatus",
    "PricedLine",
    "Product",
    "ValidatedCart",
]

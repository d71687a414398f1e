"""Typed client for the Villa backend: products, carts, payments and orders."""

from villa_backend_sdk._version import __version__
from villa_backend_sdk.checkout import check_out
from villa_backend_sdk.client import VillaClient
from villa_backend_sdk.cognito import CognitoSession, Credentials
from villa_backend_sdk.config import ClientConfig
from villa_backend_sdk.errors import (
    ApiError,
    CartRejected,
    ConfigurationError,
    DecodeError,
    NetworkError,
    PaymentDeclined,
    SignInError,
    VillaError,
)
from villa_backend_sdk.models import (
    Cart,
    CartLine,
    Money,
    Order,
    OrderStatus,
    Payment,
    PaymentMethod,
    PaymentStatus,
    Product,
    ValidatedCart,
)

__all__ = [
    "ApiError",
    "Cart",
    "CartLine",
    "CartRejected",
    "ClientConfig",
    "CognitoSession",
    "ConfigurationError",
    "Credentials",
    "DecodeError",
    "Money",
    "NetworkError",
    "Order",
    "OrderStatus",
    "Payment",
    "PaymentDeclined",
    "PaymentMethod",
    "PaymentStatus",
    "Product",
    "SignInError",
    "ValidatedCart",
    "VillaClient",
    "VillaError",
    "__version__",
    "check_out",
]

"""The business flow that every shop front repeats: validate, then pay."""

from __future__ import annotations

from villa_backend_sdk.client import VillaClient
from villa_backend_sdk.models import Cart, Payment, PaymentMethod


def check_out(client: VillaClient, cart: Cart, method: PaymentMethod, idempotency_key: str | None = None) -> Payment:
    """Have ``cart`` validated and pay exactly what the validation said.

    Raises ``CartRejected`` before anything is charged, and ``PaymentDeclined`` where the provider refused. A pending
    payment is returned as it is: the customer confirms it at its ``redirect_url``.
    """
    validated = client.carts.validate(cart).require_valid()
    return client.payments.create(validated, method, idempotency_key).require_accepted()

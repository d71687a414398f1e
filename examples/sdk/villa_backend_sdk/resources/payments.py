"""Paying."""

from __future__ import annotations

import uuid
from urllib.parse import quote

from villa_backend_sdk.models import Payment, PaymentMethod, ValidatedCart
from villa_backend_sdk.transport import Request, Transport, call


class Payments:
    """Payments of the signed-in user."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def create(self, cart: ValidatedCart, method: PaymentMethod, idempotency_key: str | None = None) -> Payment:
        """Pay for a validated cart exactly once, however often the request has to be sent.

        Whoever may call this twice for one purchase (a restarted program, say) passes a key that stays the same.
        The amount is the one the customer saw: where prices changed meanwhile, the backend answers ``Conflict``.
        """
        body = {"cart_id": cart.cart_id, "amount": cart.total.to_json(), "method": method.value}
        headers = {"Idempotency-Key": idempotency_key or str(uuid.uuid4())}
        request = Request("POST", "/v1/payments", body=body, headers=headers, needs_user=True, idempotent=True)
        return Payment.from_json(call(self._transport, request))

    def get(self, payment_id: str) -> Payment:
        """Where a payment stands now."""
        request = Request("GET", f"/v1/payments/{quote(payment_id, safe='')}", needs_user=True, idempotent=True)
        return Payment.from_json(call(self._transport, request))

"""Having a cart priced and checked."""

from __future__ import annotations

from villa_backend_sdk.models import Cart, ValidatedCart
from villa_backend_sdk.transport import Request, Transport, call


class Carts:
    """Validation reserves nothing, so it may be repeated at will."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def validate(self, cart: Cart) -> ValidatedCart:
        """Prices, total and problems of ``cart``, for the signed-in user."""
        request = Request("POST", "/v1/carts/validate", body=cart.to_json(), needs_user=True, idempotent=True)
        return ValidatedCart.from_json(call(self._transport, request))

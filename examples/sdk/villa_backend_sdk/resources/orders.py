"""Following and cancelling orders."""

from __future__ import annotations

from urllib.parse import quote

from villa_backend_sdk.models import Order, Page
from villa_backend_sdk.transport import Request, Transport, call


class Orders:
    """Orders of the signed-in user."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def get(self, order_id: str) -> Order:
        """One order; ``NotFound`` also where it is somebody else's."""
        request = Request("GET", _path(order_id), needs_user=True, idempotent=True)
        return Order.from_json(call(self._transport, request))

    def page(self, limit: int = 20, cursor: str | None = None) -> Page[Order]:
        """The latest orders first."""
        query = {"limit": str(limit)} if cursor is None else {"limit": str(limit), "cursor": cursor}
        answer = call(self._transport, Request("GET", "/v1/orders", query=query, needs_user=True, idempotent=True))
        orders = tuple(Order.from_json(item) for item in answer.items("items"))
        return Page(orders, answer.optional_text("next_cursor"))

    def cancel(self, order_id: str) -> Order:
        """The order, cancelled; ``Conflict`` once it is on its way."""
        # Cancelling a cancelled order changes nothing, so the request may be repeated.
        request = Request("POST", f"{_path(order_id)}/cancel", needs_user=True, idempotent=True)
        return Order.from_json(call(self._transport, request))


def _path(order_id: str) -> str:
    return f"/v1/orders/{quote(order_id, safe='')}"

"""What became of a paid cart."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from villa_backend_sdk.decoding import JsonObject
from villa_backend_sdk.models.cart import PricedLine
from villa_backend_sdk.models.money import Money


class OrderStatus(Enum):
    """Where an order is on its way."""

    PLACED = "placed"
    PREPARING = "preparing"
    DELIVERING = "delivering"
    DELIVERED = "delivered"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """Whether nothing more will happen to the order."""
        return self in {OrderStatus.DELIVERED, OrderStatus.CANCELLED}


@dataclass(frozen=True, slots=True)
class Order:
    """One order of the signed-in customer."""

    order_id: str
    status: OrderStatus
    placed_at: datetime
    lines: tuple[PricedLine, ...]
    total: Money
    payment_id: str

    @classmethod
    def from_json(cls, json: JsonObject) -> Order:
        """Read an order."""
        return cls(
            order_id=json.text("order_id"),
            status=json.choice("status", OrderStatus),
            placed_at=json.moment("placed_at"),
            lines=tuple(PricedLine.from_json(line) for line in json.items("lines")),
            total=Money.from_json(json.inner("total")),
            payment_id=json.text("payment_id"),
        )

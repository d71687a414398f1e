"""What the shop sells."""

from __future__ import annotations

from dataclasses import dataclass

from villa_backend_sdk.decoding import JsonObject
from villa_backend_sdk.models.money import Money


@dataclass(frozen=True, slots=True)
class Product:
    """One article of one branch's catalogue."""

    sku: str
    name: str
    unit_price: Money
    stock: int | None = None
    """Pieces in stock; None where the branch does not count them."""

    @classmethod
    def from_json(cls, json: JsonObject) -> Product:
        """Read one product of the catalogue."""
        return cls(
            sku=json.text("sku"),
            name=json.text("name"),
            unit_price=Money.from_json(json.inner("unit_price")),
            stock=json.optional_integer("stock"),
        )

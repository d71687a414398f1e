"""Amounts of money in a currency of two decimals, counted in its smallest unit so that they never round."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from villa_backend_sdk.decoding import JsonObject


@dataclass(frozen=True, slots=True)
class Money:
    """``Money(12950, "THB")`` is 129.50 baht."""

    minor_units: int
    currency: str = "THB"

    @classmethod
    def from_json(cls, json: JsonObject) -> Money:
        """Read ``{"minor_units": 12950, "currency": "THB"}``."""
        return cls(json.integer("minor_units"), json.text("currency"))

    def to_json(self) -> dict[str, object]:
        """The shape that ``from_json`` reads."""
        return {"minor_units": self.minor_units, "currency": self.currency}

    def __add__(self, other: Money) -> Money:
        self._require_same_currency(other)
        return Money(self.minor_units + other.minor_units, self.currency)

    def __sub__(self, other: Money) -> Money:
        self._require_same_currency(other)
        return Money(self.minor_units - other.minor_units, self.currency)

    def __mul__(self, quantity: int) -> Money:
        return Money(self.minor_units * quantity, self.currency)

    def __str__(self) -> str:
        return f"{Decimal(self.minor_units).scaleb(-2):,.2f} {self.currency}"

    def _require_same_currency(self, other: Money) -> None:
        if self.currency != other.currency:
            raise ValueError(f"cannot combine {self.currency} with {other.currency}")

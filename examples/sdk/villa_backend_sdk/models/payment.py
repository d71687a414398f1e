"""Paying for a validated cart."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from villa_backend_sdk.decoding import JsonObject
from villa_backend_sdk.errors import PaymentDeclined
from villa_backend_sdk.models.money import Money


class PaymentMethod(Enum):
    """How the customer pays."""

    CARD = "card"
    PROMPTPAY = "promptpay"
    CASH_ON_DELIVERY = "cash_on_delivery"


class PaymentStatus(Enum):
    """Where a payment stands."""

    AUTHORISED = "authorised"
    PENDING = "pending"
    DECLINED = "declined"


@dataclass(frozen=True, slots=True)
class Payment:
    """One attempt to pay; an accepted one has an order."""

    payment_id: str
    status: PaymentStatus
    amount: Money
    order_id: str | None = None
    redirect_url: str | None = None
    """Where the customer confirms a pending payment."""
    decline_reason: str | None = None

    @classmethod
    def from_json(cls, json: JsonObject) -> Payment:
        """Read a payment; an authorised one without an order is against the contract."""
        payment = cls(
            payment_id=json.text("payment_id"),
            status=json.choice("status", PaymentStatus),
            amount=Money.from_json(json.inner("amount")),
            order_id=json.optional_text("order_id"),
            redirect_url=json.optional_text("redirect_url"),
            decline_reason=json.optional_text("decline_reason"),
        )
        if payment.status is PaymentStatus.AUTHORISED and payment.order_id is None:
            raise json.broken("an order_id with an authorised payment", None)
        return payment

    def require_accepted(self) -> Payment:
        """This payment, or ``PaymentDeclined``."""
        if self.status is PaymentStatus.DECLINED:
            raise PaymentDeclined(self)
        return self

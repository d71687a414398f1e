"""The backend's answers, written as it sends them; each call makes a fresh one."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]


def money(minor_units: int, currency: str = "THB") -> Json:
    return {"minor_units": minor_units, "currency": currency}


def product(sku: str = "MANGO-1KG", price: int = 12950, stock: int | None = 8) -> Json:
    return {"sku": sku, "name": "Nam Dok Mai mango, 1 kg", "unit_price": money(price), "stock": stock}


def priced_line(sku: str = "MANGO-1KG", quantity: int = 2, price: int = 12950) -> Json:
    return {"sku": sku, "quantity": quantity, "unit_price": money(price)}


def validated_cart(**changes: Any) -> Json:
    """Two mangoes and a rice with 10 baht off: 25,900 + 18,500 - 1,000 satang."""
    answer: Json = {
        "cart_id": "cart-77",
        "lines": [priced_line(), priced_line("RICE-5KG", 1, 18500)],
        "discount": money(1000),
        "total": money(43400),
        "problems": [],
    }
    return answer | changes


def out_of_stock(sku: str = "MANGO-1KG", available: int = 1) -> Json:
    return {"sku": sku, "code": "out_of_stock", "message": f"only {available} left", "available": available}


def payment(**changes: Any) -> Json:
    answer: Json = {
        "payment_id": "pay-9",
        "status": "authorised",
        "amount": money(43400),
        "order_id": "ord-5",
        "redirect_url": None,
        "decline_reason": None,
    }
    return answer | changes


def order(**changes: Any) -> Json:
    answer: Json = {
        "order_id": "ord-5",
        "status": "placed",
        "placed_at": "2026-03-01T09:30:00Z",
        "lines": [priced_line(), priced_line("RICE-5KG", 1, 18500)],
        "total": money(43400),
        "payment_id": "pay-9",
    }
    return answer | changes


def error(code: str, message: str) -> Json:
    return {"code": code, "message": message}

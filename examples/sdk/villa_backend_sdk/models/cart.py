"""A cart as the customer fills it, and as the backend prices it."""

from __future__ import annotations

from dataclasses import dataclass

from villa_backend_sdk.decoding import JsonObject
from villa_backend_sdk.errors import CartRejected
from villa_backend_sdk.models.money import Money


@dataclass(frozen=True, slots=True)
class CartLine:
    """So many of one product."""

    sku: str
    quantity: int

    def __post_init__(self) -> None:
        if not self.sku:
            raise ValueError("a cart line needs a sku")
        if self.quantity < 1:
            raise ValueError(f"quantity of {self.sku} must be at least 1, found {self.quantity}")

    @classmethod
    def from_json(cls, json: JsonObject) -> CartLine:
        """Read one line of a cart file."""
        return cls(json.text("sku"), json.integer("quantity"))


@dataclass(frozen=True, slots=True)
class Cart:
    """What the customer wants, before anybody has looked at prices and stock."""

    branch: str
    lines: tuple[CartLine, ...]
    coupon: str | None = None

    def __post_init__(self) -> None:
        if not self.lines:
            raise ValueError("a cart needs at least one line")
        skus = [line.sku for line in self.lines]
        twice = sorted({sku for sku in skus if skus.count(sku) > 1})
        if twice:
            raise ValueError(f"a product may stand in one line only: {', '.join(twice)}")

    @classmethod
    def from_json(cls, json: JsonObject) -> Cart:
        """Read a cart file."""
        lines = tuple(CartLine.from_json(line) for line in json.items("lines"))
        return cls(json.text("branch"), lines, json.optional_text("coupon"))

    def to_json(self) -> dict[str, object]:
        """The body of a validation request."""
        body: dict[str, object] = {
            "branch": self.branch,
            "lines": [{"sku": line.sku, "quantity": line.quantity} for line in self.lines],
        }
        if self.coupon:
            body["coupon"] = self.coupon
        return body


@dataclass(frozen=True, slots=True)
class PricedLine:
    """So many of one product at the price that the backend holds for it."""

    sku: str
    quantity: int
    unit_price: Money

    @property
    def total(self) -> Money:
        """What the line costs."""
        return self.unit_price * self.quantity

    @classmethod
    def from_json(cls, json: JsonObject) -> PricedLine:
        """Read one line of a validated cart or of an order."""
        return cls(json.text("sku"), json.integer("quantity"), Money.from_json(json.inner("unit_price")))


@dataclass(frozen=True, slots=True)
class CartProblem:
    """Why a line cannot be sold as asked."""

    sku: str
    code: str
    message: str
    available: int | None = None

    @classmethod
    def from_json(cls, json: JsonObject) -> CartProblem:
        """Read one problem of a validated cart."""
        return cls(json.text("sku"), json.text("code"), json.text("message"), json.optional_integer("available"))


@dataclass(frozen=True, slots=True)
class ValidatedCart:
    """The backend's answer to a cart: prices, total and problems."""

    cart_id: str
    lines: tuple[PricedLine, ...]
    discount: Money
    total: Money
    problems: tuple[CartProblem, ...] = ()

    @classmethod
    def from_json(cls, json: JsonObject) -> ValidatedCart:
        """Read a validation; refuse one whose total does not follow from its lines in one currency."""
        cart = cls(
            cart_id=json.text("cart_id"),
            lines=tuple(PricedLine.from_json(line) for line in json.items("lines")),
            discount=Money.from_json(json.inner("discount")),
            total=Money.from_json(json.inner("total")),
            problems=tuple(CartProblem.from_json(problem) for problem in json.items("problems")),
        )
        amounts = [*(line.unit_price for line in cart.lines), cart.discount, cart.total]
        currencies = {amount.currency for amount in amounts}
        if len(currencies) > 1:
            raise json.broken("one currency", sorted(currencies))
        expected = sum((line.total for line in cart.lines), Money(0, cart.total.currency)) - cart.discount
        if cart.total != expected:
            raise json.broken(f"a total of {expected}", str(cart.total))
        return cart

    def require_valid(self) -> ValidatedCart:
        """This cart, or ``CartRejected`` where a line has a problem."""
        if self.problems:
            raise CartRejected(self.problems)
        return self

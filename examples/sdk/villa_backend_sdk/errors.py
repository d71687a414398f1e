"""Everything this SDK raises: one tree, so that ``except VillaError`` catches all of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from villa_backend_sdk.models.cart import CartProblem
    from villa_backend_sdk.models.payment import Payment


class VillaError(Exception):
    """The SDK could not do what it was asked."""


class ConfigurationError(VillaError):
    """A setting is missing or cannot be right; nothing was sent."""


class NetworkError(VillaError):
    """The backend could not be reached, or the connection broke."""


class RequestTimeout(NetworkError):
    """The backend did not answer in time; whether it acted is not known."""


class DecodeError(VillaError):
    """The backend answered with something other than its contract."""

    def __init__(self, path: str, expected: str, found: object) -> None:
        super().__init__(f"{path}: expected {expected}, found {found!r}")
        self.path = path
        self.expected = expected


class SignInError(VillaError):
    """Cognito did not sign the user in."""


class WrongCredentials(SignInError):
    """The user name or the password is wrong."""


class SessionExpired(SignInError):
    """The refresh token is no longer accepted: the user must sign in again."""


class ChallengeRequired(SignInError):
    """Cognito asks for something more than a password."""

    def __init__(self, challenge: str) -> None:
        super().__init__(f"Cognito asks for {challenge}, which this SDK cannot answer")
        self.challenge = challenge


class CartRejected(VillaError):
    """The backend validated the cart and found lines that cannot be sold as asked."""

    def __init__(self, problems: Sequence[CartProblem]) -> None:
        super().__init__("; ".join(f"{problem.sku}: {problem.message}" for problem in problems))
        self.problems = tuple(problems)


class PaymentDeclined(VillaError):
    """The payment provider refused the payment; no order was placed."""

    def __init__(self, payment: Payment) -> None:
        super().__init__(payment.decline_reason or "the payment was declined")
        self.payment = payment


class ApiError(VillaError):
    """The backend answered with an error status."""

    def __init__(self, status: int, code: str, message: str, request_id: str | None = None) -> None:
        where = f" (request {request_id})" if request_id else ""
        super().__init__(f"{status} {code}: {message}{where}")
        self.status = status
        self.code = code
        self.message = message
        self.request_id = request_id


class BadRequest(ApiError):
    """400 or 422: the request itself is wrong."""


class NotAuthenticated(ApiError):
    """401: there is no token, or it is not accepted."""


class NotAllowed(ApiError):
    """403: the user may not do this."""


class NotFound(ApiError):
    """404: there is no such product, cart, payment or order."""


class Conflict(ApiError):
    """409: the thing has changed meanwhile."""


class RateLimited(ApiError):
    """429: too many requests; retrying did not help."""


class ServerFault(ApiError):
    """5xx: the backend failed."""


_BY_STATUS: dict[int, type[ApiError]] = {
    400: BadRequest,
    401: NotAuthenticated,
    403: NotAllowed,
    404: NotFound,
    409: Conflict,
    422: BadRequest,
    429: RateLimited,
}


def error_class(status: int) -> type[ApiError]:
    """The class that stands for an HTTP error status."""
    if status >= 500:
        return ServerFault
    return _BY_STATUS.get(status, ApiError)

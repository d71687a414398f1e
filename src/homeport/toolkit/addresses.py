"""Addresses that carry their own permission: good for one thing, for an hour."""

from datetime import datetime
from urllib.parse import quote, urlencode

from starlette.requests import Request

from homeport.toolkit.answers import RefusalError
from homeport.toolkit.parts import ADDRESS_LIFETIME, Parts


def sign_address(request: Request, parts: Parts, purpose: str, path: str) -> str:
    """The address of a path, on the host that the caller has called (a container knows this machine by another name than its own
    processes do). `purpose` is `r` to read, `w` to write.
    """
    expires = str(int((parts.clock.now() + ADDRESS_LIFETIME).timestamp()))
    query = urlencode({"sp": purpose, "se": expires, "sig": parts.key.seal(_text(purpose, expires, path))})
    return f"{request.base_url.scheme}://{request.url.netloc}{quote(path)}?{query}"


def check_address(request: Request, parts: Parts, purpose: str) -> None:
    """Raise `RefusalError` unless the address is one that was given out for this, and still good."""
    expires, seal = request.query_params.get("se", ""), request.query_params.get("sig", "")
    if request.query_params.get("sp") != purpose or not expires.isascii() or not expires.isdigit():
        raise RefusalError(403, "The address is not signed for this.")
    if not parts.key.is_seal(_text(purpose, expires, request.scope["path"]), seal):
        raise RefusalError(403, "The signature of the address is wrong.")
    if _is_over(int(expires), parts.clock.now()):
        raise RefusalError(403, "The address has expired.")


def _text(purpose: str, expires: str, path: str) -> str:
    return f"{purpose}\n{expires}\n{path}"


def _is_over(expires: int, now: datetime) -> bool:
    return now.timestamp() >= expires

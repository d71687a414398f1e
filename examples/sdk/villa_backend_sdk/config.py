"""What a client needs to know before it can send anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlsplit

from villa_backend_sdk.errors import ConfigurationError

Number = TypeVar("Number", int, float)

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class ClientConfig:
    """Where the backend is and how patient to be with it.

    Plain ``http`` is accepted for loopback addresses only: requests carry the user's token.
    """

    base_url: str
    timeout_seconds: float = 10.0
    attempts: int = 3
    region: str = "ap-southeast-1"
    user_pool_client_id: str | None = None

    def __post_init__(self) -> None:
        url = urlsplit(self.base_url)
        if url.scheme not in {"http", "https"} or not url.hostname:
            raise ConfigurationError(f"base_url must be an http(s) address, found {self.base_url!r}")
        if url.scheme == "http" and url.hostname not in _LOOPBACK:
            raise ConfigurationError(f"base_url must use https, found {self.base_url!r}")
        if not 0 < self.timeout_seconds < float("inf"):
            raise ConfigurationError(f"timeout_seconds must be a positive number, found {self.timeout_seconds!r}")
        if not 1 <= self.attempts <= 20:
            raise ConfigurationError(f"attempts must be between 1 and 20, found {self.attempts!r}")

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> ClientConfig:
        """Read ``VILLA_*`` settings; an empty one counts as absent."""
        base_url = environment.get("VILLA_BASE_URL", "")
        if not base_url:
            raise ConfigurationError("set VILLA_BASE_URL to the address of the backend")
        return cls(
            base_url=base_url,
            timeout_seconds=_setting(environment, "VILLA_TIMEOUT_SECONDS", float, 10.0),
            attempts=_setting(environment, "VILLA_ATTEMPTS", int, 3),
            region=environment.get("VILLA_REGION") or "ap-southeast-1",
            user_pool_client_id=environment.get("VILLA_USER_POOL_CLIENT_ID") or None,
        )


def _setting(environment: Mapping[str, str], name: str, kind: type[Number], default: Number) -> Number:
    text = environment.get(name)
    if not text:
        return default
    try:
        return kind(text)
    except ValueError:
        expected = "a whole number" if kind is int else "a number"
        raise ConfigurationError(f"{name} must be {expected}, found {text!r}") from None

"""The client: the resources on top of one chain of transports."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType

from villa_backend_sdk.auth import SigningTransport, TokenSource
from villa_backend_sdk.config import ClientConfig
from villa_backend_sdk.errors import SignInError
from villa_backend_sdk.resources.carts import Carts
from villa_backend_sdk.resources.orders import Orders
from villa_backend_sdk.resources.payments import Payments
from villa_backend_sdk.resources.products import Products
from villa_backend_sdk.retry import RetryingTransport, RetryPolicy
from villa_backend_sdk.transport import RequestsTransport, Transport


class VillaClient:
    """The backend's resources: ``products``, ``carts``, ``payments`` and ``orders``.

    Signing wraps retrying, so that a token renewed after a 401 starts with fresh attempts.
    """

    def __init__(self, transport: Transport, tokens: TokenSource | None = None) -> None:
        signed = SigningTransport(transport, tokens or _NobodySignedIn())
        self.products = Products(signed)
        self.carts = Carts(signed)
        self.payments = Payments(signed)
        self.orders = Orders(signed)
        self._transport = transport
        self._wire: RequestsTransport | None = None

    @classmethod
    def connect(
        cls, config: ClientConfig, tokens: TokenSource | None = None, sleep: Callable[[float], None] = time.sleep
    ) -> VillaClient:
        """A client over HTTP; without ``tokens`` only the catalogue can be read. Nothing is sent yet.

        ``sleep`` waits out the pauses between attempts.
        """
        wire = RequestsTransport(config.base_url, config.timeout_seconds)
        client = cls(RetryingTransport(wire, RetryPolicy(config.attempts), sleep), tokens)
        client._wire = wire
        return client

    def close(self) -> None:
        """Close the connections that ``connect`` opened."""
        if self._wire is not None:
            self._wire.close()

    def __enter__(self) -> VillaClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _NobodySignedIn:
    """The token source of a client that was made without one."""

    def token(self) -> str:
        raise SignInError("this needs a signed-in user: pass a CognitoSession to the client")

    def renew(self) -> str:
        return self.token()

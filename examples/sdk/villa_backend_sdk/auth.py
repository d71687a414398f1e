"""Signing requests with the user's token, and renewing the token when the backend refuses it."""

from __future__ import annotations

from typing import Protocol

from villa_backend_sdk.transport import Request, Response, Transport


class TokenSource(Protocol):
    """Where the user's access token comes from."""

    def token(self) -> str:
        """A token that is valid now; ``SignInError`` where there is none to be had."""
        ...

    def renew(self) -> str:
        """A new token in place of one that was refused."""
        ...


class SigningTransport:
    """Adds the user's token to the requests that need one; a refused token is renewed once."""

    def __init__(self, inner: Transport, tokens: TokenSource) -> None:
        self._inner = inner
        self._tokens = tokens

    def send(self, request: Request) -> Response:
        """Send; on 401 once more with a new token, which is safe because a 401 did nothing."""
        if not request.needs_user:
            return self._inner.send(request)
        response = self._inner.send(_signed(request, self._tokens.token()))
        if response.status != 401:
            return response
        return self._inner.send(_signed(request, self._tokens.renew()))


def _signed(request: Request, token: str) -> Request:
    return request.with_header("Authorization", f"Bearer {token}")

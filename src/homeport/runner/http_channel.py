"""Carries a runner's messages to its server over the network."""

import httpx

from homeport.runner.http_peer import AwayError, RefusedError

_REFUSED = frozenset({401, 403, 410})


class HttpChannel:
    """A `Channel`. `server` is an address (`https://ci.example.com`)."""

    def __init__(self, server: str, token: str) -> None:
        self._client = httpx.Client(
            base_url=f"{server.rstrip('/')}/runner/v1/",
            headers={"authorization": f"Bearer {token}", "content-type": "application/msgpack"},
            limits=httpx.Limits(max_connections=None),
        )

    def post(self, path: str, body: bytes, *, timeout_seconds: float) -> bytes:
        """One request."""
        try:
            answer = self._client.post(path, content=body, timeout=timeout_seconds)
        except (httpx.TransportError, httpx.DecodingError) as error:
            raise AwayError(str(error)) from error
        if answer.status_code in _REFUSED:
            raise RefusedError(answer.text)
        if not answer.is_success:
            raise AwayError(f"the server answered {answer.status_code}: {answer.text[:200]}")
        return answer.content

    def close(self) -> None:
        """Close what is open."""
        self._client.close()

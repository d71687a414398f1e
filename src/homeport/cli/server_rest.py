"""Asks the REST interface of the server for the jobs of a runner."""

import ssl

import httpx

from homeport.toolkit.parts import Forwarded, ForwardedAnswer

_SECONDS = 60.0


class ServerRest:
    """An `AskServer`. Redirects are the asker's to follow; the machine's proxy is not for the server that this runner belongs to."""

    def __init__(self, url: str) -> None:
        self._above = f"{url.rstrip('/')}/api/v3"
        self._client = httpx.Client(
            verify=ssl.create_default_context(), trust_env=False, follow_redirects=False, timeout=_SECONDS
        )

    def __call__(self, asked: Forwarded) -> ForwardedAnswer:
        """Raises `OSError`."""
        headers = {**asked.headers, "authorization": f"Bearer {asked.token}"}
        try:
            answer = self._client.request(asked.method, self._above + asked.path, headers=headers, content=asked.body)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise OSError(str(error) or type(error).__name__) from error
        return ForwardedAnswer(status=answer.status_code, headers=dict(answer.headers), body=answer.content)

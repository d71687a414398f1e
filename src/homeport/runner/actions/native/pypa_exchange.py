"""Exchanges the job's identity token for one of a package index. It is run as a program inside the job, never imported by Homeport.

It needs nothing but Python's own library. In: the index's address, as its only argument, and `ACTIONS_ID_TOKEN_REQUEST_URL` and `…_TOKEN`
in its environment. Out, on stdout: a JSON object with `token`, or with `error`. Source: pypa/gh-action-pypi-publish `oidc-exchange.py`;
PyPI documentation, "Trusted Publishers: internals".
"""

import json
import os
import sys
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

_SECONDS = 60
_PERMISSION = (
    "This generally indicates a workflow configuration error, such as insufficient permissions. Make sure that your workflow has "
    "`id-token: write` configured at the job level, e.g.:\n\npermissions:\n  id-token: write"
)
_WAIT = "This strongly suggests a server configuration or downtime issue; wait a few minutes and try again."


class ExchangeError(Exception):
    """There is no token; the message says why."""


def exchange(index: str, environment: "os._Environ[str]") -> str:
    """The index' own token for this job."""
    parts = urllib.parse.urlsplit(index)
    base = f"{parts.scheme}://{parts.netloc}"
    audience = _find_audience(base, parts.netloc)
    identity = _find_identity(audience, environment)
    return _mint(base, identity)


def _find_audience(base: str, domain: str) -> str:
    status, answer = _call(f"{base}/_/oidc/audience")
    if status == 403:
        raise ExchangeError(f"audience retrieval failed: repository at {domain} has trusted publishing disabled")
    if status == 404:
        raise ExchangeError(
            f"audience retrieval failed: repository at {domain} does not indicate trusted publishing support"
        )
    audience = answer.get("audience") if isinstance(answer, dict) else None
    if status != 200 or not isinstance(audience, str):
        raise ExchangeError(f"audience retrieval failed: repository at {domain} responded with unexpected {status}")
    return audience


def _find_identity(audience: str, environment: "os._Environ[str]") -> str:
    url = environment.get("ACTIONS_ID_TOKEN_REQUEST_URL", "")
    bearer = environment.get("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "")
    if not url or not bearer:
        raise ExchangeError(
            f"OpenID Connect token retrieval failed: the job has no identity token to ask for\n\n{_PERMISSION}"
        )
    question = urllib.parse.urlencode({"audience": audience})
    separator = "&" if "?" in url else "?"
    status, answer = _call(f"{url}{separator}{question}", headers={"Authorization": f"bearer {bearer}"})
    value = answer.get("value") if isinstance(answer, dict) else None
    if status != 200 or not isinstance(value, str):
        raise ExchangeError(
            f"OpenID Connect token retrieval failed: the request was answered with {status}\n\n{_PERMISSION}"
        )
    return value


def _mint(base: str, identity: str) -> str:
    body = json.dumps({"token": identity}).encode()
    status, answer = _call(f"{base}/_/oidc/mint-token", body, {"Content-Type": "application/json"})
    if not isinstance(answer, dict):
        raise ExchangeError(f"Token request failed: the index produced an unexpected {status} response.\n\n{_WAIT}")
    if status != 200:
        errors = answer.get("errors")
        reasons = [
            f"* `{error.get('code')}`: {error.get('description')}"
            for error in (errors if isinstance(errors, list) else [])
            if isinstance(error, dict)
        ]
        told = "\n".join(reasons) or f"* {status}"
        raise ExchangeError(
            f"Token request failed: the server refused the request for the following reasons:\n\n{told}"
        )
    token = answer.get("token")
    if not isinstance(token, str) or not token:
        raise ExchangeError(f"Token response error: the index gave us an invalid response.\n\n{_WAIT}")
    return token


def _call(url: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> tuple[int, Any]:
    """Status and JSON body; None for a body that is none."""
    if not url.startswith(("http://", "https://")):
        raise ExchangeError(f"'{url}' is no address of a package index")
    request = urllib.request.Request(url, body, headers or {})  # noqa: S310 - checked just above
    try:
        with urllib.request.urlopen(request, timeout=_SECONDS) as response:  # noqa: S310 - the same
            status, content = response.status, response.read()
    except urllib.error.HTTPError as error:
        status, content = error.code, error.read()
    except OSError as error:
        raise ExchangeError(f"{request.host} does not answer: {getattr(error, 'reason', error)}") from error
    try:
        return status, json.loads(content)
    except ValueError:
        return status, None


def main() -> None:
    """Print what came of it."""
    try:
        answer = {"token": exchange(sys.argv[1], os.environ)}  # noqa: TID251 - a program of its own
    except ExchangeError as error:
        answer = {"error": str(error)}
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    main()

"""Collaborators that follow a script: each gives its prepared answers in order and remembers what it was asked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from villa_backend_sdk.transport import Request, Response


def answer(status: int, body: object = None, **headers: str) -> Response:
    """A response with a JSON body."""
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status, json.dumps(body).encode(), names)


class ScriptedTransport:
    """A transport whose outcomes are written down before; running out of them fails the test."""

    def __init__(self, *outcomes: Response | Exception) -> None:
        self._outcomes = list(outcomes)
        self.requests: list[Request] = []

    def send(self, request: Request) -> Response:
        self.requests.append(request)
        assert self._outcomes, f"not in the script: {request}"
        outcome = self._outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    @property
    def last(self) -> Request:
        """The latest request."""
        return self.requests[-1]


class ScriptedTokens:
    """A token source: ``token-1`` until it is renewed, then ``token-2`` and so on."""

    def __init__(self) -> None:
        self.renewals = 0

    def token(self) -> str:
        return f"token-{self.renewals + 1}"

    def renew(self) -> str:
        self.renewals += 1
        return self.token()


class ScriptedCognito:
    """The ``initiate_auth`` of a Cognito client."""

    def __init__(self, *outcomes: Mapping[str, Any] | Exception) -> None:
        self._outcomes = list(outcomes)
        self.flows: list[tuple[str, Mapping[str, str]]] = []

    def initiate_auth(self, *, AuthFlow: str, ClientId: str, AuthParameters: Mapping[str, str]) -> Any:
        assert ClientId == "app-client"
        self.flows.append((AuthFlow, AuthParameters))
        outcome = self._outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

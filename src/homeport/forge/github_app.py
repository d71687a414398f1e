"""Turns a GitHub App's private key into tokens for one repository: a signed statement of an hour at most, exchanged for a token.

Source: GitHub docs, "Generating a JSON Web Token (JWT) for a GitHub App" and "Authenticating as a GitHub App installation".
"""

import threading
from datetime import datetime, timedelta
from urllib.parse import quote

import jwt
import msgspec

from homeport.forge.github import ACCEPT, HEADERS
from homeport.forge.rest import ForgeClient
from homeport.ports.clock import Clock
from homeport.ports.directory import HostedRepository
from homeport.ports.forge import AppCredential, ForgeDeniedError

_SKEW = timedelta(seconds=60)
_STATEMENT_LASTS = timedelta(minutes=9)
_SPARE = timedelta(minutes=5)
"""So long before its end a token is not used any more"""


class _Installation(msgspec.Struct, frozen=True):
    id: int


class _Token(msgspec.Struct, frozen=True):
    token: str
    expires_at: datetime


class InstallationTokens:
    """The tokens of one App in one repository, each used until shortly before it ends. Safe from any thread."""

    def __init__(
        self, client: ForgeClient, repository: HostedRepository, credential: AppCredential, clock: Clock
    ) -> None:
        self._client = client
        self._owner = repository.owner
        self._name = repository.name
        self._credential = credential
        self._clock = clock
        self._lock = threading.Lock()
        self._token = ""
        self._ends_at: datetime | None = None

    def get(self) -> str:
        """A token that is good for some minutes more. Raises `ForgeError`."""
        with self._lock:
            if self._ends_at is None or self._clock.now() >= self._ends_at - _SPARE:
                self._renew()
            return self._token

    def drop(self) -> bool:
        """The token was not taken: permissions may have changed since it was made. True, once for each token."""
        with self._lock:
            had_one = self._ends_at is not None
            self._ends_at = None
            return had_one

    def _renew(self) -> None:
        statement = f"Bearer {self._sign()}"
        path = f"repos/{quote(self._owner, safe='')}/{quote(self._name, safe='')}/installation"
        installation = self._client.send(
            "GET", path, authorization=statement, accept=ACCEPT, headers=HEADERS, answer_type=_Installation
        )
        given = self._client.send(
            "POST",
            f"app/installations/{installation.id}/access_tokens",
            authorization=statement,
            body={"repositories": [self._name]},
            accept=ACCEPT,
            headers=HEADERS,
            answer_type=_Token,
        )
        self._token, self._ends_at = given.token, given.expires_at

    def _sign(self) -> str:
        now = self._clock.now()
        claims = {"iat": now - _SKEW, "exp": now + _STATEMENT_LASTS, "iss": self._credential.app_id}
        try:
            return jwt.encode(claims, self._credential.private_key, algorithm="RS256")
        except (jwt.PyJWTError, ValueError, TypeError) as error:
            raise ForgeDeniedError("the App's private key cannot be read: it must be an RSA key in PEM") from error

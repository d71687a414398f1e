"""Signing in through an AWS Cognito user pool."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from villa_backend_sdk.config import ClientConfig
from villa_backend_sdk.errors import (
    ChallengeRequired,
    ConfigurationError,
    NetworkError,
    SessionExpired,
    SignInError,
    WrongCredentials,
)

_RENEW_BEFORE_EXPIRY_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Credentials:
    """A user's name and password; neither shows the password when printed."""

    username: str
    password: str = field(repr=False)


class CognitoClient(Protocol):
    """The one call of boto3's ``cognito-idp`` client that signing in needs."""

    def initiate_auth(self, *, AuthFlow: str, ClientId: str, AuthParameters: Mapping[str, str]) -> Any:
        """Start an authentication flow."""
        ...


@dataclass(frozen=True, slots=True)
class _Tokens:
    access: str
    refresh: str
    expires_at: float


class CognitoSession:
    """One user's session; signs in at the first need of a token. Safe to share between threads."""

    def __init__(
        self,
        client: CognitoClient,
        user_pool_client_id: str,
        credentials: Credentials,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._user_pool_client_id = user_pool_client_id
        self._credentials = credentials
        self._clock = clock
        self._lock = threading.Lock()
        self._tokens: _Tokens | None = None

    @classmethod
    def connect(cls, config: ClientConfig, credentials: Credentials) -> CognitoSession:
        """A session against AWS in ``config.region``; nothing is sent yet."""
        if config.user_pool_client_id is None:
            raise ConfigurationError("set VILLA_USER_POOL_CLIENT_ID to sign in")
        # boto3 takes longer to import than the rest of the SDK: only those who sign in wait for it.
        import boto3
        from botocore import UNSIGNED
        from botocore.config import Config

        # A user signs in with a password, not with the machine's AWS account.
        settings = Config(
            signature_version=UNSIGNED, retries={"mode": "standard", "total_max_attempts": config.attempts}
        )
        client = boto3.client("cognito-idp", region_name=config.region, config=settings)
        return cls(client, config.user_pool_client_id, credentials)

    def token(self) -> str:
        """A valid access token, refreshed shortly before it expires."""
        with self._lock:
            if self._tokens is None:
                return self._sign_in()
            if self._clock() >= self._tokens.expires_at - _RENEW_BEFORE_EXPIRY_SECONDS:
                return self._refresh(self._tokens)
            return self._tokens.access

    def renew(self) -> str:
        """A new access token, whatever the clock says about the present one."""
        with self._lock:
            return self._sign_in() if self._tokens is None else self._refresh(self._tokens)

    def _sign_in(self) -> str:
        parameters = {"USERNAME": self._credentials.username, "PASSWORD": self._credentials.password}
        result = self._authenticate(
            "USER_PASSWORD_AUTH", parameters, WrongCredentials("user name or password is wrong")
        )
        return self._keep(result, result["RefreshToken"])

    def _refresh(self, tokens: _Tokens) -> str:
        expired = SessionExpired("the session has expired: sign in again")
        result = self._authenticate("REFRESH_TOKEN_AUTH", {"REFRESH_TOKEN": tokens.refresh}, expired)
        # Cognito sends a new refresh token only where rotation is switched on.
        return self._keep(result, result.get("RefreshToken", tokens.refresh))

    def _keep(self, result: Mapping[str, Any], refresh: str) -> str:
        self._tokens = _Tokens(result["AccessToken"], refresh, self._clock() + result["ExpiresIn"])
        return self._tokens.access

    def _authenticate(self, flow: str, parameters: Mapping[str, str], refused: SignInError) -> Mapping[str, Any]:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            answer = self._client.initiate_auth(
                AuthFlow=flow, ClientId=self._user_pool_client_id, AuthParameters=parameters
            )
        except ClientError as error:
            # An unknown user must look like a wrong password, or names could be tried out.
            if error.response["Error"]["Code"] in {"NotAuthorizedException", "UserNotFoundException"}:
                raise refused from error
            raise SignInError(str(error)) from error
        except BotoCoreError as error:
            raise NetworkError(f"Cognito could not be reached: {error}") from error
        if "ChallengeName" in answer:
            raise ChallengeRequired(answer["ChallengeName"])
        result: Mapping[str, Any] = answer["AuthenticationResult"]
        return result

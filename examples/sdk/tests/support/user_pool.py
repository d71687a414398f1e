"""An emulated Cognito user pool with its users, in memory."""

from __future__ import annotations

import boto3
import pytest

from villa_backend_sdk.cognito import CognitoSession, Credentials
from villa_backend_sdk.config import ClientConfig

REGION = "ap-southeast-1"
BACKEND = "https://backend.villa.example"


class UserPool:
    """A user pool of the running ``mock_aws``; its account belongs to nobody."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "nothing")
        self._admin = boto3.client("cognito-idp", REGION)
        self._pool_id = self._admin.create_user_pool(PoolName="customers")["UserPool"]["Id"]
        client = self._admin.create_user_pool_client(
            UserPoolId=self._pool_id,
            ClientName="sdk",
            ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
        )
        self.client_id: str = client["UserPoolClient"]["ClientId"]
        # Signing in must not need the account that administers the pool.
        monkeypatch.delenv("AWS_ACCESS_KEY_ID")
        monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")

    def add(self, username: str, password: str, *, must_change: bool = False) -> Credentials:
        """A new user; one who must change the password gets a challenge."""
        self._admin.admin_create_user(UserPoolId=self._pool_id, Username=username)
        self._admin.admin_set_user_password(
            UserPoolId=self._pool_id, Username=username, Password=password, Permanent=not must_change
        )
        return Credentials(username, password)

    def sign_out_everywhere(self, username: str) -> None:
        """Revoke the user's tokens."""
        self._admin.admin_user_global_sign_out(UserPoolId=self._pool_id, Username=username)

    def owner_of(self, access_token: str) -> str:
        """The user to whom Cognito gave the token."""
        name: str = self._admin.get_user(AccessToken=access_token)["Username"]
        return name

    def config(self) -> ClientConfig:
        """Settings of a client of this pool."""
        return ClientConfig(BACKEND, region=REGION, user_pool_client_id=self.client_id)

    def session(self, credentials: Credentials) -> CognitoSession:
        """A session as the SDK makes it: real boto3, emulated AWS."""
        return CognitoSession.connect(self.config(), credentials)

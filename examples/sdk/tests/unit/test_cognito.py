"""The session: signs in when needed, refreshes in time, and tells wrong passwords from broken networks."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from tests.support.scripted import ScriptedCognito
from villa_backend_sdk.cognito import CognitoSession, Credentials
from villa_backend_sdk.config import ClientConfig
from villa_backend_sdk.errors import (
    ChallengeRequired,
    ConfigurationError,
    NetworkError,
    SessionExpired,
    SignInError,
    WrongCredentials,
)

pytestmark = pytest.mark.unit

SOMCHAI = Credentials("somchai", "correct horse")


def tokens(access: str, **more: Any) -> dict[str, Any]:
    return {"AuthenticationResult": {"AccessToken": access, "ExpiresIn": 3600, **more}}


def refusal(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "InitiateAuth")


class Session:
    """A session over a script, with a clock that the test turns."""

    def __init__(self, *outcomes: Any) -> None:
        self.cognito = ScriptedCognito(*outcomes)
        self.now = 1000.0
        self.session = CognitoSession(self.cognito, "app-client", SOMCHAI, lambda: self.now)

    def flows(self) -> list[str]:
        return [flow for flow, _ in self.cognito.flows]


def test_nothing_is_asked_before_a_token_is_needed() -> None:
    assert Session().flows() == []


def test_one_sign_in_serves_many_tokens() -> None:
    session = Session(tokens("one", RefreshToken="again"))

    assert [session.session.token() for _ in range(3)] == ["one"] * 3
    assert session.cognito.flows == [("USER_PASSWORD_AUTH", {"USERNAME": "somchai", "PASSWORD": "correct horse"})]


@pytest.mark.parametrize(("later", "token"), [(3539, "one"), (3540, "two"), (9999, "two")])
def test_a_token_is_refreshed_a_minute_before_it_expires(later: float, token: str) -> None:
    session = Session(tokens("one", RefreshToken="again"), tokens("two"))
    session.session.token()

    session.now += later

    assert session.session.token() == token


def test_a_refresh_token_is_kept_until_cognito_sends_another() -> None:
    session = Session(tokens("1", RefreshToken="a"), tokens("2"), tokens("3", RefreshToken="b"), tokens("4"))
    session.session.token()

    for _ in range(3):
        session.session.renew()

    assert [parameters.get("REFRESH_TOKEN") for _, parameters in session.cognito.flows] == [None, "a", "a", "b"]


def test_renewing_before_the_first_token_signs_in() -> None:
    session = Session(tokens("one", RefreshToken="again"))

    assert session.session.renew() == "one"
    assert session.flows() == ["USER_PASSWORD_AUTH"]


@pytest.mark.parametrize("code", ["NotAuthorizedException", "UserNotFoundException"])
def test_an_unknown_user_looks_like_a_wrong_password(code: str) -> None:
    with pytest.raises(WrongCredentials, match="user name or password is wrong"):
        Session(refusal(code)).session.token()


def test_a_refused_refresh_means_that_the_session_expired() -> None:
    session = Session(tokens("one", RefreshToken="again"), refusal("NotAuthorizedException"))
    session.session.token()

    with pytest.raises(SessionExpired, match="sign in again"):
        session.session.renew()


def test_another_refusal_is_passed_on() -> None:
    with pytest.raises(SignInError, match="TooManyRequestsException"):
        Session(refusal("TooManyRequestsException")).session.token()


def test_a_challenge_is_named() -> None:
    with pytest.raises(ChallengeRequired, match="SMS_MFA"):
        Session({"ChallengeName": "SMS_MFA", "Session": "x"}).session.token()


def test_a_broken_network_is_not_a_wrong_password() -> None:
    with pytest.raises(NetworkError, match="Cognito could not be reached"):
        Session(EndpointConnectionError(endpoint_url="https://cognito.example")).session.token()


def test_signing_in_needs_a_user_pool_client() -> None:
    with pytest.raises(ConfigurationError, match="VILLA_USER_POOL_CLIENT_ID"):
        CognitoSession.connect(ClientConfig("https://backend.villa.example"), SOMCHAI)


def test_a_password_is_not_printed() -> None:
    assert "correct horse" not in repr(SOMCHAI)

"""Real boto3 against an emulated Cognito user pool."""

from __future__ import annotations

import pytest

from tests.support.user_pool import UserPool
from villa_backend_sdk.cognito import Credentials
from villa_backend_sdk.errors import ChallengeRequired, SessionExpired, WrongCredentials

pytestmark = pytest.mark.integration


def test_a_user_signs_in_and_gets_a_token_of_their_own(user_pool: UserPool) -> None:
    somchai = user_pool.session(user_pool.add("somchai", "Correct-h0rse"))
    malee = user_pool.session(user_pool.add("malee", "Battery-5taple"))

    assert user_pool.owner_of(somchai.token()) == "somchai"
    assert user_pool.owner_of(malee.token()) == "malee"


def test_a_session_keeps_its_token(user_pool: UserPool) -> None:
    session = user_pool.session(user_pool.add("somchai", "Correct-h0rse"))

    assert session.token() == session.token()


def test_a_wrong_password_is_refused(user_pool: UserPool) -> None:
    user_pool.add("somchai", "Correct-h0rse")

    with pytest.raises(WrongCredentials):
        user_pool.session(Credentials("somchai", "Wrong-h0rse")).token()


def test_an_unknown_user_is_refused_in_the_same_words(user_pool: UserPool) -> None:
    with pytest.raises(WrongCredentials, match="user name or password is wrong"):
        user_pool.session(Credentials("nobody", "Correct-h0rse")).token()


def test_a_user_who_must_change_the_password_is_told_so(user_pool: UserPool) -> None:
    session = user_pool.session(user_pool.add("malee", "Battery-5taple", must_change=True))

    with pytest.raises(ChallengeRequired, match="NEW_PASSWORD_REQUIRED"):
        session.token()


def test_a_refreshed_token_belongs_to_the_same_user(user_pool: UserPool) -> None:
    session = user_pool.session(user_pool.add("somchai", "Correct-h0rse"))
    session.token()

    assert user_pool.owner_of(session.renew()) == "somchai"


def test_a_session_that_was_ended_elsewhere_has_expired(user_pool: UserPool) -> None:
    session = user_pool.session(user_pool.add("somchai", "Correct-h0rse"))
    session.token()

    user_pool.sign_out_everywhere("somchai")

    with pytest.raises(SessionExpired):
        session.renew()

"""Signed tokens and addresses."""

from datetime import timedelta

import jwt
import pytest

from homeport.tokens.identity import IdentityKey, InvalidKeyError
from homeport.tokens.keys import InvalidTokenError, SecretKey
from tests.support.plans import NOW

HOUR = int((NOW + timedelta(hours=1)).timestamp())


def test_a_token_says_what_was_signed() -> None:
    key = SecretKey()
    assert key.read(key.sign({"exp": HOUR, "scp": "a b"}), NOW) == {"exp": HOUR, "scp": "a b"}


def test_others_read_it_as_a_jwt() -> None:
    secret = b"s" * 32
    token = SecretKey(secret).sign({"exp": HOUR, "who": "Ada · é"})
    read = jwt.decode(token, secret, algorithms=["HS256"], options={"verify_exp": False})
    assert read["who"] == "Ada · é"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda token: token[:-2] + ("AA" if token[-2:] != "AA" else "BB"),
        lambda token: token.split(".")[0] + "." + token.split(".")[1] + ".",
        lambda token: jwt.encode({"exp": HOUR}, "", algorithm="none"),
        lambda token: jwt.encode({"exp": HOUR}, "k" * 32, algorithm="HS256"),
        lambda token: "not a token",
        lambda token: "",
        lambda token: "a.b.c.d",
        lambda token: "é" + token,
    ],
)
def test_what_was_not_signed_here_is_refused(spoil: object) -> None:
    key = SecretKey()
    assert callable(spoil)
    with pytest.raises(InvalidTokenError):
        key.read(spoil(key.sign({"exp": HOUR})), NOW)


@pytest.mark.parametrize("claims", [{}, {"exp": int(NOW.timestamp())}, {"exp": "never"}, {"exp": 0}])
def test_a_token_ends(claims: dict[str, object]) -> None:
    key = SecretKey()
    with pytest.raises(InvalidTokenError):
        key.read(key.sign(claims), NOW)


def test_a_seal_is_for_one_text_and_of_one_key() -> None:
    key = SecretKey()
    seal = key.seal("text")
    assert key.is_seal("text", seal)
    assert not key.is_seal("text2", seal)
    assert not key.is_seal("text", seal[:-1])
    assert not key.is_seal("text", "é")
    assert not SecretKey().is_seal("text", seal)


def test_an_identity_token_is_checked_by_the_public_key() -> None:
    key = IdentityKey.generate()
    described = key.describe()["keys"][0]
    assert set(described) == {"kty", "use", "alg", "kid", "n", "e"}
    token = key.sign({"sub": "me"})
    assert jwt.get_unverified_header(token) == {"alg": "RS256", "kid": key.id, "typ": "JWT"}
    assert jwt.decode(token, jwt.PyJWK(described), algorithms=["RS256"]) == {"sub": "me"}


@pytest.mark.parametrize("text", [b"", b"no key", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"])
def test_what_is_no_key_is_refused(text: bytes) -> None:
    with pytest.raises(InvalidKeyError):
        IdentityKey.load(text)

"""The secret key of a process: signs tokens (JWS, HS256) and addresses, and checks them.

Signing is written out, because it happens before a JavaScript action starts and the library takes as long to import as Node takes to
start; checking, where mistakes are dangerous, is PyJWT's.
"""

import os
from binascii import b2a_base64
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

_HEADER = b'{"alg":"HS256","typ":"JWT"}'


class InvalidTokenError(Exception):
    """The token was not made here, was changed, or its time is over."""


class SecretKey:
    """A key that nobody outside of this process knows. Thread-safe."""

    def __init__(self, secret: bytes | None = None) -> None:
        self._secret = secret or os.urandom(32)

    def sign(self, claims: Mapping[str, object]) -> str:
        """A compact JWT with these claims (RFC 7515, section 3.1)."""
        text = _encode(_HEADER) + b"." + _encode(msgspec.json.encode(claims))
        return (text + b"." + _encode(self._digest(text))).decode()

    def read(self, token: str, now: datetime) -> dict[str, Any]:
        """The claims of a token that this key has signed and that has not expired. Raises `InvalidTokenError`."""
        import jwt  # noqa: PLC0415 - takes 60 ms, and is needed when somebody calls

        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                self._secret,
                algorithms=["HS256"],
                # the time of day is given: PyJWT would look at the machine's clock
                options={
                    "require": ["exp"],
                    "verify_aud": False,
                    "verify_exp": False,
                    "verify_iat": False,
                    "verify_nbf": False,
                },
            )
        except jwt.InvalidTokenError as error:
            raise InvalidTokenError(str(error)) from error
        if not isinstance(claims["exp"], int) or claims["exp"] <= now.timestamp():
            raise InvalidTokenError("the token has expired")
        return claims

    def seal(self, text: str) -> str:
        """What only this key can say about a text."""
        return self._digest(text.encode("utf-8", "surrogatepass")).hex()

    def is_seal(self, text: str, seal: str) -> bool:
        """Whether `seal` said that of this text; takes as long for a wrong one as for the right one."""
        import hmac  # noqa: PLC0415 - see `_digest`

        return hmac.compare_digest(self.seal(text).encode(), seal.encode("utf-8", "replace"))

    def _digest(self, text: bytes) -> bytes:
        import hmac  # noqa: PLC0415 - takes 4 ms, and many jobs never sign anything

        return hmac.digest(self._secret, text, "sha256")


def _encode(data: bytes) -> bytes:
    """base64url without padding."""
    return b2a_base64(data, newline=False).translate(_URL_SAFE).rstrip(b"=")


_URL_SAFE = bytes.maketrans(b"+/", b"-_")

"""The key that signs identity tokens (OpenID Connect, RS256), and the public part of it, by which others check them.

Imported when the first identity token, or the key's public part, is asked for: RSA takes 100 ms to load, and a new key about as long.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

_BITS = 2048


class InvalidKeyError(ValueError):
    """The text is not an RSA private key in PEM form, without a password."""


class IdentityKey:
    """An RSA key pair. Thread-safe."""

    def __init__(self, private: rsa.RSAPrivateKey) -> None:
        self._private = private
        public = private.public_key()
        der = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        self.id = hashlib.sha256(der).hexdigest()[:32]
        self._public = public

    @classmethod
    def generate(cls) -> "IdentityKey":
        """A new one, for this process."""
        return cls(rsa.generate_private_key(public_exponent=65537, key_size=_BITS))

    @classmethod
    def load(cls, pem: bytes) -> "IdentityKey":
        """One that is kept elsewhere. Raises `InvalidKeyError`."""
        try:
            private = serialization.load_pem_private_key(pem, password=None)
        except (ValueError, TypeError) as error:
            raise InvalidKeyError(f"this is no private key in PEM form: {error}") from error
        if not isinstance(private, rsa.RSAPrivateKey) or private.key_size < _BITS:
            raise InvalidKeyError(f"this is no RSA key of at least {_BITS} bits")
        return cls(private)

    def write(self) -> bytes:
        """The private key, in PEM form and without a password: for its owner's eyes only."""
        return self._private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    def sign(self, claims: Mapping[str, Any]) -> str:
        """A compact JWT with these claims."""
        return jwt.encode(dict(claims), self._private, algorithm="RS256", headers={"kid": self.id})

    def describe(self) -> dict[str, Any]:
        """The set of public keys (RFC 7517) that checks what this key has signed."""
        public = json.loads(RSAAlgorithm.to_jwk(self._public))
        return {
            "keys": [{"kty": "RSA", "use": "sig", "alg": "RS256", "kid": self.id, "n": public["n"], "e": public["e"]}]
        }

"""Values that clients of the REST interface encrypt before they send them: libsodium's sealed boxes.

Source: GitHub docs, "Encrypting secrets for the REST API"; libsodium, "Sealed boxes". The private key is kept in the vault.
"""

import base64
import hashlib
from threading import Lock

import msgspec
from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, SealedBox

from homeport.ports.clock import Clock
from homeport.ports.vault import Vault

_NAME = "sealed-box-key"


class PublicKeyEntry(msgspec.Struct, frozen=True):
    """What `GET …/secrets/public-key` answers with."""

    key_id: str
    key: str
    """in base64"""


class SealedValueError(Exception):
    """It cannot be read, in words."""


class SealedValues:
    """One key pair for the whole server. Safe from any thread; may raise `StoreError`."""

    def __init__(self, vault: Vault, clock: Clock) -> None:
        self._vault = vault
        self._clock = clock
        self._lock = Lock()

    def public_key(self) -> PublicKeyEntry:
        """What to encrypt for."""
        public = bytes(self._private_key().public_key)
        return PublicKeyEntry(_id_of(public), base64.b64encode(public).decode())

    def open(self, encrypted: str, key_id: str) -> str:
        """The value. Raises `SealedValueError`."""
        private = self._private_key()
        if key_id != _id_of(bytes(private.public_key)):
            raise SealedValueError("key_id is not that of the public key: ask for the key, and encrypt again")
        try:
            return SealedBox(private).decrypt(base64.b64decode(encrypted, validate=True)).decode()
        except (ValueError, CryptoError) as error:
            raise SealedValueError(
                "encrypted_value is not a sealed box of the public key, in base64, with text in it"
            ) from error

    def _private_key(self) -> PrivateKey:
        with self._lock:
            kept = self._vault.find_system(_NAME)
            if kept is None:
                kept = base64.b64encode(bytes(PrivateKey.generate())).decode()
                self._vault.put_system(_NAME, kept, at=self._clock.now())
        return PrivateKey(base64.b64decode(kept))


def _id_of(public: bytes) -> str:
    """Digits only, as GitHub's are: clients treat it as text, people as a number."""
    return str(int.from_bytes(hashlib.sha256(public).digest()[:8], "big") % 10**18)

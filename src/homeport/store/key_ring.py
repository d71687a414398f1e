"""The master keys of a server, in files outside of its database; what they wrap is in the database, with the id of its key.

There may be several: while one is replaced, both are good. Source: NIST SP 800-57, "key-wrapping key"; AES-GCM as in NIST SP 800-38D.
"""

import os
import secrets
from collections.abc import Sequence
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from homeport.ports.repositories import StoreError
from homeport.store.folder import make_folder
from homeport.store.key_files import KEY_BYTES, read_key, write_key

_NONCE_BYTES = 12
_ID_LETTERS = 16


def seal(key: bytes, data: bytes, bound_to: bytes) -> bytes:
    """Encrypt, so that it can only be read as what it is `bound_to`. The nonce goes before it."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, data, bound_to)


def unseal(key: bytes, sealed: bytes, bound_to: bytes) -> bytes:
    """The data. Raises `StoreError` where it was changed, moved elsewhere, or is another key's."""
    try:
        return AESGCM(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], bound_to)
    except InvalidTag as error:
        raise StoreError("what is encrypted in the database was changed, or is another key's") from error


class KeyRing:
    """The keys of a folder (`master-<id>.key`) and of files named by an administrator. Safe from any thread.

    `given` are paths of key files, the first being the one to wrap with; where there are none, it is the newest of the folder's.
    """

    def __init__(self, folder: str, given: Sequence[str] = ()) -> None:
        self._folder = folder
        self._given = tuple(given)

    def find(self, key_id: str) -> bytes:
        """A key by its id. Raises `StoreError`, in words that help who lacks it."""
        for path in (*self._given, os.path.join(self._folder, f"master-{key_id}.key")):
            if os.path.lexists(path):
                key = read_key(path)
                if id_of(key) == key_id:
                    return key
        raise StoreError(
            f"the master key {key_id}, by which the secrets are encrypted, is neither in {self._folder} nor in HOMEPORT_MASTER_KEY"
        )

    def choose(self) -> bytes:
        """The key for a database that has none yet; it is made where there is none. Raises `StoreError`."""
        return read_key(self._given[0]) if self._given else self.make()

    def make(self) -> bytes:
        """A new one, in a file of the folder. Raises `StoreError`."""
        make_folder(self._folder)
        key = secrets.token_bytes(KEY_BYTES)
        write_key(self.path_of(id_of(key)), key)
        return key

    def path_of(self, key_id: str) -> str:
        """Where the folder has a key."""
        return os.path.join(self._folder, f"master-{key_id}.key")


def id_of(key: bytes) -> str:
    """What tells keys apart, and leads to none."""
    return sha256(b"homeport master key" + key).hexdigest()[:_ID_LETTERS]

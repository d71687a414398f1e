"""The keys that secrets are encrypted with: each wrapped by a master key, and kept beside what it encrypts.

A secret can only be read with its data key, as the secret of its scope and name: moved to another row it is good for nothing.
"""

import secrets as randomness
from datetime import datetime

import msgspec
from sqlalchemy import Connection, delete, func, insert, select, update

from homeport.store.key_files import KEY_BYTES
from homeport.store.key_ring import KeyRing, id_of, seal, unseal
from homeport.store.tables.vault import SECRETS, VAULT_KEYS


class Sealed(msgspec.Struct, frozen=True):
    """A secret as the database has it: the number of its data key, and what that has encrypted."""

    key: int
    data: bytes


class DataKeys:
    """Remembers what it has unwrapped, by what was unwrapped: a transaction that is rolled back leaves nothing wrong behind. Safe from
    any thread; writing is for the database's writer only.
    """

    def __init__(self, ring: KeyRing) -> None:
        self._ring = ring
        self._open: dict[bytes, bytes] = {}

    def seal(self, connection: Connection, scope: str, name: str, value: str, at: datetime) -> Sealed:
        """Encrypt with the newest key, which is made where there is none."""
        number = connection.execute(select(func.max(VAULT_KEYS.c.id))).scalar()
        if number is None:
            number = self._make(connection, 1, self._ring.choose(), at)
        return self._seal_with(connection, number, scope, name, value)

    def unseal(self, connection: Connection, scope: str, name: str, sealed: Sealed) -> str:
        """The value. Raises `StoreError`."""
        key = self._find(connection, sealed.key)
        return unseal(key, sealed.data, _bound_to(sealed.key, scope, name)).decode()

    def replace(self, connection: Connection, at: datetime) -> str:
        """Encrypt everything anew, with a new data key under a new master key (the first that was given, where keys are given); gives the
        id of that one. All in the writer's one transaction: others go on with what they read.
        """
        former = list(connection.execute(select(VAULT_KEYS.c.id)).scalars())
        master = self._ring.choose()
        number = self._make(connection, max(former, default=0) + 1, master, at)
        for row in connection.execute(select(SECRETS)).all():
            value = self.unseal(connection, row.scope, row.name, Sealed(row.key, row.sealed))
            sealed = self._seal_with(connection, number, row.scope, row.name, value)
            here = (SECRETS.c.scope == row.scope) & (SECRETS.c.name == row.name)
            connection.execute(update(SECRETS).where(here).values(key=sealed.key, sealed=sealed.data))
        connection.execute(delete(VAULT_KEYS).where(VAULT_KEYS.c.id != number))
        return id_of(master)

    def _seal_with(self, connection: Connection, number: int, scope: str, name: str, value: str) -> Sealed:
        key = self._find(connection, number)
        return Sealed(number, seal(key, value.encode(), _bound_to(number, scope, name)))

    def _make(self, connection: Connection, number: int, master: bytes, at: datetime) -> int:
        values = {
            "id": number,
            "master": id_of(master),
            "wrapped": seal(master, randomness.token_bytes(KEY_BYTES), _wrapped_as(number)),
            "created_at": at.isoformat(timespec="microseconds"),
        }
        connection.execute(insert(VAULT_KEYS).values(values))
        return number

    def _find(self, connection: Connection, number: int) -> bytes:
        row = connection.execute(select(VAULT_KEYS).where(VAULT_KEYS.c.id == number)).one()
        key = self._open.get(row.wrapped)
        if key is None:
            key = self._open[row.wrapped] = unseal(self._ring.find(row.master), row.wrapped, _wrapped_as(number))
        return key


def _bound_to(number: int, scope: str, name: str) -> bytes:
    return msgspec.msgpack.encode(("homeport secret", number, scope, name))


def _wrapped_as(number: int) -> bytes:
    return msgspec.msgpack.encode(("homeport data key", number))

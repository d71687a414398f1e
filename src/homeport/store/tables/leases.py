"""Keeps in a database which runner has which job."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import bindparam, delete, insert, select, update

from homeport.ports.leases import Lease
from homeport.store.tables.database import Database
from homeport.store.tables.prepared import given, of
from homeport.store.tables.schema import LEASES

_TAKE = insert(LEASES)
_HEAR = update(LEASES).where(given(LEASES, "lease")).values(heard=bindparam("heard"), log_size=bindparam("log_size"))
_CLOSE = delete(LEASES).where(given(LEASES, "lease"))


class TableLeases:
    """A `LeaseRepository` in a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def take(self, lease: Lease) -> None:
        """One row a lease."""
        values = {
            "lease": lease.id,
            "run": int(lease.run),
            "attempt": lease.attempt,
            "job": lease.job,
            "runner": lease.runner,
            "claim": lease.claim,
            "token_digest": lease.token_digest,
            "taken_at": lease.taken_at.isoformat(timespec="microseconds"),
            "heard": lease.heard,
            "log_size": lease.log_size,
        }
        self._database.write(lambda connection: connection.execute(_TAKE, values))

    def hear(self, lease: str, heard: int, log_size: int) -> None:
        """Durable with the facts that were written before it in the same batch."""
        values = {**of(lease=lease), "heard": heard, "log_size": log_size}
        self._database.write_soon(lambda connection: connection.execute(_HEAR, values))

    def renew_token(self, lease: str, claim: str, token_digest: bytes) -> None:
        """The former token is good for nothing any more."""
        change = update(LEASES).where(LEASES.c.lease == lease).values(claim=claim, token_digest=token_digest)
        self._database.write(lambda connection: connection.execute(change))

    def close(self, lease: str) -> None:
        """Forget it."""
        self._database.write_soon(lambda connection: connection.execute(_CLOSE, of(lease=lease)))

    def list(self) -> Sequence[Lease]:
        """As they were taken."""
        with self._database.read() as connection:
            rows = connection.execute(select(LEASES).order_by(LEASES.c.taken_at, LEASES.c.lease)).all()
        return [
            Lease(
                id=row.lease,
                run=str(row.run),
                attempt=row.attempt,
                job=row.job,
                runner=row.runner,
                claim=row.claim,
                token_digest=row.token_digest,
                taken_at=datetime.fromisoformat(row.taken_at),
                heard=row.heard,
                log_size=row.log_size,
            )
            for row in rows
        ]

"""Keeps the audit log in a database: each entry carries a digest over itself and the one before, by a key that is not in the database.

Whoever can write in the database but has not the key cannot change, leave out or put in an entry without breaking the chain; cutting off
the end is noticed by comparing with a head that was noted down. The tables refuse changes by themselves, too.
"""

import hmac
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any, cast

import msgspec
from sqlalchemy import Column, Connection, Index, LargeBinary, Row, String, Table, insert, select

from homeport.ports.audit import AuditEntry, ChainReport, Result
from homeport.store.tables.database import Database
from homeport.store.tables.schema import METADATA, NUMBER

AUDIT = Table(
    "audit",
    METADATA,
    Column("sequence", NUMBER, primary_key=True, autoincrement=False),
    Column("at", String, nullable=False),
    Column("who", String, nullable=False),
    Column("action", String, nullable=False),
    Column("target", String, nullable=False),
    Column("address", String, nullable=False),
    Column("result", String, nullable=False),
    Column("detail", String, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Index(None, "who", "sequence"),
    Index(None, "target", "sequence"),
)

_LONGEST = 1000
_BLOCK = 1000
_BEFORE_THE_FIRST = bytes(32)


class TableAudit:
    """An `AuditLog`. `key` makes the digests."""

    def __init__(self, database: Database, key: bytes) -> None:
        self._database = database
        self._key = key

    def record(self, entry: AuditEntry) -> None:
        """Waits for the disk."""
        self._database.write(lambda connection: self._append(connection, entry))

    def record_soon(self, entry: AuditEntry) -> None:
        """Shares the next commit."""
        self._database.submit(lambda connection: self._append(connection, entry))

    def list(
        self, *, before: int | None = None, limit: int = 50, who: str = "", action: str = "", target: str = ""
    ) -> Sequence[AuditEntry]:
        """By the primary key, backwards."""
        conditions = [] if before is None else [AUDIT.c.sequence < before]
        if who:
            conditions.append(AUDIT.c.who == who)
        if action:
            conditions.append(AUDIT.c.action.startswith(action, autoescape=True))
        if target:
            conditions.append(AUDIT.c.target.startswith(target, autoescape=True))
        query = select(AUDIT).where(*conditions).order_by(AUDIT.c.sequence.desc()).limit(limit)
        with self._database.read() as connection:
            return [_entry(row) for row in connection.execute(query).all()]

    def verify(self) -> ChainReport:
        """In blocks."""
        last, digest = 0, _BEFORE_THE_FIRST
        while True:
            query = select(AUDIT).where(AUDIT.c.sequence > last).order_by(AUDIT.c.sequence).limit(_BLOCK)
            with self._database.read() as connection:
                rows = connection.execute(query).all()
            for row in rows:
                expected = self._digest(digest, row.sequence, _values(_entry(row)))
                if row.sequence != last + 1 or not hmac.compare_digest(expected, row.digest):
                    return ChainReport(last, digest.hex(), last + 1)
                last, digest = row.sequence, row.digest
            if len(rows) < _BLOCK:
                return ChainReport(last, digest.hex())

    def _append(self, connection: Connection, entry: AuditEntry) -> None:
        """By the one writer, so nobody comes between reading the last entry and writing the next."""
        query = select(AUDIT.c.sequence, AUDIT.c.digest).order_by(AUDIT.c.sequence.desc()).limit(1)
        row = connection.execute(query).first()
        sequence, former = (1, _BEFORE_THE_FIRST) if row is None else (row.sequence + 1, row.digest)
        values = _values(entry)
        digest = self._digest(former, sequence, values)
        connection.execute(insert(AUDIT).values(**values, sequence=sequence, digest=digest))

    def _digest(self, former: bytes, sequence: int, values: dict[str, str]) -> bytes:
        message = msgspec.msgpack.encode((former, sequence, *(values[name] for name in sorted(values))))
        return hmac.new(self._key, message, sha256).digest()


def _values(entry: AuditEntry) -> dict[str, str]:
    """The columns that the digest covers."""
    return {
        "at": entry.at.isoformat(timespec="microseconds"),
        "who": _clean(entry.who),
        "action": _clean(entry.action),
        "target": _clean(entry.target),
        "address": _clean(entry.address),
        "result": entry.result,
        "detail": _clean(entry.detail),
    }


def _clean(text: str) -> str:
    """Without what a database or a terminal could stumble over: control characters, halves of surrogate pairs."""
    shown = text[:_LONGEST].encode("utf-8", "replace").decode()
    return "".join(character if character.isprintable() else "�" for character in shown)


def _entry(row: Row[Any]) -> AuditEntry:
    return AuditEntry(
        at=datetime.fromisoformat(row.at),
        who=row.who,
        action=row.action,
        target=row.target,
        address=row.address,
        result=cast("Result", row.result),
        detail=row.detail,
        sequence=row.sequence,
    )

"""What every `AuditLog` promises: it is only added to, and what is changed behind its back is noticed."""

import msgspec
import pytest
from sqlalchemy import Connection, delete, insert, select, text, update

from homeport.ports.audit import AuditEntry
from homeport.ports.repositories import StoreError
from homeport.store.tables.audit import AUDIT, TableAudit
from homeport.store.tables.database import Database
from tests.support.plans import NOW

KEY = b"k" * 32


@pytest.fixture
def log(database: Database) -> TableAudit:
    return TableAudit(database, KEY)


def entry(number: int, **changes: str) -> AuditEntry:
    made = AuditEntry(at=NOW, who="ada", action="secret.set", target=f"acme/tools {number}", address="192.0.2.1")
    return msgspec.structs.replace(made, **changes)


def fill(log: TableAudit, count: int = 5) -> None:
    for number in range(1, count + 1):
        log.record(entry(number))


def open_gate(database: Database) -> None:
    """What somebody with the database file can do."""

    def drop(connection: Connection) -> None:
        is_sqlite = connection.dialect.name == "sqlite"
        for name in ("audit_no_update", "audit_no_delete") if is_sqlite else ("audit_no_change ON audit",):
            connection.execute(text(f"DROP TRIGGER {name}"))

    database.write(drop)


def test_entries_are_numbered_and_listed_newest_first(log: TableAudit) -> None:
    fill(log)
    assert [each.sequence for each in log.list()] == [5, 4, 3, 2, 1]
    assert [each.sequence for each in log.list(before=3, limit=1)] == [2]
    assert log.list()[0] == entry(5, sequence=5)  # type: ignore[arg-type]


def test_entries_are_found_by_who_what_and_to_what(log: TableAudit) -> None:
    log.record(entry(1))
    log.record(entry(2, who="bob", action="secret.removed"))
    log.record(entry(3, action="token.created", target="100%_x"))
    assert [each.sequence for each in log.list(who="ada")] == [3, 1]
    assert [each.sequence for each in log.list(action="secret.")] == [2, 1]
    assert [each.sequence for each in log.list(target="acme/tools")] == [2, 1]
    assert [each.sequence for each in log.list(target="100%_")] == [3]
    assert [each.sequence for each in log.list(target="1000")] == []


def test_what_is_noted_without_waiting_is_there_too_in_order(log: TableAudit) -> None:
    for number in range(1, 50):
        log.record_soon(entry(number))
    log.record(entry(50))
    assert [each.target for each in reversed(log.list())] == [entry(number).target for number in range(1, 51)]
    assert log.verify().broken_at == 0


def test_the_log_itself_refuses_changes(log: TableAudit, database: Database) -> None:
    fill(log)
    for change in (update(AUDIT).values(who="eve"), delete(AUDIT)):
        with pytest.raises(StoreError, match="only added to"):
            database.write(lambda connection, change=change: connection.execute(change))  # type: ignore[misc]
    assert log.verify() == log.verify()
    assert len(log.list()) == 5


@pytest.mark.parametrize("column", ["at", "who", "action", "target", "address", "result", "detail", "digest"])
def test_a_changed_entry_is_noticed(log: TableAudit, database: Database, column: str) -> None:
    fill(log)
    open_gate(database)
    value: object = {"at": "2020-01-01T00:00:00+00:00", "result": "failed", "digest": b"x" * 32}.get(column, "eve")
    change = update(AUDIT).where(AUDIT.c.sequence == 3).values({column: value})
    database.write(lambda connection: connection.execute(change))
    report = log.verify()
    assert (report.length, report.broken_at) == (2, 3)


def test_an_entry_that_was_taken_out_or_put_in_is_noticed(log: TableAudit, database: Database) -> None:
    fill(log)
    open_gate(database)
    database.write(lambda connection: connection.execute(delete(AUDIT).where(AUDIT.c.sequence == 2)))
    assert log.verify().broken_at == 2
    with database.read() as connection:
        row = connection.execute(select(AUDIT).where(AUDIT.c.sequence == 3)).one()
    put_in = {**row._asdict(), "sequence": 2}
    database.write(lambda connection: connection.execute(insert(AUDIT).values(put_in)))
    assert log.verify().broken_at == 2


def test_the_whole_log_written_anew_without_the_key_is_noticed(log: TableAudit, database: Database) -> None:
    fill(log)
    open_gate(database)
    database.write(lambda connection: connection.execute(delete(AUDIT)))
    forged = TableAudit(database, b"f" * 32)
    fill(forged)
    assert forged.verify().broken_at == 0
    assert log.verify().broken_at == 1


def test_an_end_that_was_cut_off_differs_from_the_head_that_was_noted_down(log: TableAudit, database: Database) -> None:
    fill(log)
    noted = log.verify()
    open_gate(database)
    database.write(lambda connection: connection.execute(delete(AUDIT).where(AUDIT.c.sequence == 5)))
    found = log.verify()
    assert found.broken_at == 0
    assert (found.length, found.head) != (noted.length, noted.head)


def test_hostile_words_do_no_harm(log: TableAudit) -> None:
    log.record(entry(1, target="\x1b[2J\r\nforged line\0\ud800" + "x" * 5000))
    (found,) = log.list()
    assert found.target.isprintable()
    assert len(found.target) == 1000
    assert log.verify().broken_at == 0

"""Numbers that are counted up durably: ids of runs, numbers of a workflow's runs."""

from sqlalchemy import Connection, bindparam, insert, select, update

from homeport.store.tables.prepared import given, of
from homeport.store.tables.schema import COUNTERS

_ROW = given(COUNTERS, "scope", "name")
_FIND = select(COUNTERS.c.value).where(_ROW)
_SET = update(COUNTERS).where(_ROW).values(value=bindparam("value"))
_BEGIN = insert(COUNTERS)


def count_up(connection: Connection, scope: str, name: str) -> int:
    """The next number, from 1. To be called by the database's writer, which no other writer can come between."""
    row = of(scope=scope, name=name)
    value = connection.execute(_FIND, row).scalar()
    if value is None:
        connection.execute(_BEGIN, {"scope": scope, "name": name, "value": 1})
        return 1
    connection.execute(_SET, {**row, "value": value + 1})
    return int(value) + 1

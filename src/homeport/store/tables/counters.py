"""Numbers that are counted up durably: ids of runs, numbers of a workflow's runs."""

from sqlalchemy import Connection, insert, select, update

from homeport.store.tables.schema import COUNTERS


def count_up(connection: Connection, scope: str, name: str) -> int:
    """The next number, from 1. To be called by the database's writer, which no other writer can come between."""
    row = (COUNTERS.c.scope == scope) & (COUNTERS.c.name == name)
    value = connection.execute(select(COUNTERS.c.value).where(row)).scalar()
    if value is None:
        connection.execute(insert(COUNTERS).values(scope=scope, name=name, value=1))
        return 1
    connection.execute(update(COUNTERS).where(row).values(value=value + 1))
    return int(value) + 1

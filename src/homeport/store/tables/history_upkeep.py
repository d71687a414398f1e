"""Makes the rows of history anew where a former version of Homeport wrote them in another way, or not at all."""

import logging

from sqlalchemy import Connection, delete, insert, select

from homeport.store.tables.database import Database
from homeport.store.tables.history_fold import fold_again
from homeport.store.tables.history_schema import HISTORY_RUNS
from homeport.store.tables.schema import ATTEMPTS, COUNTERS

SHAPE = 1
"""To be counted up with every change of what `history_fold` writes for the same journal"""
_FIRST_SHAPE = 1
_MARK = (COUNTERS.c.scope == "history") & (COUNTERS.c.name == "shape")
_LOG = logging.getLogger("homeport.store")


def bring_history_up_to_date(database: Database) -> int:
    """Gives how many attempts were folded again; none, and next to no time, where the rows are of this version. To be called by the one
    owner of the database before anything is written: in a crash meanwhile it is done again. Raises `StoreError`.
    """
    with database.read() as connection:
        marked = connection.execute(select(COUNTERS.c.value).where(_MARK)).scalar()
        is_outdated = _is_outdated(connection, marked)
    count = 0
    if is_outdated:
        _LOG.info(
            "history is made anew from the journals: this happens once, and takes a while where there are many runs"
        )
        count = fold_again(database)
    if marked != SHAPE:
        database.write(_mark)
    return count


def _is_outdated(connection: Connection, marked: int | None) -> bool:
    """Rows of before there was a mark are of the first shape."""
    has_rows = connection.execute(select(HISTORY_RUNS.c.run).limit(1)).first() is not None
    if has_rows:
        return (marked or _FIRST_SHAPE) != SHAPE
    return connection.execute(select(ATTEMPTS.c.run).limit(1)).first() is not None


def _mark(connection: Connection) -> None:
    connection.execute(delete(COUNTERS).where(_MARK))
    connection.execute(insert(COUNTERS).values(scope="history", name="shape", value=SHAPE))

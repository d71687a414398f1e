"""Forgets rows of a table that only grows at its end, a few at a time, without a look at those that are to stay."""

from sqlalchemy import Column, ColumnElement, Connection, Table, delete, func, select

from homeport.store.tables.database import Database
from homeport.store.tables.numbers import LARGEST_NUMBER

_AT_ONCE = 1000
"""in one piece of work: others want to write too"""


def forget_old(
    database: Database,
    table: Table,
    at: "Column[str]",
    before: str,
    is_done: ColumnElement[bool],
    at_once: int = _AT_ONCE,
) -> int:
    """Forget those that are done, and whose time is earlier; gives how many. Rows have their numbers (`id`) in the order of their times:
    the search ends at the first that is younger.
    """
    count = 0
    while True:
        gone = database.write(lambda connection: _forget_some(connection, table, at, before, is_done, at_once))
        count += gone
        if gone < at_once:
            return count


def _forget_some(
    connection: Connection, table: Table, at: "Column[str]", before: str, is_done: ColumnElement[bool], at_once: int
) -> int:
    first_young = select(table.c.id).where(at >= before).order_by(table.c.id).limit(1).scalar_subquery()
    old = (
        select(table.c.id)
        .where(table.c.id < func.coalesce(first_young, LARGEST_NUMBER), is_done)
        .order_by(table.c.id)
        .limit(at_once)
    )
    return connection.execute(delete(table).where(table.c.id.in_(old))).rowcount

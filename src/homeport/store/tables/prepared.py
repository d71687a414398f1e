"""Conditions of statements that are put together once: doing so costs ten times as much as carrying them out."""

from sqlalchemy import ColumnElement, Table, and_, bindparam


def given(table: Table, *names: str) -> ColumnElement[bool]:
    """Each of these columns is what the statement is carried out with (`of`)."""
    return and_(*(table.c[name] == bindparam(f"of_{name}") for name in names))


def of(**values: object) -> dict[str, object]:
    """The parameters of `given`, named so that they are not taken for values that are written."""
    return {f"of_{name}": value for name, value in values.items()}

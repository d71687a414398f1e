"""Keeps in a database which workflows of default branches cannot start at all, and the event that showed it."""

from collections.abc import Sequence

import msgspec
from sqlalchemy import Column, Connection, String, Table, delete, insert, select

from homeport.ports.events import WorkflowStart
from homeport.store.tables.database import Database
from homeport.store.tables.schema import METADATA, NUMBER

REFUSED_WORKFLOWS = Table(
    "refused_workflows",
    METADATA,
    Column("repository", NUMBER, primary_key=True, autoincrement=False),
    Column("path", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("event", NUMBER, nullable=False),
    Column("reason", String, nullable=False),
)


class RefusedWorkflow(msgspec.Struct, frozen=True, kw_only=True):
    """A workflow file of a default branch that GitHub would not accept."""

    repository: int
    path: str
    name: str
    event: int
    """the push that it was refused at"""
    reason: str


class TableRefusedWorkflows:
    """What the latest push to each default branch has shown. Safe from any thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def note(self, repository: int, event: int, starts: Sequence[WorkflowStart]) -> None:
        """What a push to the default branch meant for its workflows takes the place of what was known. Writes only where there is, or
        was, something refused; repeating it changes nothing.
        """
        refused = [start for start in starts if start.outcome == "refused"]
        if not refused and not self.list([repository]):
            return
        rows = [
            {
                "repository": repository,
                "path": start.workflow,
                "name": start.name,
                "event": event,
                "reason": start.reason,
            }
            for start in refused
        ]

        def work(connection: Connection) -> None:
            connection.execute(delete(REFUSED_WORKFLOWS).where(REFUSED_WORKFLOWS.c.repository == repository))
            if rows:
                connection.execute(insert(REFUSED_WORKFLOWS), rows)

        self._database.write_soon(work)

    def list(self, repositories: Sequence[int]) -> Sequence[RefusedWorkflow]:
        """Of these repositories, by number and path."""
        columns = REFUSED_WORKFLOWS.c
        query = select(REFUSED_WORKFLOWS).order_by(columns.repository, columns.path)
        with self._database.read() as connection:
            rows = connection.execute(query.where(columns.repository.in_(repositories))).all()
        return [
            RefusedWorkflow(repository=row.repository, path=row.path, name=row.name, event=row.event, reason=row.reason)
            for row in rows
        ]

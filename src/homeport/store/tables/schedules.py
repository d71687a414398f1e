"""Keeps in a database the schedules of default branches, and up to where each has fired."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Column, Connection, String, Table, delete, insert, select, update

from homeport.store.tables.database import Database
from homeport.store.tables.schema import METADATA, NUMBER

SCHEDULES = Table(
    "schedules",
    METADATA,
    Column("repository", NUMBER, primary_key=True, autoincrement=False),
    Column("workflow", String, primary_key=True),
    Column("cron", String, primary_key=True),
    Column("timezone", String, primary_key=True),
    Column("actor", String, nullable=False),
    Column("seen_until", String, nullable=False, comment="ticks up to here have fired or were missed"),
)


class Schedule(msgspec.Struct, frozen=True, kw_only=True):
    """One `cron` of a workflow on a default branch."""

    repository: int
    workflow: str
    cron: str
    timezone: str
    actor: str = ""
    seen_until: datetime

    @property
    def key(self) -> tuple[int, str, str, str]:
        """What makes it the same schedule."""
        return self.repository, self.workflow, self.cron, self.timezone


class TableSchedules:
    """The schedules of all default branches."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def list(self) -> Sequence[Schedule]:
        """All of them."""
        with self._database.read() as connection:
            rows = connection.execute(select(SCHEDULES)).all()
        return [
            Schedule(
                repository=row.repository,
                workflow=row.workflow,
                cron=row.cron,
                timezone=row.timezone,
                actor=row.actor,
                seen_until=datetime.fromisoformat(row.seen_until),
            )
            for row in rows
        ]

    def replace(self, repository: int, wanted: Sequence[Schedule]) -> None:
        """The schedules of a repository as they are now; one that was there before keeps what it has seen."""

        def work(connection: Connection) -> None:
            rows = connection.execute(select(SCHEDULES).where(SCHEDULES.c.repository == repository)).all()
            known = {(row.repository, row.workflow, row.cron, row.timezone) for row in rows}
            for schedule in {one.key: one for one in wanted}.values():
                if schedule.key in known:
                    connection.execute(update(SCHEDULES).where(_is(*schedule.key)).values(actor=schedule.actor))
                else:
                    connection.execute(insert(SCHEDULES).values(_schedule_row(schedule)))
            for key in known - {one.key for one in wanted}:
                connection.execute(delete(SCHEDULES).where(_is(*key)))

        self._database.write(work)


def see_tick(connection: Connection, schedule: Schedule, until: datetime) -> bool:
    """Ticks up to here have fired or were missed; False where that is known already."""
    row = _is(*schedule.key) & (SCHEDULES.c.seen_until < _stamp(until))
    return connection.execute(update(SCHEDULES).where(row).values(seen_until=_stamp(until))).rowcount == 1


def _is(repository: int, workflow: str, cron: str, timezone: str) -> Any:
    return (
        (SCHEDULES.c.repository == repository)
        & (SCHEDULES.c.workflow == workflow)
        & (SCHEDULES.c.cron == cron)
        & (SCHEDULES.c.timezone == timezone)
    )


def _schedule_row(schedule: Schedule) -> dict[str, object]:
    return {
        "repository": schedule.repository,
        "workflow": schedule.workflow,
        "cron": schedule.cron,
        "timezone": schedule.timezone,
        "actor": schedule.actor,
        "seen_until": _stamp(schedule.seen_until),
    }


def _stamp(at: datetime) -> str:
    return at.isoformat(timespec="microseconds")

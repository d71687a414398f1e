"""Keeps in a database which repositories a server has, and which workflows were seen in them."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import (
    Column,
    Connection,
    LargeBinary,
    Row,
    Select,
    String,
    Table,
    UniqueConstraint,
    delete,
    insert,
    select,
    update,
)

from homeport.ports.clock import Clock
from homeport.ports.directory import RESERVED_OWNERS, DirectoryError, HostedRepository
from homeport.ports.events import KnownWorkflow, WorkflowState
from homeport.store.tables.counters import count_up
from homeport.store.tables.database import Database
from homeport.store.tables.numbers import read_number
from homeport.store.tables.prepared import given, of
from homeport.store.tables.schema import METADATA, NUMBER

REPOSITORIES = Table(
    "repositories",
    METADATA,
    Column("id", NUMBER, primary_key=True, autoincrement=False),
    Column("key", String, nullable=False, comment="owner/name in lower case"),
    Column("record", LargeBinary, nullable=False),
    UniqueConstraint("key", name="uq_repositories_key"),
)

WORKFLOWS = Table(
    "workflows",
    METADATA,
    Column("id", NUMBER, primary_key=True, autoincrement=False),
    Column("repository", NUMBER, nullable=False),
    Column("path", String, nullable=False),
    Column("name", String, nullable=False),
    Column("state", String, nullable=False),
    Column("created_at", String, nullable=False),
    Column("updated_at", String, nullable=False),
    UniqueConstraint("repository", "path", name="uq_workflows_repository_path"),
)

_OWNER: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")
_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,100}")

_FIND_BY_KEY = select(REPOSITORIES.c.record).where(given(REPOSITORIES, "key"))
_FIND_BY_ID = select(REPOSITORIES.c.record).where(given(REPOSITORIES, "id"))
_WORKFLOWS = select(WORKFLOWS).where(given(WORKFLOWS, "repository")).order_by(WORKFLOWS.c.path)


class TableDirectory:
    """A `RepositoryDirectory` in a database. Nothing is kept in memory: other processes may change it too."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, full_name: str) -> HostedRepository | None:
        """By its key."""
        return self._first(_FIND_BY_KEY, of(key=full_name.lower()))

    def get(self, repository: int) -> HostedRepository | None:
        """By its number."""
        return self._first(_FIND_BY_ID, of(id=repository))

    def list(self) -> Sequence[HostedRepository]:
        """By name, whatever its case."""
        with self._database.read() as connection:
            rows = connection.execute(select(REPOSITORIES.c.record).order_by(REPOSITORIES.c.key)).all()
        return [_read(row) for row in rows]

    def add(self, repository: HostedRepository) -> HostedRepository:
        """Numbers are never given twice."""
        _check_name(repository)

        def work(connection: Connection) -> HostedRepository:
            _check_free(connection, repository)
            added = msgspec.structs.replace(repository, id=count_up(connection, "repository", ""))
            connection.execute(insert(REPOSITORIES).values(_row(added)))
            return added

        return self._database.write(work)

    def change(self, repository: int, change: Callable[[HostedRepository], HostedRepository]) -> HostedRepository:
        """Also its name: whatever refers to it does so by its number."""

        def work(connection: Connection) -> HostedRepository:
            row = connection.execute(_FIND_BY_ID, of(id=repository)).first()
            if row is None:
                raise DirectoryError(f"there is no repository with the number {repository}")
            changed = msgspec.structs.replace(change(_read(row)), id=repository)
            _check_name(changed)
            _check_free(connection, changed)
            connection.execute(update(REPOSITORIES).where(REPOSITORIES.c.id == repository).values(_row(changed)))
            return changed

        return self._database.write(work)

    def remove(self, repository: int) -> None:
        """Removing twice is no error."""
        self._database.write(
            lambda connection: connection.execute(delete(REPOSITORIES).where(REPOSITORIES.c.id == repository))
        )

    def _first(self, query: Select[Any], values: dict[str, object]) -> HostedRepository | None:
        with self._database.read() as connection:
            row = connection.execute(query, values).first()
        return None if row is None else _read(row)


class TableWorkflows:
    """A `WorkflowRegistry` in a database."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def list(self, repository: int) -> Sequence[KnownWorkflow]:
        """By path."""
        with self._database.read() as connection:
            return _list_workflows(connection, repository)

    def find(self, repository: int, workflow: int | str) -> KnownWorkflow | None:
        """A file's name alone means the one that is not deleted, where there are several."""
        known = self.list(repository)
        number = workflow if isinstance(workflow, int) else read_number(workflow)
        if isinstance(workflow, int) or workflow.isdecimal():
            return next((one for one in known if one.id == number), None)
        found = [one for one in known if workflow in {one.path, one.path.rpartition("/")[2]}]
        return min(found, key=lambda one: (one.path != workflow, one.state == "deleted", one.path), default=None)

    def switch(self, repository: int, workflow: int, state: WorkflowState) -> None:
        """Switching to what it is already changes nothing."""
        row = (WORKFLOWS.c.repository == repository) & (WORKFLOWS.c.id == workflow) & (WORKFLOWS.c.state != state)
        change = update(WORKFLOWS).where(row).values(state=state, updated_at=_stamp(self._clock.now()))
        self._database.write(lambda connection: connection.execute(change))

    def note(self, repository: int, names: Mapping[str, str], *, is_default_branch: bool) -> Sequence[KnownWorkflow]:
        """Writes only where something is new."""
        known = {one.path: one for one in self.list(repository)}
        if not _find_news(known, names, is_default_branch=is_default_branch):
            return [known[path] for path in names]
        now = _stamp(self._clock.now())

        def work(connection: Connection) -> Sequence[KnownWorkflow]:
            current = {one.path: one for one in _list_workflows(connection, repository)}
            for path, values in _find_news(current, names, is_default_branch=is_default_branch).items():
                row = (WORKFLOWS.c.repository == repository) & (WORKFLOWS.c.path == path)
                if path in current:
                    connection.execute(update(WORKFLOWS).where(row).values(**values, updated_at=now))
                else:
                    connection.execute(
                        insert(WORKFLOWS).values(
                            id=count_up(connection, "workflow", ""),
                            repository=repository,
                            path=path,
                            created_at=now,
                            updated_at=now,
                            **values,
                        )
                    )
            return _list_workflows(connection, repository)

        return [one for one in self._database.write(work) if one.path in names]


def _find_news(
    known: Mapping[str, KnownWorkflow], names: Mapping[str, str], *, is_default_branch: bool
) -> dict[str, dict[str, str]]:
    """What is to be written, by path. The name is the default branch's, where the file is there."""
    news: dict[str, dict[str, str]] = {}
    for path, name in names.items():
        former = known.get(path)
        if former is None:
            news[path] = {"name": name, "state": "active" if is_default_branch else "deleted"}
        elif is_default_branch and (former.name != name or former.state == "deleted"):
            news[path] = {"name": name, "state": "active" if former.state == "deleted" else former.state}
    if is_default_branch:
        news |= {
            path: {"state": "deleted"} for path, one in known.items() if path not in names and one.state != "deleted"
        }
    return news


def _list_workflows(connection: Connection, repository: int) -> Sequence[KnownWorkflow]:
    return [
        KnownWorkflow(
            id=row.id,
            repository=row.repository,
            path=row.path,
            name=row.name,
            state=row.state,
            created_at=datetime.fromisoformat(row.created_at),
            updated_at=datetime.fromisoformat(row.updated_at),
        )
        for row in connection.execute(_WORKFLOWS, of(repository=repository)).all()
    ]


def _check_name(repository: HostedRepository) -> None:
    owner, name = repository.owner, repository.name
    if not _OWNER.fullmatch(owner) or owner.endswith("."):
        raise DirectoryError(f"{owner!r} cannot be an owner: letters, digits, '-', '_' and '.' are allowed")
    if not _NAME.fullmatch(name) or name in {".", ".."} or name.lower().endswith((".git", ".wiki")):
        raise DirectoryError(
            f"{name!r} cannot be a repository: letters, digits, '-', '_' and '.' are allowed, without .git or .wiki at its end"
        )
    if owner.lower() in RESERVED_OWNERS:
        raise DirectoryError(f"{owner!r} cannot be an owner: this server's own pages begin so")


def _check_free(connection: Connection, repository: HostedRepository) -> None:
    taken = select(REPOSITORIES.c.id).where(REPOSITORIES.c.key == repository.full_name.lower())
    if connection.execute(taken).scalar() not in (None, repository.id or None):
        raise DirectoryError(f"there is a repository {repository.full_name} already")


def _row(repository: HostedRepository) -> dict[str, object]:
    return {
        "id": repository.id,
        "key": repository.full_name.lower(),
        "record": msgspec.msgpack.encode(repository),
    }


def _read(row: Row[Any]) -> HostedRepository:
    return msgspec.msgpack.decode(row.record, type=HostedRepository)


def _stamp(at: datetime) -> str:
    return at.isoformat(timespec="microseconds")

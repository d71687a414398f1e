"""Keeps secrets (encrypted), variables and environments in a database."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, cast

import msgspec
from sqlalchemy import Connection, Row, Table, delete, func, insert, or_, select, update

from homeport.ports.directory import HostedRepository
from homeport.ports.vault import (
    SYSTEM,
    Choose,
    Environment,
    SecretEntry,
    VariableEntry,
    VariableTakenError,
    VaultError,
    VaultScope,
    Visibility,
    check_name,
    check_value,
    environment_scope,
    may_use,
    organization_scope,
    repository_scope,
)
from homeport.store.data_keys import DataKeys, Sealed
from homeport.store.key_ring import KeyRing
from homeport.store.tables.database import Database
from homeport.store.tables.prepared import given, of
from homeport.store.tables.vault import ENVIRONMENTS, SECRETS, VARIABLES

_MOST = {
    ("secrets", "organization"): 1000,
    ("secrets", "repository"): 100,
    ("secrets", "environment"): 100,
    ("variables", "organization"): 1000,
    ("variables", "repository"): 500,
    ("variables", "environment"): 100,
}
"""Source: GitHub docs, "Limits for secrets" and "Limits for configuration variables"."""
_LONGEST_ENVIRONMENT = 255
_SECRETS_OF = select(SECRETS).where(given(SECRETS, "scope"))
_VARIABLES_OF = select(VARIABLES).where(given(VARIABLES, "scope")).order_by(VARIABLES.c.name)


class TableVault:
    """A `Vault`."""

    def __init__(self, database: Database, ring: KeyRing) -> None:
        self._database = database
        self._keys = DataKeys(ring)

    # --- secrets --------------------------------------------------------------------------------------------------------

    def put_secret(
        self,
        scope: VaultScope,
        name: str,
        value: str,
        *,
        at: datetime,
        visibility: Visibility | None = None,
        repositories: Collection[int] | None = None,
    ) -> bool:
        """Encrypted by the writer, in the transaction that keeps it: a key that is replaced meanwhile does no harm."""
        kept = check_name(name)
        check_value(value, kept)

        def work(connection: Connection) -> bool:
            sealed = self._keys.seal(connection, scope.key, kept, value, at)
            values = {"key": sealed.key, "sealed": sealed.data}
            return _put(connection, SECRETS, scope, kept, values, at, visibility, repositories)

        return self._database.write(work)

    def secrets(self, scope: VaultScope) -> Sequence[SecretEntry]:
        """What is sealed is not read."""
        columns = [column for column in SECRETS.c if column.name not in ("sealed", "key")]
        query = select(*columns).where(SECRETS.c.scope == scope.key).order_by(SECRETS.c.name)
        with self._database.read() as connection:
            return [_secret(row) for row in connection.execute(query).all()]

    def find_secret(self, scope: VaultScope, name: str) -> SecretEntry | None:
        """By the primary key."""
        with self._database.read() as connection:
            row = connection.execute(select(SECRETS).where(_is(SECRETS, scope, name))).first()
        return None if row is None else _secret(row)

    def share_secret(self, scope: VaultScope, name: str, visibility: Visibility, repositories: Collection[int]) -> bool:
        """The value stays."""
        values = {"visibility": visibility, "repositories": _pack(repositories)}
        change = update(SECRETS).where(_is(SECRETS, scope, name)).values(values)
        return self._database.write(lambda connection: bool(connection.execute(change).rowcount))

    def choose_for_secret(self, scope: VaultScope, name: str, choose: Choose) -> bool:
        """Read and written in one transaction: of two changes at once none is lost."""
        return self._choose(SECRETS, scope, name, choose)

    def remove_secret(self, scope: VaultScope, name: str) -> bool:
        """The row goes."""
        return self._remove(SECRETS, scope, name)

    # --- variables ------------------------------------------------------------------------------------------------------

    def put_variable(
        self,
        scope: VaultScope,
        name: str,
        value: str,
        *,
        at: datetime,
        visibility: Visibility | None = None,
        repositories: Collection[int] | None = None,
        must_be_new: bool = False,
    ) -> bool:
        """One row, looked for and written in one transaction."""
        kept = check_name(name)
        check_value(value, kept)

        def work(connection: Connection) -> bool:
            if must_be_new:
                _check_free(connection, scope, kept)
            return _put(connection, VARIABLES, scope, kept, {"value": value}, at, visibility, repositories)

        return self._database.write(work)

    def change_variable(
        self,
        scope: VaultScope,
        name: str,
        *,
        at: datetime,
        new_name: str | None = None,
        value: str | None = None,
        visibility: Visibility | None = None,
        repositories: Collection[int] | None = None,
    ) -> bool:
        """As one row, which stays the same one under its new name."""
        kept = name.upper() if new_name is None else check_name(new_name)
        values = _changes(at, visibility, repositories) | {"name": kept}
        if value is not None:
            check_value(value, kept)
            values["value"] = value
        change = update(VARIABLES).where(_is(VARIABLES, scope, name)).values(values)

        def work(connection: Connection) -> bool:
            if kept != name.upper():
                _check_free(connection, scope, kept)
            return bool(connection.execute(change).rowcount)

        return self._database.write(work)

    def variables(self, scope: VaultScope) -> Sequence[VariableEntry]:
        """By the primary key's first half."""
        with self._database.read() as connection:
            return [_variable(row) for row in connection.execute(_VARIABLES_OF, of(scope=scope.key))]

    def find_variable(self, scope: VaultScope, name: str) -> VariableEntry | None:
        """By the primary key."""
        with self._database.read() as connection:
            row = connection.execute(select(VARIABLES).where(_is(VARIABLES, scope, name))).first()
        return None if row is None else _variable(row)

    def choose_for_variable(self, scope: VaultScope, name: str, choose: Choose) -> bool:
        """As of secrets."""
        return self._choose(VARIABLES, scope, name, choose)

    def remove_variable(self, scope: VaultScope, name: str) -> bool:
        """The row goes."""
        return self._remove(VARIABLES, scope, name)

    # --- for jobs -------------------------------------------------------------------------------------------------------

    def secrets_for(
        self,
        repository: HostedRepository,
        environment: str | None,
        *,
        trusted: bool,
        names: Collection[str] | None = None,
        is_of_bots: bool = False,
    ) -> dict[str, str]:
        """Only what the job gets is decrypted."""
        if not trusted or (names is not None and not names):
            return {}
        wanted = None if names is None else {name.upper() for name in names}
        found: dict[str, Any] = {}
        with self._database.read() as connection:
            for scope in _scopes_of_bots(repository) if is_of_bots else _scopes_of(repository, environment):
                for row in connection.execute(_SECRETS_OF, of(scope=scope.key)).all():
                    is_wanted = wanted is None or row.name in wanted
                    if is_wanted and may_use(_secret(row), repository):
                        found[row.name] = row
            return {
                name: self._keys.unseal(connection, row.scope, name, Sealed(row.key, row.sealed))
                for name, row in sorted(found.items())
            }

    def variables_for(self, repository: HostedRepository, environment: str | None = None) -> dict[str, str]:
        """As secrets, from the farthest to the closest."""
        found: dict[str, str] = {}
        with self._database.read() as connection:
            for scope in _scopes_of(repository, environment):
                entries = [_variable(row) for row in connection.execute(_VARIABLES_OF, of(scope=scope.key))]
                found |= {entry.name: entry.value for entry in entries if may_use(entry, repository)}
        return dict(sorted(found.items()))

    # --- the server's own -----------------------------------------------------------------------------------------------

    def put_system(self, name: str, value: str, *, at: datetime) -> None:
        """As secrets of jobs."""

        def work(connection: Connection) -> bool:
            sealed = self._keys.seal(connection, SYSTEM.key, name, value, at)
            return _put(connection, SECRETS, SYSTEM, name, {"key": sealed.key, "sealed": sealed.data}, at, None, None)

        self._database.write(work)

    def find_system(self, name: str) -> str | None:
        """Decrypted at every call."""
        here = (SECRETS.c.scope == SYSTEM.key) & (SECRETS.c.name == name)
        with self._database.read() as connection:
            row = connection.execute(select(SECRETS).where(here)).first()
            return None if row is None else self._keys.unseal(connection, SYSTEM.key, name, Sealed(row.key, row.sealed))

    def remove_system(self, name: str) -> None:
        """The row goes."""
        here = (SECRETS.c.scope == SYSTEM.key) & (SECRETS.c.name == name)
        self._database.write(lambda connection: connection.execute(delete(SECRETS).where(here)))

    def replace_keys(self, at: datetime) -> str:
        """A new master key and a new data key for everything; gives the id of the master key. The former one is only good for backups
        from before. Raises `StoreError`; nothing has changed then.
        """
        return self._database.write(lambda connection: self._keys.replace(connection, at))

    # --- environments ---------------------------------------------------------------------------------------------------

    def environments(self, repository: HostedRepository) -> Sequence[Environment]:
        """By the index."""
        query = select(ENVIRONMENTS).where(ENVIRONMENTS.c.repository == repository.id).order_by(ENVIRONMENTS.c.key)
        with self._database.read() as connection:
            return [_environment(row) for row in connection.execute(query).all()]

    def find_environment(self, repository: HostedRepository, name: str) -> Environment | None:
        """By the unique index."""
        with self._database.read() as connection:
            return _find_environment(connection, repository, name)

    def add_environment(self, repository: HostedRepository, name: str, *, at: datetime) -> Environment:
        """Reads and writes in one transaction of the one writer."""
        if not name.strip() or len(name) > _LONGEST_ENVIRONMENT or not name.isprintable():
            raise VaultError(f"{name[:100]!r} is no name of an environment: 1 to {_LONGEST_ENVIRONMENT} characters")
        values = {
            "repository": repository.id,
            "key": name.lower(),
            "name": name,
            "created_at": at.isoformat(timespec="microseconds"),
        }

        def work(connection: Connection) -> Environment:
            found = _find_environment(connection, repository, name)
            if found is None:
                connection.execute(insert(ENVIRONMENTS).values(values))
                found = _find_environment(connection, repository, name)
            assert found is not None
            return found

        return self._database.write(work)

    def remove_environment(self, repository: HostedRepository, name: str) -> bool:
        """All three tables in one transaction."""
        scope = environment_scope(repository, name).key
        here = (ENVIRONMENTS.c.repository == repository.id) & (ENVIRONMENTS.c.key == name.lower())

        def work(connection: Connection) -> bool:
            for table in (SECRETS, VARIABLES):
                connection.execute(delete(table).where(table.c.scope == scope))
            return bool(connection.execute(delete(ENVIRONMENTS).where(here)).rowcount)

        return self._database.write(work)

    def forget_repository(self, repository: int) -> None:
        """Numbers of repositories are not given again; its secrets go all the same."""

        def work(connection: Connection) -> None:
            for table in (SECRETS, VARIABLES):
                of_environments = table.c.scope.startswith(f"environment:{repository}:", autoescape=True)
                own = (f"repository:{repository}", f"bots/repository:{repository}")
                connection.execute(delete(table).where(or_(table.c.scope.in_(own), of_environments)))
            connection.execute(delete(ENVIRONMENTS).where(ENVIRONMENTS.c.repository == repository))

        self._database.write(work)

    def _choose(self, table: Table, scope: VaultScope, name: str, choose: Choose) -> bool:
        here = _is(table, scope, name) & (table.c.visibility == "selected")

        def work(connection: Connection) -> bool:
            known = connection.execute(select(table.c.repositories).where(here)).scalar()
            if known is None:
                return False
            chosen = choose(frozenset(msgspec.msgpack.decode(known, type=tuple[int, ...])))
            connection.execute(update(table).where(here).values(repositories=_pack(chosen)))
            return True

        return self._database.write(work)

    def _remove(self, table: Table, scope: VaultScope, name: str) -> bool:
        query = delete(table).where(_is(table, scope, name))
        return self._database.write(lambda connection: bool(connection.execute(query).rowcount))


def _scopes_of(repository: HostedRepository, environment: str | None) -> list[VaultScope]:
    """From the farthest to the closest."""
    scopes = [organization_scope(repository.owner), repository_scope(repository)]
    return scopes if environment is None else [*scopes, environment_scope(repository, environment)]


def _scopes_of_bots(repository: HostedRepository) -> list[VaultScope]:
    """The same for the runs of update bots, which have nothing of environments."""
    return [msgspec.structs.replace(scope, is_of_bots=True) for scope in _scopes_of(repository, None)]


def _put(
    connection: Connection,
    table: Table,
    scope: VaultScope,
    name: str,
    values: dict[str, Any],
    at: datetime,
    visibility: Visibility | None,
    repositories: Collection[int] | None,
) -> bool:
    values = {**values, **_changes(at, visibility, repositories)}
    here = (table.c.scope == scope.key) & (table.c.name == name)
    if connection.execute(update(table).where(here).values(values)).rowcount:
        return False
    count = connection.execute(select(func.count()).select_from(table).where(table.c.scope == scope.key)).scalar() or 0
    most = _MOST.get((table.name, scope.kind))
    if most is not None and count >= most:
        raise VaultError(f"there are {most} {table.name} already, which is as many as there may be")
    fresh = {"scope": scope.key, "name": name, "created_at": values["updated_at"]}
    shared = {"visibility": "all", "repositories": _pack(())}
    connection.execute(insert(table).values({**shared, **values, **fresh}))
    return True


def _changes(at: datetime, visibility: Visibility | None, repositories: Collection[int] | None) -> dict[str, Any]:
    """What changes besides the value."""
    values: dict[str, Any] = {"updated_at": at.isoformat(timespec="microseconds")}
    if visibility is not None:
        values["visibility"] = visibility
    if repositories is not None:
        values["repositories"] = _pack(repositories)
    return values


def _check_free(connection: Connection, scope: VaultScope, name: str) -> None:
    query = select(VARIABLES.c.name).where(_is(VARIABLES, scope, name))
    if connection.execute(query).first() is not None:
        raise VariableTakenError(f"there is a variable {name} already")


def _is(table: Table, scope: VaultScope, name: str) -> Any:
    return (table.c.scope == scope.key) & (table.c.name == name.upper())


def _pack(repositories: Collection[int]) -> bytes:
    return msgspec.msgpack.encode(sorted(set(repositories)))


def _secret(row: Row[Any]) -> SecretEntry:
    return SecretEntry(
        name=row.name,
        visibility=cast("Visibility", row.visibility),
        repositories=msgspec.msgpack.decode(row.repositories, type=tuple[int, ...]),
        created_at=datetime.fromisoformat(row.created_at),
        updated_at=datetime.fromisoformat(row.updated_at),
    )


def _variable(row: Row[Any]) -> VariableEntry:
    return VariableEntry(
        name=row.name,
        value=row.value,
        visibility=cast("Visibility", row.visibility),
        repositories=msgspec.msgpack.decode(row.repositories, type=tuple[int, ...]),
        created_at=datetime.fromisoformat(row.created_at),
        updated_at=datetime.fromisoformat(row.updated_at),
    )


def _find_environment(connection: Connection, repository: HostedRepository, name: str) -> Environment | None:
    here = (ENVIRONMENTS.c.repository == repository.id) & (ENVIRONMENTS.c.key == name.lower())
    row = connection.execute(select(ENVIRONMENTS).where(here)).first()
    return None if row is None else _environment(row)


def _environment(row: Row[Any]) -> Environment:
    return Environment(id=row.id, name=row.name, created_at=datetime.fromisoformat(row.created_at))

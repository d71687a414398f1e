"""How secrets are encrypted, and what becomes of them when keys are replaced, lost or stolen."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select, update

from homeport.ports.directory import HostedRepository
from homeport.ports.repositories import StoreError
from homeport.ports.vault import SYSTEM, repository_scope
from homeport.store.key_files import load_or_make_key, read_key
from homeport.store.key_ring import KeyRing
from homeport.store.tables.database import Database
from homeport.store.tables.vault import SECRETS, VAULT_KEYS
from homeport.store.vault import TableVault
from tests.support.databases import open_database
from tests.support.plans import NOW

TOOLS = HostedRepository(id=1, owner="acme", name="tools")
SCOPE = repository_scope(TOOLS)
VALUE = "a value that is easily found again"


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with open_database(tmp_path) as database:
        yield database


def vault_in(database: Database, tmp_path: Path, *given: Path) -> TableVault:
    return TableVault(database, KeyRing(str(tmp_path / "keys"), [str(path) for path in given]))


def secrets_in(vault: TableVault) -> dict[str, str]:
    return vault.secrets_for(TOOLS, None, trusted=True)


def keys_in(folder: Path) -> list[Path]:
    return sorted((folder / "keys").glob("master-*.key"))


def test_no_file_of_the_server_holds_a_secret(database: Database, tmp_path: Path) -> None:
    vault = vault_in(database, tmp_path)
    vault.put_secret(SCOPE, "KEY", VALUE, at=NOW)
    vault.put_system("forge", VALUE + "!", at=NOW)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any(path.name.endswith("-wal") for path in files)
    for path in files:
        assert VALUE.encode() not in path.read_bytes()
    database.close()
    assert VALUE.encode() not in (tmp_path / "homeport.db").read_bytes()


def test_the_master_key_is_beside_the_database_and_its_owners_only(database: Database, tmp_path: Path) -> None:
    vault_in(database, tmp_path).put_secret(SCOPE, "KEY", VALUE, at=NOW)
    (path,) = keys_in(tmp_path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert (
        read_key(str(path)) not in (tmp_path / "homeport.db").read_bytes() + (tmp_path / "homeport.db-wal").read_bytes()
    )


def test_without_the_master_key_nothing_can_be_read(database: Database, tmp_path: Path) -> None:
    vault_in(database, tmp_path).put_secret(SCOPE, "KEY", VALUE, at=NOW)
    (path,) = keys_in(tmp_path)
    path.unlink()
    with pytest.raises(StoreError, match="master key"):
        secrets_in(vault_in(database, tmp_path))


def test_a_key_that_others_can_read_is_refused(database: Database, tmp_path: Path) -> None:
    vault_in(database, tmp_path).put_secret(SCOPE, "KEY", VALUE, at=NOW)
    (path,) = keys_in(tmp_path)
    path.chmod(0o640)
    with pytest.raises(StoreError, match="chmod 600"):
        secrets_in(vault_in(database, tmp_path))


@pytest.mark.parametrize("change", [{"scope": "repository:2"}, {"name": "OTHER"}])
def test_a_secret_that_is_moved_to_another_row_cannot_be_read(
    database: Database, tmp_path: Path, change: dict[str, str]
) -> None:
    """Whoever can write in the database gives no repository another one's secret."""
    vault = vault_in(database, tmp_path)
    vault.put_secret(SCOPE, "KEY", VALUE, at=NOW)
    database.write(lambda connection: connection.execute(update(SECRETS).values(change)))
    other = HostedRepository(id=2, owner="acme", name="other")
    with pytest.raises(StoreError, match="changed"):
        vault.secrets_for(other if "scope" in change else TOOLS, None, trusted=True)


def test_a_secret_that_was_changed_cannot_be_read(database: Database, tmp_path: Path) -> None:
    vault = vault_in(database, tmp_path)
    vault.put_secret(SCOPE, "KEY", VALUE, at=NOW)
    with database.read() as connection:
        sealed = connection.execute(select(SECRETS.c.sealed)).scalar_one()
    for place in (0, 12, len(sealed) - 1):
        changed = bytearray(sealed)
        changed[place] ^= 1
        database.write(lambda connection, data=bytes(changed): connection.execute(update(SECRETS).values(sealed=data)))  # type: ignore[misc]
        with pytest.raises(StoreError, match="changed"):
            secrets_in(vault)


def test_the_same_value_never_looks_the_same(database: Database, tmp_path: Path) -> None:
    vault = vault_in(database, tmp_path)
    sealed = set()
    for number in range(20):
        vault.put_secret(SCOPE, "KEY", VALUE, at=NOW)
        with database.read() as connection:
            sealed.add(connection.execute(select(SECRETS.c.sealed)).scalar_one())
        assert len(sealed) == number + 1


# --- replacing keys -----------------------------------------------------------------------------------------------------


def test_replaced_keys_read_everything_and_a_server_that_runs_goes_on(database: Database, tmp_path: Path) -> None:
    running, command = vault_in(database, tmp_path), vault_in(database, tmp_path)
    running.put_secret(SCOPE, "FIRST", VALUE, at=NOW)
    running.put_system("forge", "token", at=NOW)
    (former,) = keys_in(tmp_path)
    new = command.replace_keys(NOW)
    assert KeyRing(str(tmp_path / "keys")).path_of(new) != str(former)
    assert secrets_in(running) == secrets_in(command) == {"FIRST": VALUE}
    running.put_secret(SCOPE, "SECOND", "after", at=NOW)
    former.unlink()
    fresh = vault_in(database, tmp_path)
    assert secrets_in(fresh) == {"FIRST": VALUE, "SECOND": "after"}
    assert fresh.find_system("forge") == "token"
    with database.read() as connection:
        assert connection.execute(select(VAULT_KEYS.c.master)).scalars().all() == [new]
        assert set(connection.execute(select(SECRETS.c.key)).scalars()) == {2}
        assert SYSTEM.key in set(connection.execute(select(SECRETS.c.scope)).scalars())


def test_a_replacement_that_fails_changes_nothing(database: Database, tmp_path: Path) -> None:
    vault = vault_in(database, tmp_path)
    vault.put_secret(SCOPE, "A", VALUE, at=NOW)
    vault.put_secret(SCOPE, "B", VALUE, at=NOW)
    here = SECRETS.c.name == "B"
    database.write(lambda connection: connection.execute(update(SECRETS).where(here).values(sealed=b"x" * 40)))
    with pytest.raises(StoreError):
        vault.replace_keys(NOW)
    assert vault.secrets_for(TOOLS, None, trusted=True, names=["A"]) == {"A": VALUE}
    vault.put_secret(SCOPE, "B", "again", at=NOW)
    assert secrets_in(vault) == {"A": VALUE, "B": "again"}


def test_keys_may_be_kept_elsewhere_and_moved_there(database: Database, tmp_path: Path) -> None:
    vault_in(database, tmp_path).put_secret(SCOPE, "KEY", VALUE, at=NOW)
    elsewhere = tmp_path / "elsewhere" / "key"
    load_or_make_key(str(elsewhere))
    given = vault_in(database, tmp_path, elsewhere)
    assert secrets_in(given) == {"KEY": VALUE}
    given.replace_keys(NOW)
    for path in keys_in(tmp_path):
        path.unlink()
    assert secrets_in(vault_in(database, tmp_path, elsewhere)) == {"KEY": VALUE}
    with pytest.raises(StoreError, match="HOMEPORT_MASTER_KEY"):
        secrets_in(vault_in(database, tmp_path))


def test_a_given_key_leaves_none_in_the_folder(database: Database, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere" / "key"
    load_or_make_key(str(elsewhere))
    vault_in(database, tmp_path, elsewhere).put_secret(SCOPE, "KEY", VALUE, at=NOW)
    assert keys_in(tmp_path) == []


@pytest.mark.parametrize("text", [b"", b"short", b"!" * 44, b"QUJD"])
def test_what_is_no_key_is_refused(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "key"
    path.write_bytes(text)
    path.chmod(0o600)
    with pytest.raises(StoreError, match="no key"):
        read_key(str(path))


def test_a_key_is_made_once_whoever_asks(tmp_path: Path) -> None:
    path = str(tmp_path / "keys" / "audit.key")
    assert load_or_make_key(path) == load_or_make_key(path)
    assert os.listdir(tmp_path / "keys") == ["audit.key"]

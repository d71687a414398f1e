"""What every `Vault` promises."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from homeport.ports.directory import HostedRepository
from homeport.ports.vault import (
    LARGEST_VALUE,
    VariableTakenError,
    Vault,
    VaultError,
    VaultScope,
    environment_scope,
    organization_scope,
    repository_scope,
)
from homeport.store.key_ring import KeyRing
from homeport.store.tables.database import Database
from homeport.store.vault import TableVault
from tests.support.plans import NOW

TOOLS = HostedRepository(id=1, owner="Acme", name="tools", is_private=True)
SITE = HostedRepository(id=12, owner="acme", name="site", is_private=False)
LATER = NOW + timedelta(hours=1)
OWNER, TOOLS_SCOPE, LIVE = organization_scope("acme"), repository_scope(TOOLS), environment_scope(TOOLS, "Live")


@pytest.fixture
def vault(database: Database, tmp_path: Path) -> Vault:
    return TableVault(database, KeyRing(str(tmp_path / "keys")))


def put(vault: Vault, scope: VaultScope, **values: str) -> None:
    for name, value in values.items():
        vault.put_secret(scope, name, value, at=NOW)
        vault.put_variable(scope, name, value, at=NOW)


def test_the_closest_scope_counts(vault: Vault) -> None:
    put(vault, OWNER, A="owner", B="owner", C="owner")
    put(vault, TOOLS_SCOPE, b="repository", c="repository")
    put(vault, LIVE, C="environment")
    everywhere = {"A": "owner", "B": "repository", "C": "repository"}
    assert vault.secrets_for(TOOLS, None, trusted=True) == everywhere
    assert vault.variables_for(TOOLS) == everywhere
    assert vault.secrets_for(TOOLS, "LIVE", trusted=True) == {**everywhere, "C": "environment"}
    assert vault.variables_for(TOOLS, "live") == {**everywhere, "C": "environment"}
    assert vault.secrets_for(SITE, "live", trusted=True) == {"A": "owner", "B": "owner", "C": "owner"}


def test_what_is_not_trusted_gets_no_secret(vault: Vault) -> None:
    put(vault, OWNER, A="owner")
    assert vault.secrets_for(TOOLS, None, trusted=False) == {}


def test_a_job_gets_what_it_names(vault: Vault) -> None:
    put(vault, TOOLS_SCOPE, A="1", B="2", C="3")
    assert vault.secrets_for(TOOLS, None, trusted=True, names={"b", "none"}) == {"B": "2"}
    assert vault.secrets_for(TOOLS, None, trusted=True, names=()) == {}


def test_an_organisation_says_who_may_use_what_is_its(vault: Vault) -> None:
    for name, visibility in (("FOR_ALL", "all"), ("FOR_PRIVATE", "private"), ("FOR_CHOSEN", "selected")):
        for put_one in (vault.put_secret, vault.put_variable):
            put_one(OWNER, name, "x", at=NOW, visibility=visibility, repositories=[SITE.id])  # type: ignore[arg-type]
    assert sorted(vault.secrets_for(TOOLS, None, trusted=True)) == ["FOR_ALL", "FOR_PRIVATE"]
    assert sorted(vault.secrets_for(SITE, None, trusted=True)) == ["FOR_ALL", "FOR_CHOSEN"]
    assert sorted(vault.variables_for(TOOLS)) == ["FOR_ALL", "FOR_PRIVATE"]
    assert vault.share_secret(OWNER, "for_chosen", "selected", [TOOLS.id])
    assert sorted(vault.secrets_for(SITE, None, trusted=True)) == ["FOR_ALL"]
    assert not vault.share_secret(OWNER, "none", "all", [])


def test_one_more_repository_may_use_it_or_one_less(vault: Vault) -> None:
    for put_one, choose in (
        (vault.put_secret, vault.choose_for_secret),
        (vault.put_variable, vault.choose_for_variable),
    ):
        put_one(OWNER, "KEY", "x", at=NOW, visibility="selected", repositories=[SITE.id])
        put_one(OWNER, "OF_ALL", "x", at=NOW)
        assert choose(OWNER, "key", lambda known: known | {TOOLS.id})
        assert not choose(OWNER, "OF_ALL", lambda known: known)
        assert not choose(OWNER, "NONE", lambda known: known)
    assert sorted(vault.secrets_for(TOOLS, None, trusted=True)) == ["KEY", "OF_ALL"]
    assert vault.choose_for_secret(OWNER, "KEY", lambda known: known - {TOOLS.id})
    assert sorted(vault.secrets_for(TOOLS, None, trusted=True)) == ["OF_ALL"]
    assert sorted(vault.variables_for(TOOLS)) == ["KEY", "OF_ALL"]


def test_update_bots_have_secrets_of_their_own(vault: Vault) -> None:
    put(vault, TOOLS_SCOPE, KEY="1")
    put(vault, msgspec.structs.replace(OWNER, is_of_bots=True), KEY="2", FEED="3")
    put(vault, msgspec.structs.replace(TOOLS_SCOPE, is_of_bots=True), KEY="4")
    assert vault.secrets_for(TOOLS, "prod", trusted=True) == {"KEY": "1"}
    assert vault.secrets_for(TOOLS, "prod", trusted=True, is_of_bots=True) == {"FEED": "3", "KEY": "4"}
    vault.forget_repository(TOOLS.id)
    assert vault.secrets_for(TOOLS, None, trusted=True, is_of_bots=True) == {"FEED": "3", "KEY": "2"}


def test_a_value_is_replaced_and_what_is_not_said_stays(vault: Vault) -> None:
    assert vault.put_secret(OWNER, "Key", "1", at=NOW, visibility="selected", repositories=[12, 3])
    assert not vault.put_secret(OWNER, "KEY", "2", at=LATER)
    (entry,) = vault.secrets(OWNER)
    assert (entry.name, entry.visibility, entry.repositories) == ("KEY", "selected", (3, 12))
    assert (entry.created_at, entry.updated_at) == (NOW, LATER)
    assert vault.find_secret(OWNER, "key") == entry
    assert vault.secrets_for(SITE, None, trusted=True) == {"KEY": "2"}


def test_a_secret_is_listed_without_its_value(vault: Vault) -> None:
    vault.put_secret(OWNER, "KEY", "the value", at=NOW)
    assert "the value" not in msgspec.json.encode(list(vault.secrets(OWNER))).decode()


def test_variables_are_listed_with_their_values(vault: Vault) -> None:
    assert vault.put_variable(TOOLS_SCOPE, "level", "info", at=NOW)
    assert not vault.put_variable(TOOLS_SCOPE, "LEVEL", "debug", at=LATER)
    assert [(each.name, each.value) for each in vault.variables(TOOLS_SCOPE)] == [("LEVEL", "debug")]
    found = vault.find_variable(TOOLS_SCOPE, "Level")
    assert found is not None
    assert found.updated_at == LATER


def test_of_several_that_make_a_variable_at_once_one_does(vault: Vault) -> None:
    def make(value: str) -> bool:
        try:
            return vault.put_variable(TOOLS_SCOPE, "level", value, at=NOW, must_be_new=True)
        except VariableTakenError:
            return False

    values = [str(number) for number in range(16)]
    with ThreadPoolExecutor(len(values)) as pool:
        made = list(pool.map(make, values))
    (entry,) = vault.variables(TOOLS_SCOPE)
    assert [value for value, was_made in zip(values, made, strict=True) if was_made] == [entry.value]


def test_of_several_that_take_a_name_at_once_one_gets_it(vault: Vault) -> None:
    for number in range(16):
        vault.put_variable(TOOLS_SCOPE, f"V{number}", str(number), at=NOW)

    def rename(number: int) -> bool:
        try:
            return vault.change_variable(TOOLS_SCOPE, f"V{number}", new_name="level", at=LATER)
        except VariableTakenError:
            return False

    with ThreadPoolExecutor(16) as pool:
        renamed = list(pool.map(rename, range(16)))
    found = vault.find_variable(TOOLS_SCOPE, "LEVEL")
    assert found is not None
    assert [number for number in range(16) if renamed[number]] == [int(found.value)]
    assert len(vault.variables(TOOLS_SCOPE)) == 16


def test_a_variable_that_is_renamed_stays_the_same_one(vault: Vault) -> None:
    vault.put_variable(OWNER, "SIZE", "1", at=NOW, visibility="selected", repositories=[SITE.id])
    assert vault.change_variable(OWNER, "size", new_name="Length", at=LATER)
    (entry,) = vault.variables(OWNER)
    assert (entry.name, entry.value, entry.visibility, entry.repositories) == ("LENGTH", "1", "selected", (SITE.id,))
    assert (entry.created_at, entry.updated_at) == (NOW, LATER)
    assert not vault.change_variable(OWNER, "SIZE", value="2", at=LATER)
    assert vault.change_variable(OWNER, "LENGTH", new_name="length", value="2", visibility="all", at=LATER)
    assert vault.variables_for(TOOLS) == {"LENGTH": "2"}
    with pytest.raises(VaultError, match="no name"):
        vault.change_variable(OWNER, "LENGTH", new_name="GITHUB_X", at=LATER)
    with pytest.raises(VaultError, match="no value"):
        vault.change_variable(OWNER, "LENGTH", value="", at=LATER)


def test_what_is_removed_is_gone(vault: Vault) -> None:
    put(vault, TOOLS_SCOPE, A="1")
    assert vault.remove_secret(TOOLS_SCOPE, "a")
    assert vault.remove_variable(TOOLS_SCOPE, "a")
    assert not vault.remove_secret(TOOLS_SCOPE, "a")
    assert not vault.remove_variable(TOOLS_SCOPE, "a")
    assert vault.secrets_for(TOOLS, None, trusted=True) == vault.variables_for(TOOLS) == {}


@pytest.mark.parametrize(
    "name", ["", "1A", "A B", "A-B", "GITHUB_TOKEN", "github_x", "Ä", "A\n", "A" * 256, "A=B", "A/B"]
)
def test_what_is_no_name_is_refused(vault: Vault, name: str) -> None:
    with pytest.raises(VaultError, match="no name"):
        vault.put_secret(TOOLS_SCOPE, name, "x", at=NOW)
    with pytest.raises(VaultError, match="no name"):
        vault.put_variable(TOOLS_SCOPE, name, "x", at=NOW)


@pytest.mark.parametrize("value", ["", "x" * (LARGEST_VALUE + 1), "ä" * (LARGEST_VALUE // 2 + 1), "a\0b", "\ud800"])
def test_what_is_no_value_is_refused_without_repeating_it(vault: Vault, value: str) -> None:
    for put_one in (vault.put_secret, vault.put_variable):
        with pytest.raises(VaultError, match="NAME") as caught:
            put_one(TOOLS_SCOPE, "NAME", value, at=NOW)
        assert len(str(caught.value)) < 200
        assert not value or value not in str(caught.value)


@pytest.mark.parametrize("value", ["x" * LARGEST_VALUE, "two\nlines\r\n", " \t", "zażółć 🔑", "'\"$(`\\"])
def test_a_value_comes_back_as_it_was(vault: Vault, value: str) -> None:
    put(vault, TOOLS_SCOPE, A=value)
    assert vault.secrets_for(TOOLS, None, trusted=True) == vault.variables_for(TOOLS) == {"A": value}


def test_there_are_not_more_than_github_takes(vault: Vault) -> None:
    for number in range(100):
        vault.put_secret(LIVE, f"S{number}", "x", at=NOW)
    with pytest.raises(VaultError, match="100 secrets"):
        vault.put_secret(LIVE, "ONE_MORE", "x", at=NOW)
    assert not vault.put_secret(LIVE, "s1", "y", at=NOW)


def test_what_the_server_keeps_for_itself_is_no_jobs(vault: Vault) -> None:
    vault.put_system("forge/server/https://github.com", "token", at=NOW)
    vault.put_system("forge/server/https://github.com", "newer", at=NOW)
    assert vault.find_system("forge/server/https://github.com") == "newer"
    assert vault.secrets_for(TOOLS, "system", trusted=True) == {}
    vault.remove_system("forge/server/https://github.com")
    vault.remove_system("forge/server/https://github.com")
    assert vault.find_system("forge/server/https://github.com") is None


def test_environments_are_made_once_and_go_with_what_is_theirs(vault: Vault) -> None:
    live = vault.add_environment(TOOLS, "Live / EU", at=NOW)
    assert vault.add_environment(TOOLS, "live / eu", at=LATER) == live == vault.find_environment(TOOLS, "LIVE / EU")
    vault.add_environment(TOOLS, "dev", at=NOW)
    assert [each.name for each in vault.environments(TOOLS)] == ["dev", "Live / EU"]
    assert list(vault.environments(SITE)) == []
    put(vault, environment_scope(TOOLS, "live / EU"), A="1")
    assert vault.remove_environment(TOOLS, "LIVE / eu")
    assert not vault.remove_environment(TOOLS, "Live / EU")
    assert vault.secrets_for(TOOLS, "Live / EU", trusted=True) == {}


@pytest.mark.parametrize("name", ["", " ", "x" * 256, "a\nb"])
def test_what_is_no_name_of_an_environment_is_refused(vault: Vault, name: str) -> None:
    with pytest.raises(VaultError, match="environment"):
        vault.add_environment(TOOLS, name, at=NOW)


def test_a_repository_that_is_forgotten_takes_what_is_its_own_and_no_more(vault: Vault) -> None:
    live = environment_scope(SITE, "live")
    for scope in (OWNER, TOOLS_SCOPE, LIVE, repository_scope(SITE), live):
        put(vault, scope, A=scope.key)
    vault.add_environment(TOOLS, "Live", at=NOW)
    vault.forget_repository(TOOLS.id)
    assert vault.secrets_for(TOOLS, "live", trusted=True) == {"A": OWNER.key}
    assert vault.secrets_for(SITE, "live", trusted=True) == vault.variables_for(SITE, "live") == {"A": live.key}
    assert list(vault.environments(TOOLS)) == []

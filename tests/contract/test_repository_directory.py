"""What every `RepositoryDirectory` promises."""

from concurrent.futures import ThreadPoolExecutor

import msgspec
import pytest

from homeport.ports.directory import RESERVED_OWNERS, DirectoryError, HostedRepository, RepositoryDirectory
from homeport.store.tables.database import Database
from homeport.store.tables.directory import TableDirectory

SHOP = HostedRepository(id=0, owner="Acme", name="shop")


@pytest.fixture
def directory(database: Database) -> RepositoryDirectory:
    return TableDirectory(database)


def test_an_added_repository_is_found_in_any_case(directory: RepositoryDirectory) -> None:
    added = directory.add(SHOP)
    assert added.id > 0
    assert directory.find("aCME/SHOP") == added == directory.get(added.id)
    assert directory.find("acme/shops") is None
    assert directory.get(added.id + 1) is None


def test_repositories_are_listed_by_name_whatever_its_case(directory: RepositoryDirectory) -> None:
    for name in ("b", "A", "c"):
        directory.add(msgspec.structs.replace(SHOP, name=name))
    assert [one.name for one in directory.list()] == ["A", "b", "c"]


def test_a_name_is_taken_once_in_any_case(directory: RepositoryDirectory) -> None:
    directory.add(SHOP)
    with pytest.raises(DirectoryError, match="there is a repository"):
        directory.add(HostedRepository(id=0, owner="acme", name="SHOP"))


def test_renaming_keeps_the_number_and_frees_the_name(directory: RepositoryDirectory) -> None:
    added = directory.add(SHOP)
    directory.change(added.id, lambda known: msgspec.structs.replace(known, name="store"))
    assert directory.find("acme/shop") is None
    renamed = directory.find("acme/store")
    assert renamed is not None
    assert renamed.id == added.id
    assert directory.add(SHOP).id != added.id


def test_renaming_onto_another_repository_is_refused(directory: RepositoryDirectory) -> None:
    directory.add(SHOP)
    other = directory.add(msgspec.structs.replace(SHOP, name="other"))
    with pytest.raises(DirectoryError, match="there is a repository"):
        directory.change(other.id, lambda known: msgspec.structs.replace(known, name="Shop"))


def test_what_is_not_there_cannot_be_changed(directory: RepositoryDirectory) -> None:
    with pytest.raises(DirectoryError, match="no repository"):
        directory.change(77, lambda known: known)


def test_of_changes_at_once_all_count(directory: RepositoryDirectory) -> None:
    added = directory.add(SHOP)

    def lengthen(known: HostedRepository) -> HostedRepository:
        settings = msgspec.structs.replace(known.settings, status_prefix=known.settings.status_prefix + "x")
        return msgspec.structs.replace(known, settings=settings)

    with ThreadPoolExecutor(8) as pool:
        prefixes = [
            changed.settings.status_prefix
            for changed in pool.map(lambda _: directory.change(added.id, lengthen), range(40))
        ]
    assert sorted(map(len, prefixes)) == list(range(1, 41))


def test_a_removed_repositorys_number_is_not_given_again(directory: RepositoryDirectory) -> None:
    added = directory.add(SHOP)
    directory.remove(added.id)
    directory.remove(added.id)
    assert directory.find("acme/shop") is None
    assert directory.add(SHOP).id > added.id


@pytest.mark.parametrize(
    "owner", ["", ".", "..", "-x", "a/b", "a b", "ä", "a\n", "x" * 101, "a.", *sorted(RESERVED_OWNERS)]
)
def test_owners_that_are_no_names_or_reserved_are_refused(directory: RepositoryDirectory, owner: str) -> None:
    with pytest.raises(DirectoryError, match="cannot be an owner"):
        directory.add(HostedRepository(id=0, owner=owner.upper(), name="shop"))


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a b", "x.git", "x.GIT", "x.wiki", "a\0", "x" * 101, "$(id)"])
def test_names_that_are_no_names_are_refused(directory: RepositoryDirectory, name: str) -> None:
    with pytest.raises(DirectoryError, match="cannot be a repository"):
        directory.add(HostedRepository(id=0, owner="acme", name=name))


def test_a_name_may_begin_with_a_dot(directory: RepositoryDirectory) -> None:
    assert directory.add(HostedRepository(id=0, owner="acme", name=".github")).name == ".github"

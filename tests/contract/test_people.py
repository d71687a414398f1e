"""What every `People` promises."""

from collections.abc import Callable
from datetime import timedelta
from threading import Barrier, Thread

import msgspec
import pytest

from homeport.ports.people import Link, People, PeopleError, Session, Token, User
from homeport.store.tables.database import Database
from homeport.store.tables.people import TablePeople
from tests.support.plans import NOW

LATER = NOW + timedelta(hours=1)


@pytest.fixture
def people(database: Database) -> People:
    return TablePeople(database)


def add(people: People, login: str, *, is_administrator: bool = False) -> User:
    return people.add(login, name="", is_administrator=is_administrator, at=NOW)


def token_of(user: User, **changes: object) -> Token:
    token = Token(id=0, user=user.id, name="laptop", scopes=frozenset({"read", "write"}), created_at=NOW)
    return msgspec.structs.replace(token, **changes)


def session_of(user: User, digest: bytes) -> Session:
    return Session(digest=digest, user=user.id, created_at=NOW, expires_at=LATER, seen_at=NOW, address="192.0.2.1")


def test_a_login_is_found_in_any_case_and_taken_once(people: People) -> None:
    ada = add(people, "Ada")
    assert people.find("aDA") == people.get(ada.id) == ada
    with pytest.raises(PeopleError, match="already"):
        add(people, "ADA")
    assert people.find("nobody") is None


@pytest.mark.parametrize("login", ["", "a b", "-ada", "ada-", "a/b", "a" * 40, "ädä", "*", "a\n"])
def test_what_is_no_login_is_refused(people: People, login: str) -> None:
    with pytest.raises(PeopleError, match="no login"):
        add(people, login)
    assert list(people.list()) == []


def test_roles_are_given_changed_and_taken_away(people: People) -> None:
    ada = add(people, "ada")
    people.set_role(ada.id, "Acme", "reader")
    people.set_role(ada.id, "acme/Tools", "maintainer")
    people.set_role(ada.id, "acme", "writer")
    found = people.get(ada.id)
    assert found is not None
    assert dict(found.roles) == {"acme": "writer", "acme/tools": "maintainer"}
    people.set_role(ada.id, "acme", None)
    assert [dict(user.roles) for user in people.list()] == [{"acme/tools": "maintainer"}]


def test_a_repository_that_is_gone_leaves_no_role_behind(people: People) -> None:
    ada = add(people, "ada")
    for target in ("acme", "acme/tools", "acme/tools2"):
        people.set_role(ada.id, target, "reader")
    people.forget_target("Acme/Tools")
    assert [sorted(user.roles) for user in people.list()] == [["acme", "acme/tools2"]]


@pytest.mark.parametrize("target", ["", "a/b/c", "acme/", "**", "a b"])
def test_what_is_no_target_of_a_role_is_refused(people: People, target: str) -> None:
    with pytest.raises(PeopleError, match="neither"):
        people.set_role(add(people, "ada").id, target, "reader")


def test_a_password_is_kept_apart_and_ends_all_sessions(people: People) -> None:
    ada = add(people, "ada")
    assert people.password_hash(ada.id) is None
    people.open_session(session_of(ada, b"1" * 32))
    people.set_password(ada.id, "the hash")
    assert people.password_hash(ada.id) == "the hash"
    assert people.find_session(b"1" * 32) is None
    found = people.get(ada.id)
    assert found is not None
    assert found.has_password
    assert b"the hash" not in msgspec.json.encode(found)


def test_the_last_administrator_stays(people: People) -> None:
    ada, bob = add(people, "ada", is_administrator=True), add(people, "bob", is_administrator=True)
    people.set_password(ada.id, "x")
    for is_administrator, is_active in ((False, None), (None, False)):
        with pytest.raises(PeopleError, match="no administrator"):
            people.change(ada.id, name=None, is_administrator=is_administrator, is_active=is_active)
    with pytest.raises(PeopleError, match="no administrator"):
        people.remove(ada.id)
    assert people.get(ada.id) == msgspec.structs.replace(ada, has_password=True)
    people.set_password(bob.id, "y")
    people.remove(ada.id)
    assert people.find("ada") is None


def test_one_who_is_suspended_is_signed_out(people: People) -> None:
    ada = add(people, "ada")
    people.open_session(session_of(ada, b"1" * 32))
    people.change(ada.id, name="Ada L.", is_administrator=None, is_active=False)
    assert people.find_session(b"1" * 32) is None
    found = people.get(ada.id)
    assert found is not None
    assert (found.name, found.is_active) == ("Ada L.", False)


def test_tokens_are_found_by_digest_noted_and_removed(people: People) -> None:
    ada = add(people, "ada")
    token = people.add_token(token_of(ada, target="Acme/Tools", expires_at=LATER), b"d" * 32)
    assert token.target == "acme/tools"
    assert people.find_token(b"d" * 32) == (ada, token)
    assert people.find_token(b"e" * 32) is None
    people.use_token(token.id, LATER)
    people.set_role(ada.id, "acme", "reader")  # durable after it
    assert [each.used_at for each in people.tokens(ada.id)] == [LATER]
    people.remove_token(token.id)
    people.remove_token(token.id)
    assert people.find_token(b"d" * 32) is None
    assert list(people.tokens(None)) == []


@pytest.mark.parametrize(
    "change", [{"name": " "}, {"scopes": frozenset()}, {"scopes": frozenset({"root"})}, {"target": "a b"}]
)
def test_a_token_that_makes_no_sense_is_refused(people: People, change: dict[str, object]) -> None:
    with pytest.raises(PeopleError):
        people.add_token(token_of(add(people, "ada"), **change), b"d" * 32)


def test_who_is_removed_takes_everything_along(people: People) -> None:
    ada = add(people, "ada")
    people.add_token(token_of(ada), b"d" * 32)
    people.open_session(session_of(ada, b"1" * 32))
    people.add_link(Link(digest=b"l" * 32, user=ada.id, expires_at=LATER))
    people.remove(ada.id)
    assert people.find_token(b"d" * 32) is None
    assert people.find_session(b"1" * 32) is None
    assert people.find_link(b"l" * 32, NOW) is None


def test_sessions_are_listed_seen_and_closed(people: People) -> None:
    ada = add(people, "ada")
    first, second = session_of(ada, b"1" * 32), session_of(ada, b"2" * 32)
    second = msgspec.structs.replace(second, created_at=LATER)
    people.open_session(first)
    people.open_session(second)
    assert list(people.sessions(ada.id)) == [second, first]
    people.see_session(first.digest, LATER, LATER)
    people.close_session(second.digest)
    people.close_session(second.digest)
    assert [(each.digest, each.seen_at) for each in people.sessions(ada.id)] == [(first.digest, LATER)]
    people.close_sessions(ada.id)
    assert list(people.sessions(ada.id)) == []


def test_a_link_is_good_once_and_for_its_time(people: People) -> None:
    link = Link(digest=b"l" * 32, user=None, expires_at=LATER)
    people.add_link(link)
    assert people.find_link(link.digest, NOW) == link
    assert people.find_link(link.digest, LATER) is None
    assert people.take_link(link.digest, NOW) == link
    assert people.take_link(link.digest, NOW) is None


def test_a_newer_link_takes_the_place_of_the_former(people: People) -> None:
    ada = add(people, "ada")
    for digest, user in ((b"1" * 32, None), (b"2" * 32, ada.id), (b"3" * 32, None)):
        people.add_link(Link(digest=digest, user=user, expires_at=LATER))
    assert [people.find_link(digest * 32, NOW) is not None for digest in (b"1", b"2", b"3")] == [False, True, True]


def test_one_of_many_gets_a_link(people: People) -> None:
    people.add_link(Link(digest=b"l" * 32, user=None, expires_at=LATER))
    barrier, taken = Barrier(8), []

    def take() -> None:
        barrier.wait()
        taken.append(people.take_link(b"l" * 32, NOW))

    threads = [Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len([link for link in taken if link is not None]) == 1


def test_what_is_over_is_forgotten(people: People) -> None:
    ada = add(people, "ada")
    people.open_session(session_of(ada, b"1" * 32))
    people.add_link(Link(digest=b"l" * 32, user=None, expires_at=LATER))
    people.forget_old(NOW)
    assert people.find_session(b"1" * 32) is not None
    people.forget_old(LATER + timedelta(seconds=1))
    assert people.find_session(b"1" * 32) is None


def test_every_change_that_matters_is_a_new_version(people: People) -> None:
    ada = add(people, "ada")
    versions = [people.version]
    changes: tuple[Callable[[], None], ...] = (
        lambda: people.set_role(ada.id, "acme", "reader"),
        lambda: people.set_password(ada.id, "x"),
        lambda: people.close_sessions(ada.id),
        lambda: people.remove_token(1),
        lambda: people.change(ada.id, name="Ada", is_administrator=None, is_active=None),
    )
    for change in changes:
        change()
        versions.append(people.version)
    assert versions == sorted(set(versions))

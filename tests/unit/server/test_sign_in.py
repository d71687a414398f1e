"""Signing in: passwords, cookies, one-time links, and what is kept from those who try."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from httpx import Client, Response

from homeport.server.auth import COOKIE, SECURE_COOKIE
from homeport.server.credentials import digest_of
from homeport.server.limits import LIMITS
from homeport.server.sessions import SignInError, Visitor
from homeport.server.sign_in import local_target
from tests.support.access import PASSWORD, House, open_house


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with open_house(tmp_path) as house:
        yield house


def sign_in(client: Client, login: str = "ada", password: str = PASSWORD, **more: str) -> Response:
    return client.post("/login", data={"login": login, "password": password, **more})


def who(client: Client) -> str:
    return str(client.get("/whoami").json()["login"])


def test_who_knows_the_password_is_signed_in(house: House) -> None:
    house.add("Ada")
    client = house.client()
    assert who(client) == ""
    response = sign_in(client, next="/acme/tools")
    assert (response.status_code, response.headers["location"]) == (303, "/acme/tools")
    assert who(client) == "Ada"


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(house: House) -> None:
    house.add("ada")
    cookie = sign_in(house.client()).headers["set-cookie"].lower()
    assert cookie.startswith(COOKIE + "=")
    assert {"httponly", "samesite=lax", "path=/"} <= {part.strip() for part in cookie.split(";")}


def test_under_https_the_cookie_goes_nowhere_else(tmp_path: Path) -> None:
    with open_house(tmp_path, "https://ci.example") as house:
        house.add("ada")
        client = house.client()
        response = sign_in(client)
        cookie = response.headers["set-cookie"]
        assert cookie.startswith(SECURE_COOKIE + "=")
        assert "Secure" in cookie
        assert "Domain" not in cookie
        assert "max-age" in response.headers["strict-transport-security"]
        assert who(client) == "ada"


@pytest.mark.parametrize(
    ("login", "password"), [("ada", "wrong password"), ("nobody", PASSWORD), ("", ""), ("ada", "")]
)
def test_what_is_wrong_is_not_told_apart(house: House, login: str, password: str) -> None:
    house.add("ada")
    response = sign_in(house.client(), login, password)
    assert response.headers["location"] == "/login?problem=wrong&next=%2F"
    assert "set-cookie" not in response.headers
    assert house.actions()[-1] == "session.refused"


def test_somebody_who_is_not_there_takes_a_hash_to_refuse_too(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.add("ada")
    checked: list[str] = []
    hasher = house.access.sessions._passwords._hasher
    original = type(hasher).verify

    def verify(own: PasswordHasher, kept: str, given: str) -> bool:
        checked.append(kept)
        return original(own, kept, given)

    # the time itself cannot be measured here without being wrong now and then; what takes it can be counted
    monkeypatch.setattr(type(hasher), "verify", verify)
    for login in ("ada", "nobody"):
        with pytest.raises(SignInError):
            house.access.sessions.sign_in(login, "wrong", Visitor())
    assert len(checked) == 2
    assert {kept.rpartition("$")[0].rpartition("$")[0] for kept in checked} == {"$argon2id$v=19$m=19456,t=2,p=1"}


def test_a_session_that_was_prepared_is_not_the_one_that_goes_on(house: House) -> None:
    """Session fixation: an attacker makes a browser use a session that he knows."""
    house.add("ada")
    house.add("mallory")
    attacker, victim = house.client(), house.client()
    sign_in(attacker, "mallory")
    known = attacker.cookies[COOKIE]
    victim.cookies.set(COOKIE, known)
    assert who(victim) == "mallory"
    assert sign_in(victim).status_code == 403  # a form of another session's
    form = victim.get("/whoami").json()["form_token"]
    assert sign_in(victim, form_token=form).status_code == 303
    fresh = house.access.people.find_session(digest_of(known))
    assert fresh is None
    assert who(attacker) == ""


def test_a_made_up_cookie_is_nobodys(house: House) -> None:
    house.add("ada")
    client = house.client()
    client.cookies.set(COOKIE, "hps_" + "a" * 43)
    assert who(client) == ""
    response = sign_in(client)
    assert response.status_code == 303
    assert "a" * 43 not in response.headers["set-cookie"]


def test_signing_out_ends_the_session_also_for_who_kept_the_cookie(house: House) -> None:
    house.add("ada")
    client, thief = house.client(), house.client()
    sign_in(client)
    thief.cookies.set(COOKIE, client.cookies[COOKIE])
    form = client.get("/whoami").json()["form_token"]
    assert client.post("/logout", data={"form_token": form}).status_code == 303
    assert who(client) == who(thief) == ""


def test_a_session_ends_when_it_is_not_used(house: House) -> None:
    house.add("ada")
    client = house.client()
    sign_in(client)
    for _ in range(3):
        house.clock.pass_seconds(10 * 24 * 3600)
        assert who(client) == "ada"
        house.entries()  # that it was used is noted without waiting
    house.clock.pass_seconds(15 * 24 * 3600)
    assert who(client) == ""


def test_sessions_that_have_ended_are_not_kept(house: House) -> None:
    ada = house.add("ada")
    sign_in(house.client())
    house.clock.pass_seconds(15 * 24 * 3600)
    sign_in(house.client())
    assert len(house.access.people.sessions(ada.id)) == 1


def test_a_session_ends_some_day_however_much_it_is_used(house: House) -> None:
    house.add("ada")
    client = house.client()
    sign_in(client)
    days = 0
    while who(client) == "ada":
        house.entries()  # as above
        house.clock.pass_seconds(24 * 3600)
        days += 1
        assert days <= 90
    assert days == 90


def test_who_would_have_to_wait_for_too_many_others_is_sent_away(house: House) -> None:
    house.add("ada")
    passwords = house.access.sessions._passwords
    with ExitStack() as others:
        for _ in range(8):
            assert passwords._places.acquire(blocking=False)
            others.callback(passwords._places.release)
        response = sign_in(house.client())
        assert (response.status_code, response.headers["retry-after"]) == (429, "2")
    assert sign_in(house.client()).status_code == 303


def test_a_password_that_was_hashed_for_less_is_hashed_anew_when_it_is_shown(house: House) -> None:
    ada = house.add("ada")
    cheap = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash(PASSWORD)
    house.access.people.set_password(ada.id, cheap)
    assert sign_in(house.client()).status_code == 303
    kept = house.access.people.password_hash(ada.id)
    assert kept is not None
    assert "m=19456,t=2,p=1" in kept
    assert sign_in(house.client()).status_code == 303


def test_another_password_ends_all_other_sessions(house: House) -> None:
    house.add("ada")
    here, there = house.client(), house.client()
    sign_in(here)
    sign_in(there)
    form = here.get("/whoami").json()["form_token"]
    given = {"form_token": form, "former": PASSWORD, "password": "another long one"}
    assert (
        here.post("/settings/password", data={**given, "former": "wrong"}).headers["location"].endswith("problem=wrong")
    )
    assert here.post("/settings/password", data=given).headers["location"] == "/settings/password?done=1"
    assert (who(here), who(there)) == ("ada", "")
    assert sign_in(house.client()).headers["location"].startswith("/login?problem=wrong")


def test_one_who_is_suspended_is_out_at_once(house: House) -> None:
    ada = house.add("ada")
    client = house.client()
    sign_in(client)
    assert who(client) == "ada"
    house.access.people.change(ada.id, name=None, is_administrator=None, is_active=False)
    assert who(client) == ""
    assert sign_in(house.client()).headers["location"].startswith("/login?problem=wrong")


# --- brute force --------------------------------------------------------------------------------------------------------


def test_guessing_is_slowed_down_and_the_right_password_too_then(house: House) -> None:
    house.add("ada")
    client = house.client()
    codes = [sign_in(client, password=f"guess {number}").status_code for number in range(LIMITS["account"].count + 3)]
    assert codes.count(303) == LIMITS["account"].count
    refused = sign_in(client)
    assert refused.status_code == 429
    assert 0 < int(refused.headers["retry-after"]) <= LIMITS["account"].seconds
    house.clock.pass_seconds(int(refused.headers["retry-after"]))
    assert sign_in(client).headers["location"] == "/"


def test_guessing_from_many_addresses_is_slowed_down_by_account(house: House) -> None:
    house.add("ada")
    for number in range(LIMITS["account"].count):
        with pytest.raises(SignInError, match="wrong"):
            house.access.sessions.sign_in("ADA ", "guess", Visitor(network=f"192.0.2.{number}"))
    with pytest.raises(SignInError, match="too many") as caught:
        house.access.sessions.sign_in("ada", PASSWORD, Visitor(network="198.51.100.1"))
    assert caught.value.code == "slow"


def test_many_guesses_at_once_do_not_slip_through(house: House) -> None:
    house.add("ada")

    def guess(number: int) -> str:
        try:
            house.access.sessions.sign_in("ada", f"guess {number}", Visitor(network="192.0.2.1"))
        except SignInError as error:
            return error.code
        return "in"

    with ThreadPoolExecutor(16) as pool:
        codes = list(pool.map(guess, range(LIMITS["account"].count + 20)))
    assert 0 < codes.count("wrong") <= LIMITS["account"].count
    assert "in" not in codes


# --- one-time links -----------------------------------------------------------------------------------------------------


def setup(client: Client, token: str, **changes: str) -> Response:
    return client.post("/setup", data={"token": token, "login": "root", "name": "R", "password": PASSWORD, **changes})


def test_the_first_administrator_comes_by_a_link_that_is_good_once(house: House) -> None:
    assert house.access.sessions.needs_first_administrator()
    link = house.access.sessions.make_link(None, "homeport serve")
    first, second = house.client(), house.client()
    assert setup(first, link).headers["location"] == "/"
    assert first.get("/admin").json() == {"login": "root"}
    assert not house.access.sessions.needs_first_administrator()
    assert setup(second, link, login="other").headers["location"] == "/setup?problem=link"
    assert [user.login for user in house.access.people.list()] == ["root"]


def test_a_link_is_over_after_a_day(house: House) -> None:
    link = house.access.sessions.make_link(None, "homeport serve")
    house.clock.pass_seconds(24 * 3600)
    assert setup(house.client(), link).headers["location"] == "/setup?problem=link"


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"password": "short"}, "password"),
        ({"password": "a" * 20}, "password"),
        ({"login": "no login"}, "login"),
        ({"login": ""}, "login"),
    ],
)
def test_what_is_typed_wrong_does_not_use_the_link_up(house: House, changes: dict[str, str], problem: str) -> None:
    link = house.access.sessions.make_link(None, "homeport serve")
    assert setup(house.client(), link, **changes).headers["location"] == f"/setup?problem={problem}&token={link}"
    assert setup(house.client(), link).headers["location"] == "/"


def test_the_link_of_a_person_cannot_make_an_administrator(house: House) -> None:
    bob = house.access.people.add("bob", name="", is_administrator=False, at=house.clock.now())
    link = house.access.sessions.make_link(bob, "root")
    client = house.client()
    assert setup(client, link, login="root").status_code == 303
    assert who(client) == "bob"
    assert client.get("/admin").status_code == 403
    assert [user.login for user in house.access.people.list()] == ["bob"]


def test_a_link_used_twice_at_once_makes_one_administrator(house: House) -> None:
    link = house.access.sessions.make_link(None, "homeport serve")

    def use(number: int) -> bool:
        try:
            house.access.sessions.finish_setup(link, f"root{number}", "", PASSWORD, Visitor())
        except SignInError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(use, range(8))).count(True) == 1
    assert len(house.access.people.list()) == 1


# --- where signing in leads ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "\\/evil",
        "javascript:alert(1)",
        "",
        "/a\r\nSet-Cookie: x=1",
        "/\t/evil.example",
    ],
)
def test_signing_in_leads_to_no_other_site(target: str) -> None:
    assert local_target(target) == "/"


def test_what_is_kept_and_written_down_holds_no_password_cookie_or_link(house: House) -> None:
    link = house.access.sessions.make_link(None, "homeport serve")
    client = house.client()
    setup(client, link)
    sign_in(house.client(), "root", "a wrong one, rather long")
    token = house.token(house.add("bob"), "read")
    cookie = client.cookies[COOKIE]
    house.database.close()
    kept = b"".join(path.read_bytes() for path in house.folder.rglob("*") if path.is_file())
    for secret in (PASSWORD, link, cookie, token, "a wrong one"):
        assert secret.encode() not in kept
        assert secret.encode("utf-16-le") not in kept
    assert re.search(rb"\$argon2id\$", kept)


@pytest.mark.parametrize("is_multipart", [False, True])
def test_a_form_that_is_larger_than_any_is_not_read_to_its_end(house: House, is_multipart: bool) -> None:
    """Nobody is asked who they are before a form is read, so it must not fill the memory."""
    fields = {f"field{number}": "x" * 900_000 for number in range(3)}
    files = {name: (None, value) for name, value in fields.items()} if is_multipart else None
    response = house.client().post("/login", data=None if is_multipart else fields, files=files)
    assert response.status_code == 413
    assert response.headers["connection"] == "close"

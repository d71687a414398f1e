"""Who a request comes from, what it may do, and what other sites cannot make a browser do."""

import base64
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from homeport.ports.access import Role
from homeport.server.auth import COOKIE
from homeport.server.credentials import JOB, PERSONAL
from homeport.server.limits import LIMITS
from homeport.server.security_headers import HEADERS
from tests.support.access import PASSWORD, URL, House, open_house

NOBODYS = PERSONAL + "x" * 43


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with open_house(tmp_path) as house:
        yield house


def basic(name: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


def status(house: House, path: str, authorization: str | None, method: str = "GET") -> int:
    headers = {} if authorization is None else {"authorization": authorization}
    return house.client().request(method, path, headers=headers).status_code


# --- tokens -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["Bearer {}", "token {}", "bearer  {}", "TOKEN {}"])
def test_a_token_says_who_calls(house: House, form: str) -> None:
    token = house.token(house.add("ada"))
    response = house.client().get("/whoami", headers={"authorization": form.format(token)})
    assert response.json()["login"] == "ada"


def test_git_shows_a_token_as_password_or_as_name(house: House) -> None:
    token = house.token(house.add("ada"))
    for header in (basic("ada", token), basic("anything", token), basic(token, ""), basic(token, "x-oauth-basic")):
        assert status(house, "/whoami", header) == 200


def test_a_password_is_no_token(house: House) -> None:
    house.add("ada")
    assert status(house, "/whoami", basic("ada", PASSWORD)) == 401


@pytest.mark.parametrize(
    "header",
    [
        f"Bearer {NOBODYS}",
        "Bearer",
        "Bearer ",
        "Basic",
        "Basic !!!",
        "Basic w6Q=",
        "Digest x",
        "",
        "Bearer " + "é" * 20,
        "Bearer hpj_x",
    ],
)
def test_what_is_no_good_token_is_refused_and_never_taken_for_nobody(house: House, header: str) -> None:
    response = house.client().get("/whoami", headers={b"authorization": header.encode()})
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == 'Basic realm="Homeport"'
    assert house.actions() == ["token.refused"]


def test_a_bad_token_is_not_helped_by_a_good_cookie(house: House) -> None:
    house.add("ada")
    client = house.client()
    client.post("/login", data={"login": "ada", "password": PASSWORD})
    assert client.get("/whoami", headers={"authorization": f"Bearer {NOBODYS}"}).status_code == 401


def test_a_token_ends_with_its_time(house: House) -> None:
    token = house.token(house.add("ada"), expires_at=house.clock.now() + timedelta(seconds=60))
    assert status(house, "/whoami", f"Bearer {token}") == 200
    house.clock.pass_seconds(59)
    assert status(house, "/whoami", f"Bearer {token}") == 200
    house.clock.pass_seconds(1)
    assert status(house, "/whoami", f"Bearer {token}") == 401


def test_a_token_that_is_removed_is_dead_at_once(house: House) -> None:
    ada = house.add("ada")
    token = house.token(ada)
    assert status(house, "/whoami", f"Bearer {token}") == 200
    house.access.people.remove_token(house.access.people.tokens(ada.id)[0].id)
    assert status(house, "/whoami", f"Bearer {token}") == 401


def test_a_role_that_is_taken_away_is_gone_at_once(house: House) -> None:
    ada = house.add("ada")
    token = house.token(ada)
    house.access.people.set_role(ada.id, "acme", "reader")
    assert status(house, "/acme/tools/reader", f"Bearer {token}") == 200
    house.access.people.set_role(ada.id, "acme", None)
    assert status(house, "/acme/tools/reader", f"Bearer {token}") == 404


def test_what_another_process_changes_is_noticed_soon(house: House, tmp_path: Path) -> None:
    ada = house.add("ada")
    token = house.token(ada)
    assert status(house, "/whoami", f"Bearer {token}") == 200
    other = House(house.folder, house.database, house.url)
    other.access.people.remove_token(1)
    house.clock.pass_seconds(6)
    assert status(house, "/whoami", f"Bearer {token}") == 401


def test_the_use_of_a_token_is_noted(house: House) -> None:
    ada = house.add("ada")
    token = house.token(ada)
    status(house, "/whoami", f"Bearer {token}")
    house.access.people.set_role(ada.id, "acme", "reader")  # written after it
    assert house.access.people.tokens(ada.id)[0].used_at == house.clock.now()


def test_guessing_tokens_is_slowed_down_by_address(house: House) -> None:
    good = f"Bearer {house.token(house.add('ada'))}"
    codes = [status(house, "/whoami", f"Bearer {NOBODYS}") for _ in range(LIMITS["token"].count + 2)]
    assert codes == [401] * LIMITS["token"].count + [429, 429]
    response = house.client().get("/whoami", headers={"authorization": good})
    assert response.status_code == 429
    house.clock.pass_seconds(int(response.headers["retry-after"]))
    assert status(house, "/whoami", good) == 200
    assert len(house.actions()) < LIMITS["token"].count + 10


# --- roles and scopes ---------------------------------------------------------------------------------------------------

ROLES: tuple[Role, ...] = ("reader", "writer", "maintainer", "administrator")


@pytest.mark.parametrize("own", ROLES)
@pytest.mark.parametrize("target", ["acme", "acme/tools", "*"])
def test_a_role_may_what_the_ones_before_it_may(house: House, own: Role, target: str) -> None:
    ada = house.add("ada")
    house.access.people.set_role(ada.id, target, own)
    header = f"Bearer {house.token(ada)}"
    codes = [status(house, f"/acme/tools/{role}", header) for role in ROLES]
    reach = ROLES.index(own) + 1
    assert codes == [200] * reach + [403] * (len(ROLES) - reach)


@pytest.mark.parametrize(
    ("scopes", "codes"),
    [(("read",), [200, 403, 403, 403]), (("write",), [200, 200, 403, 403]), (("admin",), [200, 200, 200, 200])],
)
def test_a_token_can_no_more_than_its_scopes(house: House, scopes: tuple[str, ...], codes: list[int]) -> None:
    for login, is_administrator in (("ada", False), ("root", True)):
        user = house.add(login, is_administrator=is_administrator)
        house.access.people.set_role(user.id, "acme", "administrator")
        header = f"Bearer {house.token(user, *scopes)}"
        assert [status(house, f"/acme/tools/{role}", header) for role in ROLES] == codes


def test_only_an_unnarrowed_token_of_an_administrator_administers(house: House) -> None:
    root = house.add("root", is_administrator=True)
    tokens = {scope: house.token(root, scope) for scope in ("read", "write", "admin")}
    tokens["one repository"] = house.token(root, "admin", target="acme/tools")
    assert {name: status(house, "/admin", f"Bearer {token}") for name, token in tokens.items()} == {
        "read": 403,
        "write": 403,
        "admin": 200,
        "one repository": 403,
    }


def test_a_token_for_one_repository_opens_no_other(house: House) -> None:
    ada = house.add("ada")
    house.access.people.set_role(ada.id, "acme", "writer")
    elsewhere = f"Bearer {house.token(ada, target='acme/other')}"
    here = f"Bearer {house.token(ada, target='Acme/Tools')}"
    assert status(house, "/acme/tools/writer", here) == 200
    assert status(house, "/acme/tools/reader", elsewhere) == 404
    assert status(house, "/acme/website/writer", elsewhere) == 403
    assert status(house, "/acme/website/reader", elsewhere) == 200


def test_what_is_hidden_looks_like_what_is_not_there(house: House) -> None:
    header = f"Bearer {house.token(house.add('ada'))}"
    hidden, missing = (
        house.client().get(path, headers={"authorization": header})
        for path in ("/acme/tools/reader", "/acme/none/reader")
    )
    assert (hidden.status_code, hidden.content) == (missing.status_code, missing.content)
    assert hidden.status_code == 404
    strange = [house.client().get(path) for path in ("/acme/tools/reader", "/acme/none/reader")]
    assert {(each.status_code, each.content) for each in strange} == {(401, strange[0].content)}


def test_what_is_public_is_read_by_everybody_and_changed_by_nobody(house: House) -> None:
    assert status(house, "/acme/website/reader", None) == 200
    assert status(house, "/acme/website/writer", None) == 401


def test_refusals_are_in_the_audit_log(house: House) -> None:
    ada = house.add("ada")
    header = f"Bearer {house.token(ada)}"
    before = len(house.actions())
    for path in ("/acme/tools/reader", "/acme/website/writer", "/admin", "/acme/none/reader", "/whoami"):
        status(house, path, header)
    found = house.entries()[before:]
    assert [(entry.who, entry.action, entry.target, entry.result) for entry in found] == [
        ("ada", "request.refused", "acme/tools", "refused"),
        ("ada", "request.refused", "acme/website", "refused"),
        ("ada", "request.refused", "server", "refused"),
    ]


def test_a_crawler_does_not_fill_the_audit_log(house: House) -> None:
    for _ in range(LIMITS["refusal"].count + 50):
        assert status(house, "/acme/tools/reader", None) == 401
    assert len(house.actions()) == LIMITS["refusal"].count


# --- jobs ---------------------------------------------------------------------------------------------------------------


def job_token(house: House, grants: dict[str, str], *, is_trusted: bool = True) -> str:
    return house.access.job_tokens.issue(
        lease="7.1.1", run="7", job="build", repository="acme/tools", grants=grants, is_trusted=is_trusted
    )


@pytest.mark.parametrize(
    ("grants", "codes"),
    [
        ({"contents": "write"}, [200, 200]),
        ({"contents": "read"}, [200, 403]),
        ({"contents": "none"}, [403, 403]),
        ({"actions": "write"}, [403, 403]),
    ],
)
def test_a_job_may_what_its_permissions_say(house: House, grants: dict[str, str], codes: list[int]) -> None:
    header = f"Bearer {job_token(house, grants)}"
    assert [status(house, f"/acme/tools/{role}", header) for role in ("reader", "writer")] == codes
    assert status(house, "/admin", header) == 403


def test_a_job_reads_public_repositories_and_changes_none(house: House) -> None:
    header = "Bearer " + job_token(house, {"contents": "write"})
    assert status(house, "/acme/website/reader", header) == 200
    assert status(house, "/acme/website/writer", header) == 403


def test_a_pull_request_from_a_fork_may_only_read(house: House) -> None:
    header = "Bearer " + job_token(house, {"contents": "write"}, is_trusted=False)
    assert status(house, "/acme/tools/reader", header) == 200
    assert status(house, "/acme/tools/writer", header) == 403


def test_a_token_of_a_job_is_random_and_ours(house: House) -> None:
    tokens = {job_token(house, {}) for _ in range(100)}
    assert len(tokens) == 100
    assert all(token.startswith(JOB) and len(token) > 40 for token in tokens)


# --- what other sites can make a browser do -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, 200),
        ({"origin": URL}, 200),
        ({"origin": URL, "sec-fetch-site": "same-origin"}, 200),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "https://ci.example.evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
    ],
)
def test_a_form_has_to_come_from_this_site(house: House, headers: dict[str, str], code: int) -> None:
    house.add("ada")
    client = house.client()
    client.post("/login", data={"login": "ada", "password": PASSWORD})
    form = client.get("/whoami").json()["form_token"]
    response = client.post("/whoami", data={"form_token": form, "said": "ä&b"}, headers=headers)
    assert response.status_code == code
    if code == 200:
        assert (response.json()["said"], response.json()["login"]) == ("ä&b", "ada")
    else:
        assert house.actions()[-1] == "form.refused"


@pytest.mark.parametrize(
    "content",
    ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain", "application/json", ""],
)
def test_a_form_without_the_sessions_token_is_refused(house: House, content: str) -> None:
    house.add("ada")
    client = house.client()
    client.post("/login", data={"login": "ada", "password": PASSWORD})
    for body in (b"", b"form_token=x", b'{"form_token": "x"}'):
        assert client.post("/admin", content=body, headers={"content-type": content}).status_code == 403
    assert house.actions()[-1] == "form.refused"


def test_the_token_of_another_session_is_good_for_nothing(house: House) -> None:
    house.add("ada")
    forms = []
    client = house.client()
    for _ in range(2):
        client = house.client()
        client.post("/login", data={"login": "ada", "password": PASSWORD})
        forms.append(client.get("/whoami").json()["form_token"])
    assert forms[0] != forms[1]
    assert client.post("/whoami", data={"form_token": forms[0]}).status_code == 403
    assert client.post("/whoami", headers={"x-form-token": forms[1]}).status_code == 200
    assert COOKIE in client.cookies


def test_signing_somebody_in_from_another_site_is_refused(house: House) -> None:
    house.add("mallory")
    given = {"login": "mallory", "password": PASSWORD}
    response = house.client().post("/login", data=given, headers={"origin": "http://evil.example"})
    assert response.status_code == 403
    assert "set-cookie" not in response.headers


def test_a_form_that_is_too_large_is_not_read_to_its_end(house: House) -> None:
    house.add("ada")
    client = house.client()
    client.post("/login", data={"login": "ada", "password": PASSWORD})
    response = client.post("/whoami", data={"said": "x" * (1 << 20)})
    assert response.status_code == 413


def test_programs_with_a_token_need_no_form_token(house: House) -> None:
    header = f"Bearer {house.token(house.add('ada'))}"
    assert (
        house.client().post("/whoami", headers={"authorization": header, "origin": "http://x.example"}).status_code
        == 200
    )


# --- headers ------------------------------------------------------------------------------------------------------------


def test_every_answer_tells_browsers_to_be_careful(house: House) -> None:
    for response in (
        house.client().get("/whoami"),
        house.client().get("/none"),
        house.client().get("/acme/tools/reader"),
    ):
        for name, value in HEADERS.items():
            assert response.headers[name] == value
        assert "unsafe" not in response.headers["content-security-policy"]
        assert "strict-transport-security" not in response.headers

"""What `/api/homeport/v1` says to requests that are not as they should be."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException

from homeport.server.access import middleware
from homeport.server.api_people import PeopleApi
from homeport.server.error_edge import answer_refusal
from tests.support.access import House, open_house
from tests.support.asgi import client_of

ABOVE = "/api/homeport/v1"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with open_house(tmp_path) as house:
        yield house


def client(house: House, login: str = "root", *, is_administrator: bool = True) -> httpx.Client:
    user = house.access.people.find(login) or house.add(login, is_administrator=is_administrator)
    app = Starlette(
        routes=PeopleApi(house.access).routes,
        middleware=list(middleware(house.access)),
        exception_handlers={HTTPException: answer_refusal},
    )
    made = client_of(app, house.url)
    made.headers["authorization"] = f"Bearer {house.token(user)}"
    return made


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/users", b"{", 400),
        ("POST", "/users", b"\xff", 400),
        ("POST", "/users", b"[]", 422),
        ("POST", "/users", b"{}", 422),
        ("POST", "/users", b'{"login": 1}', 422),
        ("POST", "/users", b'{"login": "a", "password": "x"}', 422),
        ("POST", "/users", b'{"login": "no login"}', 422),
        ("POST", "/users", b'{"login": "' + b"x" * (1 << 20) + b'"}', 413),
        ("GET", "/users/nobody", b"", 404),
        ("GET", "/users/%00%ff", b"", 404),
        ("PATCH", "/users/nobody", b"{}", 404),
        ("PUT", "/users/root/roles", b'{"target": "acme", "role": "king"}', 422),
        ("PUT", "/users/root/roles", b'{"target": "a b", "role": "reader"}', 422),
        ("POST", "/tokens", b'{"name": ""}', 422),
        ("POST", "/tokens", b'{"name": "x", "scopes": []}', 422),
        ("POST", "/tokens", b'{"name": "x", "scopes": ["root"]}', 422),
        ("POST", "/tokens", b'{"name": "x", "days": 9999}', 422),
        ("POST", "/tokens", b'{"name": "x", "days": -1}', 422),
        ("DELETE", "/tokens/x", b"", 404),
        ("DELETE", "/tokens/99999999999999999999", b"", 404),
        ("DELETE", "/users", b"", 405),
    ],
)
def test_a_bad_request_is_refused_with_the_reason(
    house: House, method: str, path: str, body: bytes, status: int
) -> None:
    response = client(house).request(method, ABOVE + path, content=body)
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["detail"] or status == 405


def test_nobody_and_jobs_are_refused(house: House) -> None:
    caller = client(house)
    del caller.headers["authorization"]
    job = house.access.job_tokens.issue(
        lease="7.1.1", run="7", job="build", repository="acme/tools", grants={"actions": "write"}, is_trusted=True
    )
    for path in ("/users", "/tokens", "/users/root"):
        assert caller.get(ABOVE + path).status_code == 401
        assert caller.get(ABOVE + path, headers={"authorization": f"Bearer {job}"}).status_code == 403


def test_a_person_sees_themselves_and_nobody_else(house: House) -> None:
    client(house)
    ada = client(house, "ada", is_administrator=False)
    assert ada.get(ABOVE + "/users/ADA").json()["login"] == "ada"
    assert ada.get(ABOVE + "/users/root").status_code == 403
    assert ada.get(ABOVE + "/tokens", params={"all": "1"}).status_code == 403
    assert "digest" not in ada.get(ABOVE + "/tokens").text

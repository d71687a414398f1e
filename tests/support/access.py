"""Who may do what, put together as the server does it, on a database of the test's own, with a clock that stands still."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

import httpx
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from homeport.cli.server_access import open_access
from homeport.ports.audit import AuditEntry
from homeport.ports.directory import HostedRepository
from homeport.ports.people import Token, User
from homeport.server.access import Access, middleware, sign_in_routes
from homeport.server.auth import demand, demand_administrator, find_caller, find_identity
from homeport.server.credentials import PERSONAL, digest_of, make_credential
from homeport.server.error_edge import answer_refusal
from homeport.server.passwords import Passwords
from homeport.store.data_folder import DataFolder
from homeport.store.tables.database import Database
from tests.support.asgi import client_of
from tests.support.databases import open_database
from tests.support.plans import NOW

URL = "http://ci.example"
PASSWORD = "correct horse battery"
PRIVATE = HostedRepository(id=1, owner="acme", name="tools", is_private=True)
PUBLIC = HostedRepository(id=2, owner="acme", name="website", is_private=False)
REPOSITORIES = {each.full_name: each for each in (PRIVATE, PUBLIC)}


class MovableClock:
    """Moves when it is told to."""

    def __init__(self) -> None:
        self._passed = 0.0

    def now(self) -> datetime:
        return NOW + timedelta(seconds=self._passed)

    def monotonic(self) -> float:
        return 1000.0 + self._passed

    def pass_seconds(self, seconds: float) -> None:
        self._passed += seconds


class House:
    """A server's access, with a small application behind it."""

    def __init__(self, folder: Path, database: Database, url: str) -> None:
        self.clock = MovableClock()
        self.folder = folder
        self.database = database
        self.url = url
        self.access: Access = open_access(DataFolder(str(folder)), database, self.clock, url, {})

    def add(self, login: str, *, is_administrator: bool = False) -> User:
        """Somebody with `PASSWORD`."""
        user = self.access.people.add(login, name="", is_administrator=is_administrator, at=self.clock.now())
        self.access.people.set_password(user.id, _password_hash())
        found = self.access.people.get(user.id)
        assert found is not None
        return found

    def token(self, user: User, *scopes: str, target: str = "", expires_at: datetime | None = None) -> str:
        text = make_credential(PERSONAL)
        token = Token(
            id=0,
            user=user.id,
            name="test",
            scopes=frozenset(scopes or ("admin",)),  # type: ignore[arg-type]
            target=target,
            created_at=self.clock.now(),
            expires_at=expires_at,
        )
        self.access.people.add_token(token, digest_of(text))
        return text

    def client(self) -> httpx.Client:
        """Another browser, or program."""
        return client_of(self.app(), self.url)

    def app(self) -> Starlette:
        headers, identification = middleware(self.access)
        routes = [
            *sign_in_routes(self.access),
            Route("/whoami", _who_am_i, methods=["GET", "POST"]),
            Route("/admin", _administer, methods=["GET", "POST"]),
            Route("/{owner}/{repo}/{role}", _use, methods=["GET", "POST"]),
        ]
        return Starlette(
            routes=routes,
            middleware=[headers, identification],
            exception_handlers={HTTPException: answer_refusal},
        )

    def actions(self) -> list[str]:
        """What the audit log has, oldest first."""
        return [entry.action for entry in self.entries()]

    def entries(self) -> list[AuditEntry]:
        """The same, whole."""
        self.database.write(lambda _: None)  # what was noted without waiting is durable before it
        return list(reversed(self.access.audit.log.list(limit=1000)))


@contextmanager
def open_house(folder: Path, url: str = URL) -> Iterator[House]:
    with open_database(folder) as database:
        yield House(folder, database, url)


@cache
def _password_hash() -> str:
    """Hashing is slow on purpose."""
    return Passwords().hash(PASSWORD)


async def _who_am_i(request: Request) -> Response:
    caller, identity = await find_caller(request), find_identity(request)
    form = await request.form() if request.method == "POST" else {}
    return JSONResponse(
        {"kind": caller.kind, "login": caller.login, "form_token": identity.form_token, "said": form.get("said", "")}
    )


async def _administer(request: Request) -> Response:
    return JSONResponse({"login": demand_administrator(request).login})


async def _use(request: Request) -> Response:
    repository = REPOSITORIES.get(f"{request.path_params['owner']}/{request.path_params['repo']}")
    found = demand(request, request.path_params["role"], repository, permission="contents")
    return JSONResponse({"repository": found.full_name})

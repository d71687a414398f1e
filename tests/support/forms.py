"""Somebody with a browser's session who sends the server's own forms, without a browser."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import httpx

from homeport.ports.access import Role
from homeport.ports.people import Session
from homeport.server.auth import COOKIE
from homeport.server.credentials import SESSION, digest_of, form_token, make_credential
from homeport.store.tables.database import Database
from homeport.store.tables.people import TablePeople
from tests.support.serve import ServedProcess


class FormSender:
    """Signed in. `get` reads a page, `send` sends a form as a browser of this page would."""

    def __init__(self, server: ServedProcess, login: str, cookie: str) -> None:
        self.server = server
        self.login = login
        self._form_token = form_token(cookie)
        self._client = httpx.Client(
            base_url=server.url, cookies={COOKIE: cookie}, headers={"accept": "text/html"}, timeout=60
        )

    def __enter__(self) -> "FormSender":
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def come_from(self, address: str) -> None:
        """As a proxy on this machine names it: refused requests of one address are written down up to a number each minute."""
        self._client.headers["x-forwarded-for"] = address

    def get(self, path: str, status: int = 200) -> str:
        """The text of a page."""
        answer = self._client.get(path)
        assert answer.status_code == status, _main(answer)
        return answer.text

    def send(self, path: str, fields: Mapping[str, str] = {}, status: int = 303) -> httpx.Response:
        """With this session's token."""
        answer = self._client.post(path, data={**fields, "form_token": self._form_token})
        assert answer.status_code == status, _main(answer)
        return answer

    def send_forged(self, path: str, fields: Mapping[str, str] = {}) -> list[int]:
        """As other sites could make this browser send it: with no token, with another session's, and from another origin."""
        other = form_token(make_credential(SESSION))
        foreign = {"origin": "https://evil.example"}
        return [
            self._client.post(path, data=dict(fields)).status_code,
            self._client.post(path, data={**fields, "form_token": other}).status_code,
            self._client.post(path, data={**fields, "form_token": self._form_token}, headers=foreign).status_code,
        ]


def _main(answer: httpx.Response) -> str:
    """What a page says, without what every page has around it."""
    return f"{answer.request.url} {answer.status_code}: {answer.text.partition('<main')[2] or answer.text}"


def sign_in(
    server: ServedProcess, login: str, *, is_administrator: bool = False, roles: Mapping[str, Role] | None = None
) -> FormSender:
    """Somebody who is there, or is made here, with a session that begins now."""
    database = Database(f"sqlite:///{server.folder / 'homeport.db'}")
    try:
        people, at = TablePeople(database), datetime.now(UTC)
        user = people.find(login) or people.add(login, name="", is_administrator=is_administrator, at=at)
        for target, role in (roles or {}).items():
            people.set_role(user.id, target, role)
        cookie = make_credential(SESSION)
        people.open_session(
            Session(
                digest=digest_of(cookie),
                user=user.id,
                created_at=at,
                expires_at=at + timedelta(days=1),
                seen_at=at,
            )
        )
    finally:
        database.close()
    return FormSender(server, login, cookie)

"""What administrators and persons do about people: who there is, what they may do, which tokens they have. All of it is in the audit log."""

from datetime import timedelta

import msgspec

from homeport.ports.access import Caller, Role
from homeport.ports.clock import Clock
from homeport.ports.people import People, PeopleError, Scope, Token, User
from homeport.server.audit import Audit
from homeport.server.credentials import PERSONAL, digest_of, make_credential
from homeport.server.sessions import Sessions

MOST_TOKEN_DAYS = 366
_MOST_TOKENS = 200


class NobodyError(PeopleError):
    """There is no such person."""


class Actor(msgspec.Struct, frozen=True):
    """Who does something, and from where."""

    caller: Caller
    address: str = ""


class TokenWish(msgspec.Struct, frozen=True, kw_only=True):
    """A token as somebody wants it. `target` is the one owner or repository that it is good for; empty: all. `days` 0: it does not end."""

    name: str
    scopes: tuple[Scope, ...] = ("read",)
    target: str = ""
    days: int = 30


class Administration:
    """Not for the event loop; safe from any thread. Whether somebody may is the caller's to ask. Raises `PeopleError`, `StoreError`."""

    def __init__(self, people: People, sessions: Sessions, audit: Audit, clock: Clock) -> None:
        self.people = people
        """for reading"""
        self._sessions = sessions
        self._audit = audit
        self._clock = clock

    def get(self, login: str) -> User:
        """Raises `PeopleError` where there is nobody."""
        user = self.people.find(login)
        if user is None:
            raise NobodyError(f"there is nobody called {login!r}")
        return user

    def add(self, by: Actor, login: str, name: str = "", *, is_administrator: bool = False) -> tuple[User, str]:
        """Somebody new, and what the link holds by which they choose a password: nobody else ever knows it."""
        user = self.people.add(login, name=name, is_administrator=is_administrator, at=self._clock.now())
        self._note(by, "user.added", user.login, "as an administrator" if is_administrator else "")
        return user, self._sessions.make_link(user, by.caller, by.address)

    def change(
        self,
        by: Actor,
        login: str,
        *,
        name: str | None = None,
        is_administrator: bool | None = None,
        is_active: bool | None = None,
    ) -> User:
        """What is None stays."""
        user = self.get(login)
        self.people.change(user.id, name=name, is_administrator=is_administrator, is_active=is_active)
        changes = {"name": name, "administrator": is_administrator, "active": is_active}
        said = ", ".join(f"{key}: {value}" for key, value in changes.items() if value is not None)
        self._note(by, "user.changed", user.login, said)
        return self.get(login)

    def remove(self, by: Actor, login: str) -> None:
        """With roles, tokens and sessions."""
        user = self.get(login)
        self.people.remove(user.id)
        self._note(by, "user.removed", user.login)

    def make_link(self, by: Actor, login: str) -> str:
        """What the link holds by which somebody chooses another password. The former one is good until then."""
        return self._sessions.make_link(self.get(login), by.caller, by.address)

    def set_role(self, by: Actor, login: str, target: str, role: Role | None) -> User:
        """Give a role, or (None) take it away."""
        user = self.get(login)
        self.people.set_role(user.id, target, role)
        self._note(by, "role.given" if role else "role.taken", user.login, f"{role or 'none'} in {target}")
        return self.get(login)

    def create_token(self, by: Actor, user: User, wish: TokenWish) -> tuple[Token, str]:
        """A token, and what it reads: shown this once."""
        if not 0 <= wish.days <= MOST_TOKEN_DAYS:
            raise PeopleError(f"a token is good for 1 to {MOST_TOKEN_DAYS} days, or (0) until it is removed")
        if len(self.people.tokens(user.id)) >= _MOST_TOKENS:
            raise PeopleError(f"there are {_MOST_TOKENS} tokens already: remove some")
        now, text = self._clock.now(), make_credential(PERSONAL)
        wanted = Token(
            id=0,
            user=user.id,
            name=wish.name,
            scopes=frozenset(wish.scopes),
            target=wish.target,
            created_at=now,
            expires_at=now + timedelta(days=wish.days) if wish.days else None,
        )
        token = self.people.add_token(wanted, digest_of(text))
        self._note(by, "token.created", user.login, f"{token.name}: {', '.join(sorted(token.scopes))} {token.target}")
        return token, text

    def remove_token(self, by: Actor, token: int, owner: User | None) -> bool:
        """`owner` None: whoever's it is. False where there is no such token."""
        found = [each for each in self.people.tokens(None if owner is None else owner.id) if each.id == token]
        if not found:
            return False
        self.people.remove_token(token)
        user = self.people.get(found[0].user)
        self._note(by, "token.removed", user.login if user else "", found[0].name)
        return True

    def end_sessions(self, by: Actor, user: User) -> None:
        """On all browsers."""
        self.people.close_sessions(user.id)
        self._note(by, "session.closed", user.login, "all of them")

    def _note(self, by: Actor, action: str, target: str, detail: str = "") -> None:
        self._audit.note(by.caller, action, target, address=by.address, detail=detail)

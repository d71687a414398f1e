"""Signing in and out, one-time links, and choosing a password: what the pages call. Everything here is in the audit log."""

from datetime import timedelta

import msgspec

from homeport.ports.access import Caller
from homeport.ports.clock import Clock
from homeport.ports.people import Link, People, PeopleError, Session, User
from homeport.server.audit import Audit
from homeport.server.auth import SESSION_DAYS
from homeport.server.credentials import LINK, SESSION, digest_of, make_credential
from homeport.server.limits import Limits
from homeport.server.passwords import BusyError, Passwords, find_fault

LINK_HOURS = 24


class SignInError(Exception):
    """It is refused, with the reason for people. `code` tells programs: `wrong`, `slow`, `link`, `password`, `login`.

    `wait_seconds` is how long to wait before the next try, for `slow`.
    """

    def __init__(self, code: str, reason: str, wait_seconds: int = 0) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
        self.wait_seconds = wait_seconds


class Visitor(msgspec.Struct, frozen=True):
    """Where somebody is who wants to sign in. `network` is what attempts are counted by."""

    address: str = ""
    network: str = ""
    agent: str = ""
    former_session: str = ""
    """the cookie that came along: it ends, so that nobody can have prepared the session that goes on"""


class Sessions:
    """Not for the event loop: it waits for the disk, and for hashing. Safe from any thread. May raise `StoreError`."""

    def __init__(self, people: People, audit: Audit, limits: Limits, clock: Clock) -> None:
        self._people = people
        self._audit = audit
        self._limits = limits
        self._clock = clock
        self._passwords = Passwords()

    def sign_in(self, login: str, password: str, visitor: Visitor) -> str:
        """The cookie of a new session. Raises `SignInError`, which does not tell whether there is such a person."""
        account = login.strip().lower()[:100]
        self._take_turn(account, visitor)
        user = self._people.find(account)
        known = self._people.password_hash(user.id) if user is not None and user.is_active else None
        if not self._is_right(known, password) or user is None or known is None:
            self._audit.note(
                account, "session.refused", account, address=visitor.address, result="refused", detail="wrong password"
            )
            raise SignInError("wrong", "The login or the password is wrong.")
        self._limits.forgive("account", account)
        if self._passwords.is_outdated(known):
            self._people.set_password(user.id, self._hash(password))
        return self._open(user, visitor)

    def sign_out(self, cookie: str, caller: Caller, address: str = "") -> None:
        """The cookie is good for nothing any more."""
        self._people.close_session(digest_of(cookie))
        self._audit.note(caller, "session.closed", caller.login, address=address)

    # --- one-time links --------------------------------------------------------------------------------------------------

    def needs_first_administrator(self) -> bool:
        """Whether nobody can administer this server yet."""
        return not any(user.is_administrator and user.is_active and user.has_password for user in self._people.list())

    def make_link(self, user: User | None, by: Caller | str, address: str = "") -> str:
        """What the link holds: good once, for `LINK_HOURS`, to choose a password. None: for the first administrator, or another one."""
        token = make_credential(LINK)
        expires_at = self._clock.now() + timedelta(hours=LINK_HOURS)
        self._people.add_link(
            Link(digest=digest_of(token), user=None if user is None else user.id, expires_at=expires_at)
        )
        self._audit.note(by, "link.created", user.login if user else "administrator", address=address)
        return token

    def find_link(self, token: str, visitor: Visitor) -> User | None:
        """Whom a link is for; None: it is for an administrator who has yet to choose a login. Looking does not use it up. Raises
        `SignInError` where it is good for nothing.
        """
        if waiting := self._limits.try_now("link", visitor.network):
            raise SignInError("slow", "There were too many tries. Wait a little.", waiting)
        link = self._people.find_link(digest_of(token), self._clock.now())
        user = None if link is None or link.user is None else self._people.get(link.user)
        if link is None or (link.user is not None and user is None):
            raise _gone()
        return user

    def finish_setup(self, token: str, login: str, name: str, password: str, visitor: Visitor) -> str:
        """Use a link up: choose a password (and a login, where the link names nobody), and be signed in. Raises `SignInError`; what is
        wrong with the login or password does not use the link up.
        """
        user = self.find_link(token, visitor)
        login = user.login if user is not None else login.strip()
        if fault := find_fault(password, login):
            raise SignInError("password", fault)
        if user is None and self._people.find(login) is not None:
            raise SignInError("login", f"There is somebody called {login!r} already.")
        password_hash = self._hash(password)
        link = self._people.take_link(digest_of(token), self._clock.now())
        if link is None:
            raise _gone()
        if user is None:
            user = self._add_administrator(login, name.strip(), link)
        self._people.set_password(user.id, password_hash)
        self._audit.note(user.login, "password.set", user.login, address=visitor.address, detail="by a one-time link")
        return self._open(user, visitor)

    def change_password(self, user: User, former: str, password: str, visitor: Visitor) -> str:
        """By whoever is signed in and knows the former one; all sessions end, and the cookie of a new one is given. Raises `SignInError`."""
        self._take_turn(user.login.lower(), visitor)
        if not self._is_right(self._people.password_hash(user.id), former):
            self._audit.note(user.login, "password.refused", user.login, address=visitor.address, result="refused")
            raise SignInError("wrong", "The former password is wrong.")
        if fault := find_fault(password, user.login):
            raise SignInError("password", fault)
        self._people.set_password(user.id, self._hash(password))
        self._audit.note(user.login, "password.set", user.login, address=visitor.address)
        return self._open(user, visitor)

    # --- inside ---------------------------------------------------------------------------------------------------------

    def _add_administrator(self, login: str, name: str, link: Link) -> User:
        try:
            return self._people.add(login, name=name, is_administrator=True, at=self._clock.now())
        except PeopleError as error:
            self._people.add_link(link)  # it was not used after all
            raise SignInError("login", str(error)) from error

    def _open(self, user: User, visitor: Visitor) -> str:
        """A new session, whatever cookie there was before."""
        if visitor.former_session:
            self._people.close_session(digest_of(visitor.former_session))
        now = self._clock.now()
        self._people.forget_old(now)
        cookie = make_credential(SESSION)
        self._people.open_session(
            Session(
                digest=digest_of(cookie),
                user=user.id,
                created_at=now,
                expires_at=now + timedelta(days=SESSION_DAYS),
                seen_at=now,
                address=visitor.address,
                agent=visitor.agent,
            )
        )
        self._audit.note(user.login, "session.opened", user.login, address=visitor.address)
        return cookie

    def _is_right(self, password_hash: str | None, password: str) -> bool:
        try:
            return self._passwords.is_right(password_hash, password)
        except BusyError as error:
            raise _busy() from error

    def _hash(self, password: str) -> str:
        try:
            return self._passwords.hash(password)
        except BusyError as error:
            raise _busy() from error

    def _take_turn(self, account: str, visitor: Visitor) -> None:
        """Counts before looking, so that many tries at once do not slip through."""
        waiting = max(
            self._limits.wait_seconds("sign-in", visitor.network), self._limits.wait_seconds("account", account)
        )
        if waiting:
            raise SignInError("slow", "There were too many tries. Wait a little.", waiting)
        self._limits.count("sign-in", visitor.network)
        self._limits.count("account", account)


def _busy() -> SignInError:
    return SignInError("slow", "Too many people are signing in at once. Wait a moment.", 2)


def _gone() -> SignInError:
    return SignInError("link", "This link was used, or its time is over. Ask for a new one.")

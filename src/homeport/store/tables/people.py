"""Keeps in a database who the people of a server are, what they may do, and the digests of what they show for it."""

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar, cast

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from homeport.ports.access import ROLES, Role
from homeport.ports.people import EVERYTHING, SCOPES, Link, PeopleError, Scope, Session, Token, User
from homeport.store.tables.database import Database
from homeport.store.tables.people_schema import LINKS, ROLES_GIVEN, SESSIONS, TOKENS, USERS

Result = TypeVar("Result")

_LOGIN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,37}[A-Za-z0-9])?")
_TARGET = re.compile(r"\*|[a-z0-9._-]+(?:/[a-z0-9._-]+)?")
_LONGEST_NAME = 200


class TablePeople:
    """`People` in a database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._version = 0

    @property
    def version(self) -> int:
        """Counted in this process."""
        return self._version

    # --- persons --------------------------------------------------------------------------------------------------------

    def add(self, login: str, *, name: str, is_administrator: bool, at: datetime) -> User:
        """One row."""
        if not _LOGIN.fullmatch(login):
            raise PeopleError(f"{login!r} is no login: letters, digits and . _ - between them, at most 39")
        values = {
            "login": login,
            "key": login.lower(),
            "name": name[:_LONGEST_NAME],
            "is_administrator": int(is_administrator),
            "is_active": 1,
            "created_at": _text(at),
        }

        def work(connection: Connection) -> User:
            if connection.execute(select(USERS.c.id).where(USERS.c.key == login.lower())).first() is not None:
                raise PeopleError(f"there is somebody called {login!r} already")
            key = connection.execute(insert(USERS).values(values)).inserted_primary_key
            assert key is not None
            row = connection.execute(select(USERS).where(USERS.c.id == key[0])).one()
            return _user(row, {})

        return self._change(work)

    def find(self, login: str) -> User | None:
        """By the unique key."""
        return self._first(USERS.c.key == login.lower())

    def get(self, user: int) -> User | None:
        """By the primary key."""
        return self._first(USERS.c.id == user)

    def list(self) -> Sequence[User]:
        """Two queries, however many people there are."""
        with self._database.read() as connection:
            rows = connection.execute(select(USERS).order_by(USERS.c.key)).all()
            given = connection.execute(select(ROLES_GIVEN)).all()
        roles: dict[int, dict[str, Role]] = {}
        for each in given:
            roles.setdefault(each.user, {})[each.target] = cast("Role", each.role)
        return [_user(row, roles.get(row.id, {})) for row in rows]

    def change(self, user: int, *, name: str | None, is_administrator: bool | None, is_active: bool | None) -> None:
        """One who may not sign in any more is signed out."""
        values: dict[str, str | int] = {} if name is None else {"name": name}
        values |= {
            key: int(value)
            for key, value in (("is_administrator", is_administrator), ("is_active", is_active))
            if value is not None
        }

        def work(connection: Connection) -> None:
            able = _count_able(connection)
            if values:
                connection.execute(update(USERS).where(USERS.c.id == user).values(values))
            if is_active is False:
                connection.execute(delete(SESSIONS).where(SESSIONS.c.user == user))
            _insist_on_administrator(connection, able)

        self._change(work)

    def set_password(self, user: int, password_hash: str) -> None:
        """Whoever knew the former one is out."""

        def work(connection: Connection) -> None:
            connection.execute(update(USERS).where(USERS.c.id == user).values(password_hash=password_hash))
            connection.execute(delete(SESSIONS).where(SESSIONS.c.user == user))

        self._change(work)

    def password_hash(self, user: int) -> str | None:
        """Not among a `User`'s fields, so that it travels nowhere."""
        with self._database.read() as connection:
            found = connection.execute(select(USERS.c.password_hash).where(USERS.c.id == user)).scalar()
        return cast("str | None", found)

    def remove(self, user: int) -> None:
        """The rest goes with the row."""

        def work(connection: Connection) -> None:
            able = _count_able(connection)
            connection.execute(delete(USERS).where(USERS.c.id == user))
            _insist_on_administrator(connection, able)

        self._change(work)

    def set_role(self, user: int, target: str, role: Role | None) -> None:
        """One row a person and target."""
        target = target.lower()
        if not _TARGET.fullmatch(target):
            raise PeopleError(f"{target!r} is neither an owner nor a repository (owner/name) nor {EVERYTHING}")
        if role is not None and role not in ROLES:
            raise PeopleError(f"{role!r} is no role: one of {', '.join(ROLES)}")
        row = (ROLES_GIVEN.c.user == user) & (ROLES_GIVEN.c.target == target)

        def work(connection: Connection) -> None:
            connection.execute(delete(ROLES_GIVEN).where(row))
            if role is not None:
                connection.execute(insert(ROLES_GIVEN).values(user=user, target=target, role=role))

        self._change(work)

    def forget_target(self, target: str) -> None:
        """In any case."""
        gone = delete(ROLES_GIVEN).where(ROLES_GIVEN.c.target == target.lower())
        self._change(lambda connection: connection.execute(gone))

    # --- tokens ---------------------------------------------------------------------------------------------------------

    def add_token(self, token: Token, digest: bytes) -> Token:
        """The digest is looked for by its unique index: comparing it takes as long for a good as for a bad one."""
        if not token.name.strip() or len(token.name) > _LONGEST_NAME:
            raise PeopleError("a token needs a name, of at most 200 characters")
        if not token.scopes or not token.scopes.issubset(SCOPES):
            raise PeopleError(f"the scopes of a token are among {', '.join(SCOPES)}")
        if token.target and not _TARGET.fullmatch(token.target.lower()):
            raise PeopleError(f"{token.target!r} is neither an owner nor a repository (owner/name)")
        values = {
            "user": token.user,
            "name": token.name.strip(),
            "digest": digest,
            "scopes": " ".join(scope for scope in SCOPES if scope in token.scopes),
            "target": token.target.lower(),
            "created_at": _text(token.created_at),
            "expires_at": None if token.expires_at is None else _text(token.expires_at),
        }

        def work(connection: Connection) -> Token:
            key = connection.execute(insert(TOKENS).values(values)).inserted_primary_key
            assert key is not None
            return _token(connection.execute(select(TOKENS).where(TOKENS.c.id == key[0])).one())

        return self._change(work)

    def tokens(self, user: int | None) -> Sequence[Token]:
        """Without what they are good by: that is not known here."""
        query = select(TOKENS).order_by(TOKENS.c.id)
        with self._database.read() as connection:
            rows = connection.execute(query if user is None else query.where(TOKENS.c.user == user)).all()
        return [_token(row) for row in rows]

    def find_token(self, digest: bytes) -> tuple[User, Token] | None:
        """One read for both."""
        with self._database.read() as connection:
            row = connection.execute(select(TOKENS).where(TOKENS.c.digest == digest)).first()
            user = None if row is None else _read_user(connection, USERS.c.id == row.user)
        return None if row is None or user is None else (user, _token(row))

    def use_token(self, token: int, at: datetime) -> None:
        """Nothing that anybody waits for."""
        change = update(TOKENS).where(TOKENS.c.id == token).values(used_at=_text(at))
        self._database.submit(lambda connection: connection.execute(change))

    def remove_token(self, token: int) -> None:
        """Its digest leads nowhere any more."""
        self._change(lambda connection: connection.execute(delete(TOKENS).where(TOKENS.c.id == token)))

    # --- sessions -------------------------------------------------------------------------------------------------------

    def open_session(self, session: Session) -> None:
        """One row."""
        values = {
            "digest": session.digest,
            "user": session.user,
            "created_at": _text(session.created_at),
            "expires_at": _text(session.expires_at),
            "seen_at": _text(session.seen_at),
            "address": session.address[:_LONGEST_NAME],
            "agent": session.agent[:_LONGEST_NAME],
        }
        self._change(lambda connection: connection.execute(insert(SESSIONS).values(values)))

    def find_session(self, digest: bytes) -> tuple[User, Session] | None:
        """One read for both."""
        with self._database.read() as connection:
            row = connection.execute(select(SESSIONS).where(SESSIONS.c.digest == digest)).first()
            user = None if row is None else _read_user(connection, USERS.c.id == row.user)
        return None if row is None or user is None else (user, _session(row))

    def sessions(self, user: int) -> Sequence[Session]:
        """By their beginning."""
        query = select(SESSIONS).where(SESSIONS.c.user == user).order_by(SESSIONS.c.created_at.desc())
        with self._database.read() as connection:
            return [_session(row) for row in connection.execute(query).all()]

    def see_session(self, digest: bytes, seen_at: datetime, expires_at: datetime) -> None:
        """Nothing that anybody waits for."""
        values = {"seen_at": _text(seen_at), "expires_at": _text(expires_at)}
        change = update(SESSIONS).where(SESSIONS.c.digest == digest).values(values)
        self._database.submit(lambda connection: connection.execute(change))

    def close_session(self, digest: bytes) -> None:
        """The cookie leads nowhere any more."""
        self._change(lambda connection: connection.execute(delete(SESSIONS).where(SESSIONS.c.digest == digest)))

    def close_sessions(self, user: int) -> None:
        """On all browsers."""
        self._change(lambda connection: connection.execute(delete(SESSIONS).where(SESSIONS.c.user == user)))

    # --- links ----------------------------------------------------------------------------------------------------------

    def add_link(self, link: Link) -> None:
        """One at a time for each person."""
        same = LINKS.c.user.is_(None) if link.user is None else LINKS.c.user == link.user

        def work(connection: Connection) -> None:
            connection.execute(delete(LINKS).where(same))
            values = {"digest": link.digest, "user": link.user, "expires_at": _text(link.expires_at)}
            connection.execute(insert(LINKS).values(values))

        self._database.write(work)

    def find_link(self, digest: bytes, now: datetime) -> Link | None:
        """Looking does not use it up."""
        with self._database.read() as connection:
            return _read_link(connection, digest, now)

    def take_link(self, digest: bytes, now: datetime) -> Link | None:
        """The one writer reads and deletes; whoever comes second finds nothing."""

        def work(connection: Connection) -> Link | None:
            link = _read_link(connection, digest, now)
            taken = connection.execute(delete(LINKS).where(LINKS.c.digest == digest)).rowcount
            return link if taken else None

        return self._database.write(work)

    def forget_old(self, now: datetime) -> None:
        """What is over is refused before too: this only makes room."""

        def work(connection: Connection) -> None:
            for table in (SESSIONS, LINKS):
                connection.execute(delete(table).where(table.c.expires_at < _text(now)))

        self._database.write(work)

    # --- inside ---------------------------------------------------------------------------------------------------------

    def _change(self, work: Callable[[Connection], Result]) -> Result:
        try:
            return self._database.write(work)
        finally:
            self._version += 1

    def _first(self, condition: Any) -> User | None:
        with self._database.read() as connection:
            return _read_user(connection, condition)


def _count_able(connection: Connection) -> int:
    """How many administrators can sign in."""
    able = (USERS.c.is_administrator == 1) & (USERS.c.is_active == 1) & USERS.c.password_hash.is_not(None)
    return connection.execute(select(func.count()).select_from(USERS).where(able)).scalar() or 0


def _insist_on_administrator(connection: Connection, before: int) -> None:
    """Nobody can lock everybody out; a server that nobody has set up yet has none to lose."""
    if before and not _count_able(connection):
        raise PeopleError("no administrator would be left who can sign in")


def _read_user(connection: Connection, condition: Any) -> User | None:
    row = connection.execute(select(USERS).where(condition)).first()
    if row is None:
        return None
    given = connection.execute(select(ROLES_GIVEN).where(ROLES_GIVEN.c.user == row.id)).all()
    return _user(row, {each.target: cast("Role", each.role) for each in given})


def _read_link(connection: Connection, digest: bytes, now: datetime) -> Link | None:
    row = connection.execute(select(LINKS).where(LINKS.c.digest == digest)).first()
    if row is None or row.expires_at <= _text(now):
        return None
    return Link(digest=row.digest, user=row.user, expires_at=_time(row.expires_at))


def _user(row: Row[Any], roles: dict[str, Role]) -> User:
    return User(
        id=row.id,
        login=row.login,
        name=row.name,
        is_administrator=bool(row.is_administrator),
        is_active=bool(row.is_active),
        has_password=row.password_hash is not None,
        roles=roles,
        created_at=_time(row.created_at),
    )


def _token(row: Row[Any]) -> Token:
    return Token(
        id=row.id,
        user=row.user,
        name=row.name,
        scopes=frozenset(cast("list[Scope]", row.scopes.split())),
        target=row.target,
        created_at=_time(row.created_at),
        expires_at=None if row.expires_at is None else _time(row.expires_at),
        used_at=None if row.used_at is None else _time(row.used_at),
    )


def _session(row: Row[Any]) -> Session:
    return Session(
        digest=row.digest,
        user=row.user,
        created_at=_time(row.created_at),
        expires_at=_time(row.expires_at),
        seen_at=_time(row.seen_at),
        address=row.address,
        agent=row.agent,
    )


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds")


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)

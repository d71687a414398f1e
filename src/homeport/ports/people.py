"""The people of a server: who they are, what they may do, and what they show for it: passwords, tokens, sessions, one-time links."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal, Protocol

import msgspec

from homeport.ports.access import Role

Scope = Literal["read", "write", "admin"]
"""What a token is good for: looking; also starting, cancelling and pushing; everything that its owner may do."""
SCOPES: tuple[Scope, ...] = ("read", "write", "admin")
EVERYTHING = "*"
"""The target of a role that counts for every repository of the server."""


class User(msgspec.Struct, frozen=True, kw_only=True):
    """A person. `id` stays; logins are compared without case. `roles` are by `*`, `owner` and `owner/name`, in lower case."""

    id: int
    login: str
    name: str = ""
    is_administrator: bool = False
    is_active: bool = True
    """one who is not can neither sign in nor use a token"""
    has_password: bool = False
    roles: Mapping[str, Role] = {}
    created_at: datetime


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """What a program shows instead of a password. Only its digest is kept."""

    id: int
    user: int
    name: str
    scopes: frozenset[Scope]
    target: str = ""
    """the one owner or repository that it is good for, in lower case; empty: all that its user may see"""
    created_at: datetime
    expires_at: datetime | None = None
    used_at: datetime | None = None
    """to the minute"""


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """A browser that is signed in. Only the digest of its cookie is kept."""

    digest: bytes
    user: int
    created_at: datetime
    expires_at: datetime
    seen_at: datetime
    address: str = ""
    agent: str = ""


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """A link that is good once: to choose a password, and for the first administrator (`user` None) a login too."""

    digest: bytes
    user: int | None
    expires_at: datetime


class PeopleError(Exception):
    """A person, token or role cannot be added or changed as was asked, in words."""


class People(Protocol):
    """All of them. Safe from any thread; what was changed is durable when a call returns. All may raise `StoreError`.

    Digests are SHA-256 of what was given out: it is random, and so long that nobody guesses it.
    """

    @property
    def version(self) -> int:
        """Goes up with every change made through this instance that matters to who may do what."""
        ...

    def add(self, login: str, *, name: str, is_administrator: bool, at: datetime) -> User:
        """A new person, without a password. Raises `PeopleError` where the login is taken or is none."""
        ...

    def find(self, login: str) -> User | None:
        """By login, in any case."""
        ...

    def get(self, user: int) -> User | None:
        """By number."""
        ...

    def list(self) -> Sequence[User]:
        """By login."""
        ...

    def change(self, user: int, *, name: str | None, is_administrator: bool | None, is_active: bool | None) -> None:
        """What is None stays. Raises `PeopleError` where no administrator would be left who can sign in."""
        ...

    def set_password(self, user: int, password_hash: str) -> None:
        """Every session of the person ends."""
        ...

    def password_hash(self, user: int) -> str | None:
        """For the check of a password; None where there is none."""
        ...

    def remove(self, user: int) -> None:
        """With roles, tokens and sessions. Raises `PeopleError` as `change` does."""
        ...

    def set_role(self, user: int, target: str, role: Role | None) -> None:
        """Give (None: take away) a role. `target` is `*`, `owner` or `owner/name`."""
        ...

    def forget_target(self, target: str) -> None:
        """Nobody has a role in it any more: it was removed, and another may be called so later."""
        ...

    def add_token(self, token: Token, digest: bytes) -> Token:
        """A new one; its `id` is given here."""
        ...

    def tokens(self, user: int | None) -> Sequence[Token]:
        """A person's, or everybody's, by number."""
        ...

    def find_token(self, digest: bytes) -> tuple[User, Token] | None:
        """Whose it is, whether or not it is still good."""
        ...

    def use_token(self, token: int, at: datetime) -> None:
        """It was shown. Does not wait until that is durable."""
        ...

    def remove_token(self, token: int) -> None:
        """It is good for nothing any more. Removing twice is no error."""
        ...

    def open_session(self, session: Session) -> None:
        """Somebody has signed in."""
        ...

    def find_session(self, digest: bytes) -> tuple[User, Session] | None:
        """Whose it is, whether or not it is still good."""
        ...

    def sessions(self, user: int) -> Sequence[Session]:
        """A person's, the newest first."""
        ...

    def see_session(self, digest: bytes, seen_at: datetime, expires_at: datetime) -> None:
        """It was used. Does not wait until that is durable."""
        ...

    def close_session(self, digest: bytes) -> None:
        """Somebody has signed out. Closing twice is no error."""
        ...

    def close_sessions(self, user: int) -> None:
        """All of a person."""
        ...

    def add_link(self, link: Link) -> None:
        """Former links for the same person (or for the first administrator) are good for nothing any more."""
        ...

    def find_link(self, digest: bytes, now: datetime) -> Link | None:
        """One that is still good."""
        ...

    def take_link(self, digest: bytes, now: datetime) -> Link | None:
        """Use it up: only one of many who ask at once gets it."""
        ...

    def forget_old(self, now: datetime) -> None:
        """Sessions and links whose time is over."""
        ...

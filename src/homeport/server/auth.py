"""Finds out, once at the beginning of a request, who it comes from; and refuses, in one place, what somebody may not do.

A browser shows a cookie; a program a token (`Authorization: Bearer …` or `token …`; git and others by HTTP basic, as the password);
a job the token that it was given. Tokens are looked up by their digest, so there is nothing to compare that could be timed.
"""

import base64
import threading
from datetime import datetime, timedelta

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection

from homeport.ports.access import ANONYMOUS, Caller, Role
from homeport.ports.clock import Clock
from homeport.ports.directory import HostedRepository
from homeport.ports.people import EVERYTHING, People, Token, User
from homeport.server.credentials import JOB, PERSONAL, digest_of, form_token
from homeport.server.job_tokens import JobTokens

SECURE_COOKIE = "__Host-homeport"
"""Under HTTPS: a browser takes it from this host only, and for all of its paths."""
COOKIE = "homeport"
SESSION_DAYS = 14
"""A session that is not used for so long has ended."""
LONGEST_SESSION_DAYS = 90
"""However much it is used."""
_KNOWN_SECONDS = 5.0
"""How long what another process changes may go unnoticed; what this one changes is noticed at once"""
_MOST_KNOWN = 10_000
_NOTED_SECONDS = 60.0


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """Who a request comes from. `form_token` is what forms of this session carry in their field `form_token`."""

    caller: Caller = ANONYMOUS
    session: str = ""
    """the cookie, where there is a session"""
    form_token: str = ""
    is_whole: bool = False
    """whether everything may be done that the person may: a session, or a token that was not narrowed"""
    token: int | None = None
    """the number of a person's token, where one was shown"""
    expires_at: datetime | None = None


NOBODY = Identity()


class _Known(msgspec.Struct, frozen=True):
    """An identity as it was looked up."""

    identity: Identity
    version: int
    until: float


class Identities:
    """Looks callers up, and remembers for a moment. Safe from any thread."""

    def __init__(self, people: People, job_tokens: JobTokens, clock: Clock) -> None:
        self._people = people
        self._job_tokens = job_tokens
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[bytes, _Known] = {}

    async def find_by_token(self, token: str) -> Identity | None:
        """None where it is good for nothing."""
        digest = digest_of(token)
        if token.startswith(JOB):
            # not remembered: it is dead the moment its job has ended
            caller = await run_in_threadpool(self._job_tokens.find, digest)
            return None if caller is None else Identity(caller=caller)
        if not token.startswith(PERSONAL):
            return None
        return self._recall(digest) or await run_in_threadpool(self._look_up_token, digest)

    async def find_by_cookie(self, cookie: str) -> Identity | None:
        """None where the session is over."""
        digest = digest_of(cookie)
        return self._recall(digest) or await run_in_threadpool(self._look_up_session, digest, cookie)

    # --- inside ---------------------------------------------------------------------------------------------------------

    def _recall(self, digest: bytes) -> Identity | None:
        known = self._known.get(digest)
        if known is None or known.version != self._people.version or known.until < self._clock.monotonic():
            return None
        expires_at = known.identity.expires_at
        return known.identity if expires_at is None or expires_at > self._clock.now() else None

    def _remember(self, digest: bytes, identity: Identity, version: int) -> Identity:
        with self._lock:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            self._known[digest] = _Known(identity, version, self._clock.monotonic() + _KNOWN_SECONDS)
        return identity

    def _look_up_token(self, digest: bytes) -> Identity | None:
        version, now = self._people.version, self._clock.now()
        found = self._people.find_token(digest)
        if found is None:
            return None
        user, token = found
        if not user.is_active or (token.expires_at is not None and token.expires_at <= now):
            return None
        if token.used_at is None or (now - token.used_at).total_seconds() > _NOTED_SECONDS:
            self._people.use_token(token.id, now)
        identity = Identity(
            caller=caller_of_token(user, token),
            is_whole="admin" in token.scopes and not token.target,
            token=token.id,
            expires_at=token.expires_at,
        )
        return self._remember(digest, identity, version)

    def _look_up_session(self, digest: bytes, cookie: str) -> Identity | None:
        version, now = self._people.version, self._clock.now()
        found = self._people.find_session(digest)
        if found is None:
            return None
        user, session = found
        if not user.is_active or session.expires_at <= now:
            return None
        if (now - session.seen_at).total_seconds() > _NOTED_SECONDS:
            latest = session.created_at + timedelta(days=LONGEST_SESSION_DAYS)
            self._people.see_session(digest, now, min(now + timedelta(days=SESSION_DAYS), latest))
        identity = Identity(
            caller=caller_of(user),
            is_whole=True,
            session=cookie,
            form_token=form_token(cookie),
            expires_at=session.expires_at,
        )
        return self._remember(digest, identity, version)


def caller_of(user: User) -> Caller:
    """A person who is signed in."""
    return Caller(kind="user", login=user.login, is_administrator=user.is_administrator, roles=user.roles)


def caller_of_token(user: User, token: Token) -> Caller:
    """A person by a token: what the person may do, as far as the token goes.

    A token for one owner or repository has the person's role there and none elsewhere. An administrator's that is narrowed is no
    administrator, but has the role everywhere, within its scopes.
    """
    roles = dict(user.roles)
    if user.is_administrator:
        roles[EVERYTHING] = "administrator"
    if token.target:
        owner = token.target.partition("/")[0]
        reach = [roles[name] for name in (EVERYTHING, owner, token.target) if name in roles]
        roles = {token.target: max(reach, key=_rank)} if reach else {}
    is_whole = "admin" in token.scopes and not token.target
    return Caller(
        kind="user",
        login=user.login,
        is_administrator=user.is_administrator and is_whole,
        roles=roles,
        scopes=frozenset(token.scopes),
    )


def read_token(header: str) -> str:
    """The token of an `Authorization` header; empty where it holds none that could be ours.

    With HTTP basic it is the password; or the name, with any password, as GitHub takes it too.
    """
    kind, _, rest = header.partition(" ")
    if kind.lower() in ("bearer", "token"):
        return rest.strip()
    if kind.lower() != "basic":
        return ""
    try:
        name, _, password = base64.b64decode(rest.strip(), validate=True).decode().partition(":")
    except ValueError:
        return ""
    return name if name.startswith((PERSONAL, JOB)) and not password.startswith((PERSONAL, JOB)) else password


# --- what routes ask --------------------------------------------------------------------------------------------------------


def find_identity(request: HTTPConnection) -> Identity:
    """As the middleware (`server.identification`) found it."""
    identity = request.state.identity
    assert isinstance(identity, Identity)
    return identity


async def find_caller(request: HTTPConnection) -> Caller:
    """Who the request comes from; `ANONYMOUS` where nobody says."""
    return find_identity(request).caller


def demand(
    request: HTTPConnection, role: Role, repository: HostedRepository | None, *, permission: str = ""
) -> HostedRepository:
    """The repository, if the caller may do there what this role may. `permission` is what a job's token needs instead of a role
    (`actions`, `contents`, …): to read for a reader, else to write; without it jobs may not at all.

    Refused with 401 (nobody is signed in), 404 (it is not to be known that it exists) or 403. Every refusal is in the audit log.
    """
    caller = find_identity(request).caller
    is_seen = repository is not None and caller.role_in(repository) is not None
    if repository is not None and is_seen and _may(caller, role, repository, permission):
        return repository
    wanted = repository.full_name if repository is not None else request.url.path
    if caller.kind == "anonymous":
        raise refuse(request, 401, f"Sign in to use {wanted}." if is_seen else "Requires authentication", wanted)
    if repository is None:
        raise HTTPException(404, "Not Found")
    if not is_seen:
        raise refuse(request, 404, "Not Found", wanted)
    needed = f"the permission {permission}" if caller.kind == "job" else f"the role {role}"
    raise refuse(request, 403, f"This needs {needed} in {wanted}.", wanted)


def demand_administrator(request: HTTPConnection) -> Caller:
    """The caller, who may change the whole server. Refused with 401 or 403."""
    caller = find_identity(request).caller
    if caller.kind == "anonymous":
        raise refuse(request, 401, "Requires authentication", "server")
    if not caller.is_administrator:
        raise refuse(request, 403, "This needs an administrator of the server.", "server")
    return caller


def refuse(request: HTTPConnection, status: int, reason: str, target: str) -> HTTPException:
    """The refusal to raise; the middleware writes it into the audit log."""
    request.state.refusal = (target, reason)
    headers = {"www-authenticate": 'Basic realm="Homeport"'} if status == 401 else None
    return HTTPException(status, reason, headers)


def _may(caller: Caller, role: Role, repository: HostedRepository, permission: str) -> bool:
    if caller.kind != "job":
        return caller.may(role, repository)
    if role == "reader" and not repository.is_private:
        return True
    return bool(permission) and caller.may_use(permission, "read" if role == "reader" else "write", repository)


def _rank(role: Role) -> int:
    return ("reader", "writer", "maintainer", "administrator").index(role)

"""Who asks, and what they may do."""

from collections.abc import Mapping
from typing import Literal

import msgspec

from homeport.ports.directory import HostedRepository

Role = Literal["reader", "writer", "maintainer", "administrator"]
"""Each may do what the ones before it may. A reader sees; a writer starts, cancels and pushes; a maintainer keeps secrets, settings and
approvals; an administrator keeps people and repositories."""
ROLES: tuple[Role, ...] = ("reader", "writer", "maintainer", "administrator")

Grants = Mapping[str, Literal["read", "write", "none"]]
"""What a job's token may do, by GitHub's names of permissions (`actions`, `contents`, `statuses`, …)."""


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Who a request comes from, as it was found out once at its beginning.

    `roles` holds roles by `*` (every repository), `owner` (all repositories of it) and `owner/name`, in lower case; the highest counts.
    A job's token has `grants` for its one repository instead.
    """

    kind: Literal["anonymous", "user", "job"] = "anonymous"
    login: str = ""
    is_administrator: bool = False
    """of the whole server; false for a token that was narrowed to less than `admin`, whoever's it is"""
    roles: Mapping[str, Role] = {}
    scopes: frozenset[str] | None = None
    """what a token was narrowed to (`read`, `write`, `admin`); None: a session, or everything"""
    run: str = ""
    """of a job's token"""
    repository: str = ""
    """of a job's token: `owner/name`"""
    grants: Grants = {}

    def role_in(self, repository: HostedRepository) -> Role | None:
        """The role in one repository; None: it is not to be known that it exists."""
        if self.kind == "job":
            is_own = self.repository.lower() == repository.full_name.lower()
            return "reader" if is_own or not repository.is_private else None
        found: list[Role] = [] if repository.is_private else ["reader"]
        found += [
            self.roles[name]
            for name in ("*", repository.owner.lower(), repository.full_name.lower())
            if name in self.roles
        ]
        if self.is_administrator:
            found.append("administrator")
        return max(found, key=ROLES.index, default=None)

    def may(self, role: Role, repository: HostedRepository) -> bool:
        """Whether the caller may do what this role may, also by the scopes of the token that was shown."""
        own = self.role_in(repository)
        return own is not None and ROLES.index(own) >= ROLES.index(role) and self._is_within_scopes(role)

    def may_for_owner(self, role: Role, owner: str) -> bool:
        """Whether the caller may do what this role may in everything of an owner: making a repository, its secrets."""
        return self.may_for_target(role, owner)

    def may_for_target(self, role: Role, target: str) -> bool:
        """The same for whatever a role is given in: `*`, an owner, or one repository (`owner/name`), whether or not it is there."""
        owner = target.partition("/")[0]
        found: list[Role] = [self.roles[name] for name in {"*", owner.lower(), target.lower()} if name in self.roles]
        if self.is_administrator:
            found.append("administrator")
        own = max(found, key=ROLES.index, default=None)
        return (
            self.kind == "user"
            and own is not None
            and ROLES.index(own) >= ROLES.index(role)
            and self._is_within_scopes(role)
        )

    def may_use(self, permission: str, level: Literal["read", "write"], repository: HostedRepository) -> bool:
        """For a job's token: whether its `permissions` grant this in this repository; False for everybody else."""
        if self.kind != "job" or self.repository.lower() != repository.full_name.lower():
            return False
        return self.grants.get(permission, "none") in ("write", level)

    def _is_within_scopes(self, role: Role) -> bool:
        if self.scopes is None or "admin" in self.scopes:
            return True
        return role == "reader" or (role == "writer" and "write" in self.scopes)


ANONYMOUS = Caller()

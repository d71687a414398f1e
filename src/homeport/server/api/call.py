"""One request on its way to its handler: who asks, of which repository, with what."""

from collections.abc import Sequence
from typing import NoReturn

import msgspec
from starlette.requests import Request

from homeport.ports.access import ROLES, Caller, Role
from homeport.ports.directory import HostedRepository
from homeport.rest.entries import PersonEntry, RepositoryEntry
from homeport.rest.links import Links
from homeport.server.api.answers import Answer, ApiRefusalError, FieldError, Page, RightsError, link_pages
from homeport.server.api.parts import ApiParts
from homeport.server.api.rates import Rate


class Permission(msgspec.Struct, frozen=True):
    """What must be allowed: the `role` of a person, or the grant of a job's token by GitHub's name of it."""

    role: Role
    grant: str = "metadata"
    """`metadata` is what every token may read"""
    level: str = "read"
    is_owners: bool = False
    """it is about everything of an owner (`/orgs/{org}/…`)"""


class Call:
    """What every handler gets. Handlers run in threads: they may block."""

    def __init__(
        self, request: Request, parts: ApiParts, caller: Caller, found: HostedRepository | None, rate: Rate, group: str
    ) -> None:
        self.group = group
        """the part of GitHub's documentation that the endpoint belongs to"""
        self.parts = parts
        self.caller = caller
        self.rate = rate
        self.links = links_of(request, parts)
        self._request = request
        self._found = found

    @property
    def repository(self) -> HostedRepository:
        """The one in the address; only for endpoints below `/repos/{owner}/{repo}`."""
        assert self._found is not None
        return self._found

    @property
    def entry(self) -> RepositoryEntry:
        """The same for answers."""
        return entry_of(self.repository)

    @property
    def accepts(self) -> str:
        """The kinds of answers that the caller takes."""
        return self._request.headers.get("accept", "").lower()

    def has(self, name: str) -> bool:
        """Whether the path has such a part."""
        return name in self._request.path_params

    def note(self, action: str, target: str) -> None:
        """Write into the audit log what was done, in the repository of the address where there is one."""
        where = target if self._found is None else f"{self._found.full_name} {target}".rstrip()
        address = self._request.client.host if self._request.client else ""
        self.parts.audit.note(self.caller, action, where, address=address)

    def text(self, name: str) -> str:
        """A part of the path."""
        return str(self._request.path_params[name])

    def number(self, name: str) -> int:
        """A part of the path that is a number. Raises `ApiRefusalError` with 404 for anything else."""
        text = self.text(name)
        if text.isascii() and text.isdigit() and len(text) < 19:
            return int(text)
        return self.refuse_unknown()

    def page(self, body: object, page: Page, total: int) -> Answer:
        """A part of a list, with the links to the others."""
        query = self._request.url.query
        address = self.links.site + self._request.url.path + (f"?{query}" if query else "")
        return Answer(body=body, headers=link_pages(address, page, total))

    def refuse_unknown(self) -> NoReturn:
        """There is no such thing, or it is not to be known."""
        raise ApiRefusalError(404, "Not Found")

    def forbid(self, message: str) -> NoReturn:
        """The caller may not."""
        raise ApiRefusalError(403, message)

    def refuse(self, message: str, errors: Sequence[FieldError] = ()) -> NoReturn:
        """It cannot be done as it is asked for."""
        raise ApiRefusalError(422, message, errors=errors)


def entry_of(repository: HostedRepository) -> RepositoryEntry:
    """A repository for answers. Owners have no numbers: a negative one would upset clients, so theirs is made of the name."""
    return RepositoryEntry(
        id=repository.id,
        owner=PersonEntry(repository.owner, owner_id(repository.owner)),
        name=repository.name,
        is_private=repository.is_private,
        default_branch=repository.default_branch,
        clone_url=repository.clone_url,
    )


def owner_id(owner: str) -> int:
    """A number for an owner, who has none of his own here."""
    return int.from_bytes(owner.lower().encode("utf-8", "surrogatepass")[-6:], "big") & 0x7FFF_FFFF


def links_of(request: Request, parts: ApiParts) -> Links:
    """What links begin with: the public address where there is one, else that by which the server was called."""
    site = parts.settings.public_url.rstrip("/") or f"{request.url.scheme}://{request.url.netloc}"
    return Links(f"{site}/api/v3", site)


def check_allowed(caller: Caller, permission: Permission, found: HostedRepository) -> None:
    """Raises `RightsError`: 401 for nobody, 404 for who may not know of the repository, 403 for who may not do it."""
    if caller.role_in(found) is None:
        refuse_hidden(caller)
    if caller.kind == "job":
        check_grant(caller, permission, found)
    elif not caller.may(permission.role, found):
        if caller.kind == "anonymous":
            raise RightsError(401, "Requires authentication")
        raise RightsError(403, _words_for(permission.role))


def check_grant(caller: Caller, permission: Permission, found: HostedRepository) -> None:
    """What a job's token may do follows its grants; in other repositories it sees what everybody sees."""
    is_own = caller.repository.lower() == found.full_name.lower()
    granted = "write" if permission.grant == "metadata" else caller.grants.get(permission.grant, "none")
    wanted = ("read", "write") if permission.level == "read" else ("write",)
    if (permission.level == "write" and not is_own) or (is_own and granted not in wanted):
        raise RightsError(
            403,
            "Resource not accessible by integration",
            headers={"x-accepted-github-permissions": f"{permission.grant}={permission.level}"},
        )


def check_owner(caller: Caller, permission: Permission, owner: str) -> None:
    """For what belongs to an owner, not to one of his repositories: no job's token reaches it."""
    if caller.may_for_owner(permission.role, owner):
        return
    if caller.may_for_owner("reader", owner):
        raise RightsError(403, "Must be an owner of the organization.")
    refuse_hidden(caller)


def refuse_hidden(caller: Caller) -> NoReturn:
    """What the caller is not to know of: to nobody everything private is that, whether it exists or not."""
    if caller.kind == "anonymous":
        raise RightsError(401, "Requires authentication")
    raise RightsError(404, "Not Found")


def _words_for(role: Role) -> str:
    if ROLES.index(role) >= ROLES.index("maintainer"):
        return "Must have admin rights to Repository."
    return "Must have write access to this repository."

"""Repositories and who owns them: `/repos/{owner}/{repo}`, `/user`, `/orgs/{org}/repos` … (docs: "… for repositories", "… users")."""

from typing import NoReturn

from homeport.ports.directory import HostedRepository
from homeport.rest.entries import PersonEntry
from homeport.rest.links import format_time
from homeport.rest.repositories import FullRepository, show_full_repository
from homeport.rest.users import FullUser, Organization, show_full_user, show_organization
from homeport.server.api.answers import Answer, Page
from homeport.server.api.call import Call, Permission, entry_of, owner_id
from homeport.server.api.described import person_of, rights_in
from homeport.server.api.endpoint import Endpoint, Nothing, endpoint

READ = Permission("reader")
_UNKNOWN_TIME = "1970-01-01T00:00:00Z"
"""clients expect a time where none is known: GitHub's own word for never"""


def get_repository(call: Call, _: Nothing) -> Answer:
    """One repository, with what the caller may do in it."""
    return Answer(body=_show(call, call.repository))


def list_own(call: Call, query: Page) -> Answer:
    """Those that the caller may see."""
    return _page(call, query, _seen(call, None))


def list_of_owner(call: Call, query: Page) -> Answer:
    """Those of one owner that the caller may see. There is no such owner where there are none."""
    found = _seen(call, call.text("owner"))
    if not found and call.parts.people.find(call.text("owner")) is None:
        call.refuse_unknown()
    return _page(call, query, found)


def get_own_user(call: Call, _: Nothing) -> Answer:
    """Who asks. A job's token is nobody's, as on GitHub."""
    if call.caller.kind != "user":
        _refuse_integration(call)
    return _show_person(call, call.caller.login)


def get_user(call: Call, _: Nothing) -> Answer:
    """Somebody who has an account here, or owns a repository that the caller may see."""
    login = call.text("username")
    owned = _seen(call, login)
    if call.parts.people.find(login) is None and not owned:
        call.refuse_unknown()
    return _show_person(call, owned[0].owner if owned else login)


def get_organization(call: Call, _: Nothing) -> Answer:
    """An owner of repositories that the caller may see, or in all of whose the caller has a role."""
    name = call.text("org")
    owned = _seen(call, name)
    if not owned and name.lower() not in call.caller.roles:
        call.refuse_unknown()
    login = owned[0].owner if owned else name
    shown = show_organization(
        PersonEntry(login, owner_id(login), "Organization"),
        call.links,
        since=_UNKNOWN_TIME,
        public_repositories=sum(not each.is_private for each in owned),
    )
    return Answer(body=shown)


def _show_person(call: Call, login: str) -> Answer:
    user = call.parts.people.find(login)
    person = (
        PersonEntry(login, owner_id(login), "Organization") if user is None else person_of(call.parts.people, login)
    )
    shown = show_full_user(
        person,
        call.links,
        name="" if user is None else user.name,
        since=_UNKNOWN_TIME if user is None else format_time(user.created_at),
        public_repositories=sum(not each.is_private for each in _seen(call, login)),
    )
    return Answer(body=shown)


def _seen(call: Call, owner: str | None) -> list[HostedRepository]:
    wanted = None if owner is None else owner.lower()
    return [
        each
        for each in call.parts.directory.list()
        if wanted in {None, each.owner.lower()} and call.caller.role_in(each) is not None
    ]


def _page(call: Call, query: Page, found: list[HostedRepository]) -> Answer:
    shown = tuple(_show(call, each) for each in query.cut(found))
    return call.page(shown, query, len(found))


def _show(call: Call, repository: HostedRepository) -> FullRepository:
    """It was pushed to when its newest run began: what came before is not known here."""
    newest = call.parts.reading.newest(repository)
    return show_full_repository(
        entry_of(repository),
        call.links,
        rights_in(call.caller, repository),
        since=_UNKNOWN_TIME,
        pushed_at=_UNKNOWN_TIME if newest is None else format_time(newest.created_at),
    )


def _refuse_integration(call: Call) -> NoReturn:
    call.forbid("Resource not accessible by integration")


ENDPOINTS: tuple[Endpoint, ...] = (
    endpoint(
        "GET",
        "/repos/{owner}/{repo}",
        "repos/get",
        "Get a repository",
        get_repository,
        Nothing,
        permission=READ,
        answer=FullRepository,
    ),
    endpoint(
        "GET",
        "/user",
        "users/get-authenticated",
        "Get the caller",
        get_own_user,
        Nothing,
        answer=FullUser,
    ),
    endpoint(
        "GET",
        "/user/repos",
        "repos/list-for-authenticated-user",
        "List the repositories that the caller may see",
        list_own,
        Page,
        answer=tuple[FullRepository, ...],
    ),
    endpoint(
        "GET",
        "/users/{username}",
        "users/get-by-username",
        "Get a person or an owner of repositories",
        get_user,
        Nothing,
        answer=FullUser,
    ),
    endpoint(
        "GET",
        "/orgs/{org}",
        "orgs/get",
        "Get an owner of repositories",
        get_organization,
        Nothing,
        answer=Organization,
    ),
    endpoint(
        "GET",
        "/users/{owner}/repos",
        "repos/list-for-user",
        "List the repositories of an owner",
        list_of_owner,
        Page,
        answer=tuple[FullRepository, ...],
    ),
    endpoint(
        "GET",
        "/orgs/{owner}/repos",
        "repos/list-for-org",
        "List the repositories of an owner",
        list_of_owner,
        Page,
        answer=tuple[FullRepository, ...],
    ),
)

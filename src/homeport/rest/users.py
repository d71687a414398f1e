"""People and organisations in answers."""

from typing import Any, Literal

import msgspec

from homeport.ports.run_entries import PersonEntry
from homeport.rest.links import Links, node_id


class SimpleUser(msgspec.Struct, frozen=True, kw_only=True):
    """GitHub's `simple-user`."""

    login: str
    id: int
    node_id: str
    avatar_url: str
    gravatar_id: str
    url: str
    html_url: str
    followers_url: str
    following_url: str
    gists_url: str
    starred_url: str
    subscriptions_url: str
    organizations_url: str
    repos_url: str
    events_url: str
    received_events_url: str
    type: Literal["User", "Organization", "Bot"]
    site_admin: bool


class FullUser(SimpleUser, frozen=True, kw_only=True):
    """GitHub's `public-user`: what `/user` and `/users/{username}` answer."""

    name: str | None
    company: str | None = None
    blog: str | None = None
    location: str | None = None
    email: str | None = None
    hireable: bool | None = None
    bio: str | None = None
    public_repos: int = 0
    public_gists: int = 0
    followers: int = 0
    following: int = 0
    created_at: str
    updated_at: str


class Organization(msgspec.Struct, frozen=True, kw_only=True):
    """GitHub's `organization-full`: whoever owns repositories."""

    login: str
    id: int
    node_id: str
    url: str
    repos_url: str
    events_url: str
    hooks_url: str
    issues_url: str
    members_url: str
    public_members_url: str
    avatar_url: str
    description: str | None = None
    html_url: str
    has_organization_projects: bool = False
    has_repository_projects: bool = False
    public_repos: int = 0
    public_gists: int = 0
    followers: int = 0
    following: int = 0
    type: str = "Organization"
    created_at: str
    updated_at: str
    archived_at: str | None = None


def show_organization(owner: PersonEntry, links: Links, *, since: str, public_repositories: int) -> Organization:
    """An owner as an organisation."""
    address = f"{links.api}/orgs/{owner.login}"
    return Organization(
        login=owner.login,
        id=owner.id,
        node_id=node_id("O", owner.id, owner.login),
        url=address,
        repos_url=f"{address}/repos",
        events_url=f"{address}/events",
        hooks_url=f"{address}/hooks",
        issues_url=f"{address}/issues",
        members_url=f"{address}/members{{/member}}",
        public_members_url=f"{address}/public_members{{/member}}",
        avatar_url=f"{links.site}/static/person.svg",
        html_url=f"{links.site}/{owner.login}",
        public_repos=public_repositories,
        created_at=since,
        updated_at=since,
    )


def show_user(person: PersonEntry, links: Links) -> SimpleUser:
    """Somebody, in short."""
    return SimpleUser(**_fields(person, links))


def show_full_user(person: PersonEntry, links: Links, *, name: str, since: str, public_repositories: int) -> FullUser:
    """Somebody, at length."""
    return FullUser(
        **_fields(person, links),
        name=name or None,
        created_at=since,
        updated_at=since,
        public_repos=public_repositories,
    )


def _fields(person: PersonEntry, links: Links) -> dict[str, Any]:
    address = f"{links.api}/users/{person.login}"
    return {
        "login": person.login,
        "id": person.id,
        "node_id": node_id("U", person.id, person.login),
        "avatar_url": f"{links.site}/static/person.svg",
        "gravatar_id": "",
        "url": address,
        "html_url": f"{links.site}/{person.login}",
        "followers_url": f"{address}/followers",
        "following_url": f"{address}/following{{/other_user}}",
        "gists_url": f"{address}/gists{{/gist_id}}",
        "starred_url": f"{address}/starred{{/owner}}{{/repo}}",
        "subscriptions_url": f"{address}/subscriptions",
        "organizations_url": f"{address}/orgs",
        "repos_url": f"{address}/repos",
        "events_url": f"{address}/events{{/privacy}}",
        "received_events_url": f"{address}/received_events",
        "type": person.kind,
        "site_admin": False,
    }

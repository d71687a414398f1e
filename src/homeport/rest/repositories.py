"""Repositories in answers."""

from typing import Any

import msgspec

from homeport.ports.run_entries import RepositoryEntry
from homeport.rest.links import Links, node_id
from homeport.rest.users import SimpleUser, show_user

_BELOW = {
    "archive_url": "/{archive_format}{/ref}",
    "assignees_url": "/assignees{/user}",
    "blobs_url": "/git/blobs{/sha}",
    "branches_url": "/branches{/branch}",
    "collaborators_url": "/collaborators{/collaborator}",
    "comments_url": "/comments{/number}",
    "commits_url": "/commits{/sha}",
    "compare_url": "/compare/{base}...{head}",
    "contents_url": "/contents/{+path}",
    "contributors_url": "/contributors",
    "deployments_url": "/deployments",
    "downloads_url": "/downloads",
    "events_url": "/events",
    "forks_url": "/forks",
    "git_commits_url": "/git/commits{/sha}",
    "git_refs_url": "/git/refs{/sha}",
    "git_tags_url": "/git/tags{/sha}",
    "hooks_url": "/hooks",
    "issue_comment_url": "/issues/comments{/number}",
    "issue_events_url": "/issues/events{/number}",
    "issues_url": "/issues{/number}",
    "keys_url": "/keys{/key_id}",
    "labels_url": "/labels{/name}",
    "languages_url": "/languages",
    "merges_url": "/merges",
    "milestones_url": "/milestones{/number}",
    "notifications_url": "/notifications{?since,all,participating}",
    "pulls_url": "/pulls{/number}",
    "releases_url": "/releases{/id}",
    "stargazers_url": "/stargazers",
    "statuses_url": "/statuses/{sha}",
    "subscribers_url": "/subscribers",
    "subscription_url": "/subscription",
    "tags_url": "/tags",
    "teams_url": "/teams",
    "trees_url": "/git/trees{/sha}",
}
"""The addresses that every repository has, below its own; clients read them, most lead to what this server refuses."""


class MinimalRepository(msgspec.Struct, frozen=True, kw_only=True):
    """GitHub's `minimal-repository`."""

    id: int
    node_id: str
    name: str
    full_name: str
    owner: SimpleUser
    private: bool
    html_url: str
    description: str | None
    fork: bool
    url: str
    archive_url: str
    assignees_url: str
    blobs_url: str
    branches_url: str
    collaborators_url: str
    comments_url: str
    commits_url: str
    compare_url: str
    contents_url: str
    contributors_url: str
    deployments_url: str
    downloads_url: str
    events_url: str
    forks_url: str
    git_commits_url: str
    git_refs_url: str
    git_tags_url: str
    hooks_url: str
    issue_comment_url: str
    issue_events_url: str
    issues_url: str
    keys_url: str
    labels_url: str
    languages_url: str
    merges_url: str
    milestones_url: str
    notifications_url: str
    pulls_url: str
    releases_url: str
    stargazers_url: str
    statuses_url: str
    subscribers_url: str
    subscription_url: str
    tags_url: str
    teams_url: str
    trees_url: str


class Permissions(msgspec.Struct, frozen=True, kw_only=True):
    """What the caller may do in a repository, in GitHub's words."""

    admin: bool
    maintain: bool
    push: bool
    triage: bool
    pull: bool


class FullRepository(MinimalRepository, frozen=True, kw_only=True):
    """GitHub's `full-repository`. Issues, wikis, pages and the like are the forge's: here they are off, and counts are 0."""

    git_url: str
    ssh_url: str
    clone_url: str
    svn_url: str
    mirror_url: str | None = None
    homepage: str | None = None
    language: str | None = None
    forks_count: int = 0
    stargazers_count: int = 0
    watchers_count: int = 0
    size: int = 0
    default_branch: str
    open_issues_count: int = 0
    is_template: bool = False
    topics: tuple[str, ...] = ()
    has_issues: bool = False
    has_projects: bool = False
    has_wiki: bool = False
    has_pages: bool = False
    has_downloads: bool = False
    has_discussions: bool = False
    archived: bool = False
    disabled: bool = False
    visibility: str
    pushed_at: str
    created_at: str
    updated_at: str
    permissions: Permissions
    subscribers_count: int = 0
    network_count: int = 0
    license: None = None
    forks: int = 0
    open_issues: int = 0
    watchers: int = 0
    allow_forking: bool = False


def show_repository(repository: RepositoryEntry, links: Links) -> MinimalRepository:
    """A repository, in short."""
    return MinimalRepository(**_fields(repository, links))


def show_full_repository(
    repository: RepositoryEntry, links: Links, permissions: Permissions, *, since: str, pushed_at: str
) -> FullRepository:
    """A repository, at length."""
    host = links.site.partition("://")[2].partition("/")[0].partition(":")[0]
    page = links.page(repository.full_name)
    return FullRepository(
        **_fields(repository, links),
        git_url=f"git://{host}/{repository.full_name}.git",
        ssh_url=f"ssh://git@{host}/{repository.full_name}.git",
        clone_url=repository.clone_url or f"{page}.git",
        svn_url=page,
        default_branch=repository.default_branch,
        visibility="private" if repository.is_private else "public",
        permissions=permissions,
        created_at=since,
        updated_at=pushed_at,
        pushed_at=pushed_at,
    )


def _fields(repository: RepositoryEntry, links: Links) -> dict[str, Any]:
    address = links.repository(repository.full_name)
    return {
        "id": repository.id,
        "node_id": node_id("R", repository.id),
        "name": repository.name,
        "full_name": repository.full_name,
        "owner": show_user(repository.owner, links),
        "private": repository.is_private,
        "html_url": links.page(repository.full_name),
        "description": None,
        "fork": False,
        "url": address,
        **{name: address + end for name, end in _BELOW.items()},
    }

"""Gathers what git knows about a workspace, and makes the event that a person asked for of it."""

import re
import zlib
from collections.abc import Mapping
from os import path
from typing import Any

import msgspec

from homeport.cli.changes import find_base
from homeport.cli.workspace import Workspace
from homeport.event import Event, Repository
from homeport.event.local import build_local_event
from homeport.event.local_facts import NO_SHA, LocalFacts
from homeport.git.changes import list_commits
from homeport.git.repository import GitRepository

_URL = r"(https?|ssh|git)://(?:[^@/]*@)?([^:/]+(?::\d+)?)/(?:.*/)?([^/]+)/([^/]+?)(?:\.git)?/?"
_SCP = r"()(?:[^@/:]+@)?([^:/]+):(?!//)(?:.*/)?([^/]+)/([^/]+?)(?:\.git)?/?"


class EventRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What a person asked for. `ref` is a branch, a tag or a full ref; `now` ISO 8601."""

    name: str = "push"
    payload: Mapping[str, Any] = {}
    ref: str | None = None
    actor: str
    now: str


def make_event(workspace: Workspace, request: EventRequest, *, is_changed: bool = False) -> Event:
    """The event, about the commit that is checked out, or the one that the request names. Raises `GitError`.

    `is_changed` is whether the working tree has changes that no commit holds.
    """
    git = workspace.git
    ref = None if request.ref is None else _full_ref(git, request.ref)
    facts = (
        _facts_without_git(workspace, request, ref)
        if git is None
        else _facts_of_git(workspace, git, request, ref, is_changed=is_changed)
    )
    return build_local_event(request.name, facts, given=request.payload, ref=ref)


def make_login(text: str) -> str:
    """A user's name as a forge would have it: letters, digits and single hyphens."""
    return re.sub(r"[^A-Za-z0-9]+", "-", text).strip("-") or "local"


# --- what git knows --------------------------------------------------------------------------------------------------


def _facts_without_git(workspace: Workspace, request: EventRequest, ref: str | None) -> LocalFacts:
    """Without git the branch is called `main`, its commit is all zeros, and nothing can be said about changes."""
    name = path.basename(workspace.folder) or "workspace"
    branch, tag = _split_name(ref or "refs/heads/main")
    return LocalFacts(
        repository=_repository(request.actor, name, "https://github.com", "main"),
        branch=branch,
        tag=tag,
        dirty=True,
        actor=request.actor,
        now=request.now,
        made_up=("ref", "before", "after", "repository"),
    )


def _facts_of_git(
    workspace: Workspace, git: GitRepository, request: EventRequest, ref: str | None, *, is_changed: bool
) -> LocalFacts:
    head = git.head()
    sha, made_up = _choose_commit(git, request, ref, head.sha)
    branch, tag = _split_name(ref or head.ref or "")
    if ref is None and head.ref is None and sha is not None:
        tag = next(iter(git.tags_at(sha)), None)
    if branch is None and tag is None:
        made_up = (*made_up, "ref")
    repository = _describe_repository(workspace, git, request.actor, branch)
    commit = None if sha is None else git.read_commit(sha)
    dirty = is_changed and sha == head.sha
    base = None
    if commit is not None and tag is None:
        base = find_base(git, repository.default_branch, branch, commit, is_dirty=dirty)
    return LocalFacts(
        repository=repository,
        branch=branch,
        tag=tag,
        sha=sha or NO_SHA,
        head=commit,
        base_sha=base,
        commits=() if commit is None or tag is not None else list_commits(git, base, commit),
        dirty=dirty,
        actor=request.actor,
        email="" if commit is None else commit.committer.email,
        now=request.now,
        made_up=made_up,
    )


def _choose_commit(
    git: GitRepository, request: EventRequest, ref: str | None, head: str | None
) -> tuple[str | None, tuple[str, ...]]:
    """The commit that the event is about: that of the payload, of the ref that was asked for, else the one checked out."""
    match request.payload:
        case {"after": str(given)} | {"pull_request": {"head": {"sha": str(given)}}} if git.resolve(given) is not None:
            return git.resolve(given), ()
        case _:
            pass
    if ref is None:
        return head, ()
    found = git.resolve(ref)
    return (head, ("ref",)) if found is None else (found, ())


def _split_name(ref: str) -> tuple[str | None, str | None]:
    """The branch or the tag that a full ref names, or neither."""
    if ref.startswith("refs/heads/"):
        return ref.removeprefix("refs/heads/"), None
    return None, ref.removeprefix("refs/tags/") if ref.startswith("refs/tags/") else None


def _describe_repository(workspace: Workspace, git: GitRepository, actor: str, branch: str | None) -> Repository:
    """From the URL of `origin`. A folder inside a larger repository has that one's owner and its own name."""
    url = git.find_remote()
    matched = None if url is None else re.fullmatch(_URL, url) or re.fullmatch(_SCP, url)
    scheme, host, owner, name = matched.groups() if matched is not None else ("", "github.com", actor, "")
    server = (
        f"http://{host}" if scheme == "http" else f"https://{host if scheme == 'https' else host.partition(':')[0]}"
    )
    if workspace.prefix or not name:
        name = path.basename(workspace.folder)
    return _repository(owner, name, server, _find_default_branch(git, branch))


def _find_default_branch(git: GitRepository, branch: str | None) -> str:
    """What the clone's origin calls its HEAD; else `main` or `master`, whichever is there; else the branch one is on."""
    link = git.find_link("refs/remotes/origin/HEAD")
    if link is not None and link.startswith("refs/remotes/origin/"):
        return link.removeprefix("refs/remotes/origin/")
    for name in ("main", "master"):
        if name == branch or any(git.find_ref(f"{start}{name}") for start in ("refs/heads/", "refs/remotes/origin/")):
            return name
    return branch or "main"


def _repository(owner: str, name: str, server_url: str, default_branch: str) -> Repository:
    """Ids are made up, but the same for the same name."""
    return Repository(
        owner=owner,
        name=name,
        id=str(zlib.crc32(f"{owner}/{name}".lower().encode())),
        owner_id=str(zlib.crc32(owner.lower().encode())),
        default_branch=default_branch,
        server_url=server_url,
    )


def _full_ref(git: GitRepository | None, name: str) -> str:
    """A ref as events have it: `main` is a branch, unless only a tag is called so."""
    if name.startswith("refs/"):
        return name
    is_tag = git is not None and git.find_ref(f"refs/heads/{name}") is None and git.find_ref(f"refs/tags/{name}")
    return f"refs/tags/{name}" if is_tag else f"refs/heads/{name}"

"""Builds webhook payloads from what is known on one machine: complete enough for real actions, and honest about the rest.

Source: docs "Webhook events and payloads" (shapes and names). A push payload's commits have no `added`, `removed` and `modified`,
as in what GitHub hands to Actions.
"""

from collections.abc import Mapping
from typing import Any

from homeport.event.local_facts import NO_SHA, LocalFacts
from homeport.event.model import Commit

Payload = dict[str, Any]


def repository_payload(facts: LocalFacts) -> Payload:
    """The `repository` object."""
    repository = facts.repository
    page = f"{repository.server_url}/{repository.full_name}"
    host = repository.server_url.partition("://")[2]
    return {
        "id": _number(repository.id),
        "node_id": "",
        "name": repository.name,
        "full_name": repository.full_name,
        "private": repository.private,
        "visibility": "private" if repository.private else "public",
        "owner": user_payload(facts, repository.owner, repository.owner_id),
        "html_url": page,
        "description": None,
        "fork": False,
        "url": f"{_api(repository.server_url)}/repos/{repository.full_name}",
        "clone_url": f"{page}.git",
        "git_url": f"git://{host}/{repository.full_name}.git",
        "ssh_url": f"git@{host}:{repository.full_name}.git",
        "default_branch": repository.default_branch,
        "master_branch": repository.default_branch,
        "archived": False,
        "disabled": False,
        "language": None,
        "topics": [],
    }


def user_payload(facts: LocalFacts, login: str, user_id: str = "0") -> Payload:
    """A user: the `sender`, an owner, an author."""
    server = facts.repository.server_url
    return {
        "login": login,
        "id": _number(user_id),
        "node_id": "",
        "avatar_url": "",
        "html_url": f"{server}/{login}",
        "url": f"{_api(server)}/users/{login}",
        "type": "User",
        "site_admin": False,
    }


def commit_payload(facts: LocalFacts, commit: Commit) -> Payload:
    """One commit of a push."""
    return {
        "id": commit.sha,
        "tree_id": commit.tree,
        "distinct": True,
        "message": commit.message,
        "timestamp": commit.committer.at,
        "url": f"{facts.repository.server_url}/{facts.repository.full_name}/commit/{commit.sha}",
        "author": {"name": commit.author.name, "email": commit.author.email},
        "committer": {"name": commit.committer.name, "email": commit.committer.email},
    }


def push_payload(facts: LocalFacts) -> Payload:
    """`push`: from the commit that the change is measured against to the one that is checked out."""
    before = facts.base_sha or NO_SHA
    page = f"{facts.repository.server_url}/{facts.repository.full_name}"
    return {
        "ref": facts.ref,
        "before": before,
        "after": facts.sha,
        "base_ref": None,
        "created": facts.base_sha is None,
        "deleted": False,
        "forced": False,
        "compare": f"{page}/compare/{before[:12]}...{facts.sha[:12]}",
        "commits": [commit_payload(facts, commit) for commit in facts.commits],
        "head_commit": None if facts.head is None else commit_payload(facts, facts.head),
        "pusher": {"name": facts.actor, "email": facts.email},
    }


def pull_request_payload(facts: LocalFacts, number: int) -> Payload:
    """`pull_request` and its kin: the checked-out branch, to be merged into the default branch."""
    page = f"{facts.repository.server_url}/{facts.repository.full_name}/pull/{number}"
    title, _, body = ("" if facts.head is None else facts.head.message).partition("\n")
    author = user_payload(facts, facts.actor)
    default_branch = facts.repository.default_branch
    return {
        "id": number,
        "node_id": "",
        "number": number,
        "state": "open",
        "locked": False,
        "draft": False,
        "merged": False,
        "mergeable": True,
        "title": title or facts.branch or "",
        "body": body.strip() or None,
        "user": author,
        "html_url": page,
        "diff_url": f"{page}.diff",
        "patch_url": f"{page}.patch",
        "url": f"{_api(facts.repository.server_url)}/repos/{facts.repository.full_name}/pulls/{number}",
        "created_at": facts.now,
        "updated_at": facts.now,
        "closed_at": None,
        "merged_at": None,
        "merge_commit_sha": facts.sha,
        "head": _side(facts, facts.branch or facts.tag or "HEAD", facts.sha),
        "base": _side(facts, default_branch, facts.base_sha or NO_SHA),
        "author_association": "OWNER",
        "auto_merge": None,
        "assignee": None,
        "assignees": [],
        "requested_reviewers": [],
        "requested_teams": [],
        "labels": [],
        "milestone": None,
        "commits": len(facts.commits),
        "comments": 0,
        "review_comments": 0,
        "maintainer_can_modify": False,
    }


def release_payload(facts: LocalFacts, tag: str) -> Payload:
    """The `release` object."""
    page = f"{facts.repository.server_url}/{facts.repository.full_name}"
    api = f"{_api(facts.repository.server_url)}/repos/{facts.repository.full_name}"
    return {
        "id": 1,
        "node_id": "",
        "tag_name": tag,
        "target_commitish": facts.branch or facts.repository.default_branch,
        "name": tag,
        "draft": False,
        "prerelease": False,
        "body": "",
        "author": user_payload(facts, facts.actor),
        "assets": [],
        "created_at": facts.now,
        "published_at": facts.now,
        "url": f"{api}/releases/1",
        "html_url": f"{page}/releases/tag/{tag}",
        "upload_url": f"{api}/releases/1/assets{{?name,label}}",
        "tarball_url": f"{api}/tarball/{tag}",
        "zipball_url": f"{api}/zipball/{tag}",
    }


def issue_payload(facts: LocalFacts, number: int) -> Payload:
    """The `issue` object."""
    return {
        "id": number,
        "node_id": "",
        "number": number,
        "state": "open",
        "title": "",
        "body": None,
        "user": user_payload(facts, facts.actor),
        "labels": [],
        "assignees": [],
        "milestone": None,
        "html_url": f"{facts.repository.server_url}/{facts.repository.full_name}/issues/{number}",
        "created_at": facts.now,
        "updated_at": facts.now,
    }


def workflow_run_payload(facts: LocalFacts) -> Payload:
    """The `workflow_run` object: a run that went well, of a workflow whose name is not known."""
    return {
        "id": 1,
        "run_number": 1,
        "run_attempt": 1,
        "event": "push",
        "status": "completed",
        "conclusion": "success",
        "head_branch": facts.branch or facts.repository.default_branch,
        "head_sha": facts.sha,
        "head_commit": None if facts.head is None else commit_payload(facts, facts.head),
        "head_repository": repository_payload(facts),
        "actor": user_payload(facts, facts.actor),
        "pull_requests": [],
        "created_at": facts.now,
        "updated_at": facts.now,
    }


def merge_payload(made: Mapping[str, Any], given: Mapping[str, Any]) -> Payload:
    """What was given over what was made: objects are merged key by key, all else is replaced."""
    merged = dict(made)
    for key, value in given.items():
        known = merged.get(key)
        merged[key] = merge_payload(known, value) if isinstance(known, dict) and isinstance(value, dict) else value
    return merged


def _side(facts: LocalFacts, branch: str, sha: str) -> Payload:
    owner = facts.repository.owner
    return {
        "label": f"{owner}:{branch}",
        "ref": branch,
        "sha": sha,
        "user": user_payload(facts, owner, facts.repository.owner_id),
        "repo": repository_payload(facts),
    }


def _api(server_url: str) -> str:
    return "https://api.github.com" if server_url == "https://github.com" else f"{server_url}/api/v3"


def _number(text: str) -> int:
    return int(text) if text.isdigit() else 0

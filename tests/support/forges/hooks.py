"""Pushes as forges announce them: GitHub's published example with the test's own commit in it, and Gitea's by its documentation."""

import copy
import functools
import json
import uuid
from typing import Any

import httpx
import msgspec

from homeport.forge.signatures import sign
from tests.support.parts import require_npm_packages

SECRET = "secret-of-the-webhook"
_PACKAGES = {"@octokit/webhooks-examples": "7.6.1"}


@functools.cache
def _published(event: str) -> list[dict[str, Any]]:
    folder = require_npm_packages(_PACKAGES)
    kinds = msgspec.json.decode(
        (folder / "@octokit" / "webhooks-examples" / "api.github.com" / "index.json").read_bytes()
    )
    found: list[dict[str, Any]] = next(kind["examples"] for kind in kinds if kind["name"] == event)
    return found


def _published_push() -> dict[str, Any]:
    return next(each for each in _published("push") if each["ref"].startswith("refs/heads/"))


def github_push(name: str, sha: str, before: str) -> dict[str, Any]:
    """The body of a delivery."""
    payload = copy.deepcopy(_published_push())
    owner, _, short = name.partition("/")
    commit = {**(payload["head_commit"] or payload["commits"][-1]), "id": sha}
    payload |= {"ref": "refs/heads/main", "before": before, "after": sha, "head_commit": commit, "commits": [commit]}
    payload |= {"created": False, "deleted": False, "forced": False, "base_ref": None}
    payload["repository"] |= {"full_name": name, "name": short, "default_branch": "main", "master_branch": "main"}
    payload["repository"]["owner"] |= {"login": owner, "name": owner}
    return payload


def gitea_push(name: str, sha: str, before: str) -> dict[str, Any]:
    """The body of a delivery. Source: Gitea's documentation, "Webhooks: Event information"."""
    owner, _, short = name.partition("/")
    person = {"id": 1, "login": owner, "full_name": owner, "email": f"{owner}@example.com", "username": owner}
    commit = {
        "id": sha,
        "message": "A change",
        "url": f"http://forge.example.com/{name}/commit/{sha}",
        "author": {"name": owner, "email": person["email"], "username": owner},
        "committer": {"name": owner, "email": person["email"], "username": owner},
        "timestamp": "2026-03-13T13:52:11-04:00",
    }
    return {
        "ref": "refs/heads/main",
        "before": before,
        "after": sha,
        "compare_url": f"http://forge.example.com/{name}/compare/{before}...{sha}",
        "commits": [commit],
        "head_commit": commit,
        "repository": {
            "id": 140,
            "owner": person,
            "name": short,
            "full_name": name,
            "private": False,
            "default_branch": "main",
            "html_url": f"http://forge.example.com/{name}",
            "clone_url": f"http://forge.example.com/{name}.git",
        },
        "pusher": person,
        "sender": person,
    }


def github_pull_request(name: str, base: str, head: str, fork: str, action: str = "opened") -> dict[str, Any]:
    """The body of a delivery about pull request 7 of somebody of whom nothing was ever merged; `fork` is where its head is."""
    payload = copy.deepcopy(next(each for each in _published("pull_request") if each["action"] == "opened"))
    owner, _, short = name.partition("/")
    author = fork.partition("/")[0]
    pulled = payload["pull_request"]
    payload |= {"action": action, "number": 7}
    payload["repository"] |= {"full_name": name, "name": short, "default_branch": "main"}
    payload["repository"]["owner"] |= {"login": owner}
    payload["sender"] |= {"login": author}
    pulled |= {"number": 7, "author_association": "NONE", "merged": False}
    pulled["user"] |= {"login": author}
    pulled["base"] |= {"ref": "main", "sha": base, "repo": {**pulled["base"]["repo"], **payload["repository"]}}
    theirs = {**pulled["head"]["repo"], "id": 99, "full_name": fork, "fork": True}
    pulled["head"] |= {"ref": "patch", "sha": head, "repo": theirs}
    return payload


def gitea_pull_request(name: str, base: str, head: str, fork: str, action: str = "opened") -> dict[str, Any]:
    """The same in Gitea's words, which do not say who the author is to the repository (Gitea's documentation, "Webhooks")."""
    owner, _, short = name.partition("/")
    author = {"id": 9, "login": fork.partition("/")[0], "username": fork.partition("/")[0], "full_name": ""}
    own = {
        "id": 140,
        "owner": {"id": 1, "login": owner, "username": owner},
        "name": short,
        "full_name": name,
        "fork": False,
        "default_branch": "main",
    }
    theirs = {**own, "id": 141, "owner": author, "full_name": fork, "fork": True}
    return {
        "action": "synchronized" if action == "synchronize" else action,
        "number": 7,
        "pull_request": {
            "id": 70,
            "number": 7,
            "title": "A patch",
            "body": "",
            "state": "open",
            "user": author,
            "merged": False,
            "base": {"label": "main", "ref": "main", "sha": base, "repo_id": 140, "repo": own},
            "head": {"label": "patch", "ref": "patch", "sha": head, "repo_id": 141, "repo": theirs},
        },
        "repository": own,
        "sender": author,
    }


def deliver_pull_request(
    server: str, kind: str, name: str, base: str, head: str, *, fork: str, action: str = "opened"
) -> httpx.Response:
    """Send it, signed."""
    made = github_pull_request if kind == "github" else gitea_pull_request
    exact = "pull_request_sync" if kind == "gitea" and action == "synchronize" else "pull_request"
    return _deliver(server, kind, "pull_request", exact, made(name, base, head, fork, action))


def deliver_push(server: str, kind: str, name: str, sha: str, before: str = "0" * 40) -> httpx.Response:
    """Send it, signed."""
    payload = github_push(name, sha, before) if kind == "github" else gitea_push(name, sha, before)
    return _deliver(server, kind, "push", "push", payload)


def _deliver(server: str, kind: str, event: str, exact: str, payload: dict[str, Any]) -> httpx.Response:
    """`exact` is what Gitea says beside its rough word."""
    body = json.dumps(payload).encode()
    signature = sign(SECRET, body)
    number = str(uuid.uuid4())
    if kind == "github":
        headers = {
            "x-github-event": event,
            "x-github-delivery": number,
            "x-hub-signature-256": f"sha256={signature}",
        }
    else:
        headers = {
            "x-gitea-event": event,
            "x-gitea-event-type": exact,
            "x-gitea-delivery": number,
            "x-gitea-signature": signature,
        }
    headers["content-type"] = "application/json"
    return httpx.post(f"{server}/webhooks/{kind}", content=body, headers=headers, timeout=60)

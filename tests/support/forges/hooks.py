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
def _published_push() -> dict[str, Any]:
    folder = require_npm_packages(_PACKAGES)
    kinds = msgspec.json.decode(
        (folder / "@octokit" / "webhooks-examples" / "api.github.com" / "index.json").read_bytes()
    )
    examples = next(kind["examples"] for kind in kinds if kind["name"] == "push")
    found: dict[str, Any] = next(each for each in examples if each["ref"].startswith("refs/heads/"))
    return found


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


def deliver_push(server: str, kind: str, name: str, sha: str, before: str = "0" * 40) -> httpx.Response:
    """Send it, signed."""
    payload = github_push(name, sha, before) if kind == "github" else gitea_push(name, sha, before)
    body = json.dumps(payload).encode()
    signature = sign(SECRET, body)
    number = str(uuid.uuid4())
    if kind == "github":
        headers = {
            "x-github-event": "push",
            "x-github-delivery": number,
            "x-hub-signature-256": f"sha256={signature}",
        }
    else:
        headers = {
            "x-gitea-event": "push",
            "x-gitea-event-type": "push",
            "x-gitea-delivery": number,
            "x-gitea-signature": signature,
        }
    headers["content-type"] = "application/json"
    return httpx.post(f"{server}/webhooks/{kind}", content=body, headers=headers, timeout=60)

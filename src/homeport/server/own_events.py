"""Makes the events of a repository that Homeport keeps itself, or fetches: pushes, new and deleted refs, ticks, manual starts.

Source: docs "Events that trigger workflows" (ref and sha of each), "Webhook events and payloads" (`push`, `create`, `delete`: not more
than three tags at once), `event.payloads` for the shapes.
"""

import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from homeport.event import Commit, Event, Repository
from homeport.event.local_facts import NO_SHA, LocalFacts
from homeport.event.payloads import push_payload, repository_payload, user_payload
from homeport.git.changes import MAX_LISTED_COMMITS, list_commits
from homeport.git.repository import GitRepository
from homeport.ports.directory import HostedRepository

_HEADS = "refs/heads/"
_TAGS = "refs/tags/"


class RefChange(msgspec.Struct, frozen=True):
    """What became of one ref; zeros for none."""

    old: str
    new: str
    ref: str


def describe_repository(repository: HostedRepository, url: str) -> Repository:
    """As events have it. `url` is this server's own. Numbers of owners are made from their names."""
    return Repository(
        owner=repository.owner,
        name=repository.name,
        id=str(repository.id),
        owner_id=str(zlib.crc32(repository.owner.lower().encode())),
        default_branch=repository.default_branch,
        server_url=repository.server_url or url,
        private=repository.is_private,
        retention_days=repository.settings.artifact_days,
    )


class OwnEvents:
    """For one repository, with who acts and when (ISO 8601). Raises `GitError`."""

    def __init__(self, git: GitRepository, repository: HostedRepository, url: str, *, actor: str, now: str) -> None:
        self._git = git
        self._repository = repository
        self._facts = LocalFacts(
            repository=describe_repository(repository, url),
            branch=repository.default_branch,
            actor=actor,
            now=now,
        )

    def of_push(self, changes: Sequence[RefChange]) -> list[tuple[str, Event]]:
        """The events of everything that was pushed at once, each with a key that no other of this push has."""
        tags = sum(1 for change in changes if change.ref.startswith(_TAGS) and change.new.strip("0"))
        found: list[tuple[str, Event]] = []
        for change in changes:
            if not change.ref.startswith((_HEADS, _TAGS)):
                continue
            if not change.old.strip("0"):
                found.append((f"create:{change.ref}", self._ref_event("create", change, tags)))
            elif not change.new.strip("0"):
                found.append((f"delete:{change.ref}", self._ref_event("delete", change, tags)))
            found.append((f"push:{change.ref}", self._push_event(change, tags)))
        return found

    def on_default_branch(self, name: str, payload: Mapping[str, Any], *, action: str | None = None) -> Event:
        """An event that is about the default branch's newest commit."""
        return self.on_ref(name, f"{_HEADS}{self._repository.default_branch}", payload, action=action)

    def on_ref(self, name: str, ref: str, payload: Mapping[str, Any], *, action: str | None = None) -> Event:
        """An event that is about a ref's newest commit."""
        facts = self._facts
        sha = self._git.resolve(ref) or NO_SHA
        common = {"repository": repository_payload(facts), "sender": user_payload(facts, facts.actor)}
        return self._event(name, ref, sha, {**payload, **common}, action=action)

    def _push_event(self, change: RefChange, tags: int) -> Event:
        default = f"{_HEADS}{self._repository.default_branch}"
        is_deleted = not change.new.strip("0")
        sha = self._git.resolve(default if is_deleted else change.new) or NO_SHA
        commit = None if is_deleted else self._git.read_commit(sha)
        facts = msgspec.structs.replace(
            self._facts,
            branch=change.ref.removeprefix(_HEADS),
            tag=change.ref.removeprefix(_TAGS) if change.ref.startswith(_TAGS) else None,
            sha=change.new,
            head=commit,
            base_sha=change.old if change.old.strip("0") else None,
            commits=() if commit is None else self._list_commits(change, commit),
            email="" if commit is None else commit.committer.email,
        )
        payload = {
            **push_payload(facts),
            "ref": change.ref,
            "before": change.old,
            "after": change.new,
            "created": not change.old.strip("0"),
            "deleted": is_deleted,
            "forced": self._is_forced(change, sha),
            "repository": repository_payload(facts),
            "sender": user_payload(facts, facts.actor),
        }
        return self._event(
            "push",
            default if is_deleted else change.ref,
            sha,
            payload,
            before=change.old,
            head_message=None if commit is None else commit.message,
            tags=tags,
        )

    def _ref_event(self, name: str, change: RefChange, tags: int) -> Event:
        kind, short = ("tag", change.ref.removeprefix(_TAGS))
        if change.ref.startswith(_HEADS):
            kind, short = ("branch", change.ref.removeprefix(_HEADS))
        default = f"{_HEADS}{self._repository.default_branch}"
        ref = change.ref if name == "create" else default
        payload: dict[str, Any] = {"ref": short, "ref_type": kind, "pusher_type": "user"}
        if name == "create":
            payload |= {"master_branch": self._repository.default_branch, "description": None}
        payload |= {
            "repository": repository_payload(self._facts),
            "sender": user_payload(self._facts, self._facts.actor),
        }
        sha = self._git.resolve(change.new if name == "create" else default) or NO_SHA
        return self._event(name, ref, sha, payload, tags=tags)

    def _list_commits(self, change: RefChange, commit: Commit) -> Sequence[Commit]:
        """What the push brought: for a new branch, what the default branch has not."""
        if change.ref.startswith(_TAGS):
            return ()
        if change.old.strip("0"):
            return list_commits(self._git, self._git.resolve(change.old), commit)
        default = self._git.resolve(f"{_HEADS}{self._repository.default_branch}")
        if default is None or change.ref == f"{_HEADS}{self._repository.default_branch}":
            return tuple(self._git.log(None, commit.sha, limit=MAX_LISTED_COMMITS))
        return list_commits(self._git, default, commit)

    def _is_forced(self, change: RefChange, sha: str) -> bool:
        if not (change.old.strip("0") and change.new.strip("0")) or change.ref.startswith(_TAGS):
            return False
        old = self._git.resolve(change.old)
        return old is None or self._git.merge_base(old, sha) != old

    def _event(
        self,
        name: str,
        ref: str,
        sha: str,
        payload: dict[str, Any],
        *,
        action: str | None = None,
        before: str | None = None,
        head_message: str | None = None,
        tags: int = 1,
    ) -> Event:
        return Event(
            name=name,
            action=action,
            repository=self._facts.repository,
            ref=ref,
            sha=sha,
            before=before,
            actor=self._facts.actor,
            payload=payload,
            head_message=head_message,
            tags_in_push=tags,
        )

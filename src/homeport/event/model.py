"""The values of this package: an event, the repository it belongs to, and the commits it is about."""

from typing import Any

import msgspec


class Repository(msgspec.Struct, frozen=True, kw_only=True):
    """The repository that an event belongs to. Ids are strings, as in the `github` context."""

    owner: str
    name: str
    id: str
    owner_id: str
    default_branch: str
    server_url: str
    private: bool = True
    retention_days: int = 90
    """how long artifacts are kept, and may be asked to be kept; GitHub's default"""

    @property
    def full_name(self) -> str:
        """`owner/name`."""
        return f"{self.owner}/{self.name}"


class Signature(msgspec.Struct, frozen=True):
    """Who made a commit, and when: ISO 8601 with the offset of the place."""

    name: str
    email: str
    at: str


class Commit(msgspec.Struct, frozen=True):
    """A commit as it is stored."""

    sha: str
    tree: str
    parents: tuple[str, ...]
    author: Signature
    committer: Signature
    message: str


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One occurrence that may start workflows.

    `ref` is a full ref (`refs/heads/main`, `refs/tags/v1`, `refs/pull/7/merge`) and `sha` the commit it stands for; both follow
    GitHub's table of events ("Events that trigger workflows"). `base_ref` and `head_ref` are branch names, set for pull requests
    only. `payload` is the webhook body, complete enough for real actions; `made_up` names the parts that no forge sent.
    """

    name: str
    action: str | None = None
    repository: Repository
    ref: str
    sha: str
    before: str | None = None
    """the tip that a push replaced"""
    base_ref: str = ""
    head_ref: str = ""
    actor: str
    actor_id: str = "0"
    payload: dict[str, Any] = {}
    head_message: str | None = None
    """the message of the commit that was pushed, or of a pull request's head, for the markers that skip workflows; None: unknown"""
    tags_in_push: int = 1
    """how many tags the same push made: more than three start nothing"""
    chain_length: int = 0
    """how many `workflow_run` events led here, this one included"""
    dirty: bool = False
    """the working tree had changes that no commit holds"""
    made_up: tuple[str, ...] = ()

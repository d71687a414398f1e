"""The repositories that a server knows: where they come from, who may see them, and what is set for each."""

from collections.abc import Callable, Sequence
from typing import Literal, Protocol

import msgspec

Origin = Literal["own", "github", "gitea"]
"""Where its commits come from: Homeport's own git remote, or a forge."""


RESERVED_OWNERS = frozenset(
    {
        "admin",
        "api",
        "badge",
        "docs",
        "favicon.ico",
        "healthz",
        "login",
        "logout",
        "logs",
        "metrics",
        "oidc",
        "openapi.json",
        "organizations",
        "readyz",
        "redoc",
        "repositories",
        "robots.txt",
        "runner",
        "runs",
        "settings",
        "setup",
        "static",
        "theme",
        "toolkit",
        "webhooks",
    }
)
"""What an owner cannot be called, in lower case: the first segments of this server's own paths."""


class RepositorySettings(msgspec.Struct, frozen=True, kw_only=True):
    """What a maintainer may set. Every field has a safe default."""

    workflow_folders: tuple[str, ...] = (".github/workflows",)
    is_shadow: bool = False
    """workflows run without secrets, publishing and deployments: beside a forge that runs them too"""
    builds_without_workflows: bool = True
    """a repository without workflows is built the default way: requirements, syntax check, tests"""
    status_prefix: str = ""
    """put before the names of checks and statuses"""
    poll_seconds: int = 0
    """how often a forge that cannot reach this server is asked; 0: never"""
    fork_approval: Literal["always", "first-time", "never"] = "always"
    """which pull requests from forks wait for a maintainer before they run"""
    log_days: int = 90
    artifact_days: int = 90
    cache_bytes: int = 10 << 30
    """of caches (GitHub: 10 GB a repository), least recently used go first"""
    artifact_bytes: int = 0
    """of artifacts; 0: no limit but the server's"""


class HostedRepository(msgspec.Struct, frozen=True, kw_only=True):
    """One repository. `id` is a number that stays through renames; names are compared without case, as on GitHub."""

    id: int
    owner: str
    name: str
    origin: Origin = "own"
    server_url: str = ""
    """of the forge (`https://github.com`); empty for this server's own"""
    clone_url: str = ""
    """where a forge's repository is fetched from; never taken from a payload; empty for this server's own"""
    default_branch: str = "main"
    is_private: bool = True
    settings: RepositorySettings = RepositorySettings()

    @property
    def full_name(self) -> str:
        """`owner/name`."""
        return f"{self.owner}/{self.name}"


class DirectoryError(Exception):
    """A repository cannot be added or changed as was asked, in words."""


class RepositoryDirectory(Protocol):
    """All of them. Safe from any thread; what was changed is durable when a call returns. All may raise `StoreError`."""

    def find(self, full_name: str) -> HostedRepository | None:
        """By `owner/name`, in any case."""
        ...

    def get(self, repository: int) -> HostedRepository | None:
        """By its number."""
        ...

    def list(self) -> Sequence[HostedRepository]:
        """By name."""
        ...

    def add(self, repository: HostedRepository) -> HostedRepository:
        """A new one; its `id` is given here. Raises `DirectoryError` where the name is taken, reserved or not a name."""
        ...

    def change(self, repository: int, change: Callable[[HostedRepository], HostedRepository]) -> HostedRepository:
        """What `change` makes of it as it is now: settings, default branch, name; of two changes at once both count. `change` must be pure.
        Raises `DirectoryError` where it is not there, or its new name is taken, reserved or not a name.
        """
        ...

    def remove(self, repository: int) -> None:
        """Forget it. What was run stays until retention takes it."""
        ...

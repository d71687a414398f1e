"""The jobs that may call the services at this moment, and by which tokens each is known."""

import threading
from collections.abc import Callable
from typing import Any

import msgspec

from homeport.ports.caches import may_save
from homeport.ports.peer import JobOrder

READ, WRITE = 1, 2
"""Bits of a cache scope's permission, as the `ac` claim of GitHub's tokens has them."""


class OpenJob(msgspec.Struct, frozen=True, kw_only=True):
    """One job that runs. `id` is not told to the job; its tokens are random, or signed with the id in them."""

    id: str
    order: JobOrder
    token: str
    """stands in for `GITHUB_TOKEN`"""
    identity_token: str
    """asks for identity tokens; empty where the job may not have any"""
    given_token: str = ""
    """the user's own `GITHUB_TOKEN`: good for reading the repository here, as it is at the forge"""

    server_token: str = ""
    """by which the job's server is asked for it; the job does not know it"""

    @property
    def run(self) -> str:
        """The run's id: `workflow_run_backend_id` for the client packages."""
        return self.order.run

    @property
    def attempt(self) -> int:
        """The attempt that the job belongs to."""
        return int(self.order.github.get("run_attempt") or 1)

    @property
    def backend_id(self) -> str:
        """`workflow_job_run_backend_id`."""
        return backend_id(self.attempt, self.order.leg.key)

    @property
    def repository(self) -> str:
        """`owner/name`."""
        return str(self.order.github.get("repository") or "")

    def may(self, scope: str, level: str) -> bool:
        """Whether the job's `permissions` grant this much."""
        granted = self.order.leg.permissions.get(scope, "none")
        return granted in {"write", level}


def backend_id(attempt: int, job: str) -> str:
    """What the client packages call a job: any text without a colon. Keys may hold one, so they are spelled out in hex."""
    return f"{attempt}-{job.encode('utf-8', 'surrogatepass').hex()}"


def list_cache_scopes(github: dict[str, Any]) -> list[tuple[str, int]]:
    """The refs whose caches a job sees, in the order in which they are looked through, and what it may do there: save under its own
    ref (but for a pull request from a fork), and only read those of the base and the default branch (docs: "Dependency caching
    reference": restrictions).
    """
    event = github.get("event")
    repository = event.get("repository") if isinstance(event, dict) else None
    default = repository.get("default_branch") if isinstance(repository, dict) else None
    branches = [f"refs/heads/{name}" for name in (github.get("base_ref"), default) if name]
    own = str(github.get("ref") or "")
    others = [(ref, READ) for ref in dict.fromkeys(branches) if ref != own]
    return [*([(own, READ | WRITE if may_save(github) else READ)] if own else []), *others]


class OpenJobs:
    """Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_id: dict[str, OpenJob] = {}
        self._by_token: dict[str, OpenJob] = {}

    def add(self, job: OpenJob) -> None:
        """From now on its tokens are good."""
        with self._lock:
            self._by_id[job.id] = job
            self._by_token[job.token] = job

    def remove(self, job: OpenJob) -> None:
        """From now on they are not."""
        with self._lock:
            self._by_id.pop(job.id, None)
            self._by_token.pop(job.token, None)

    def find(self, job_id: str) -> OpenJob | None:
        """By the id that a signed token names."""
        with self._lock:
            return self._by_id.get(job_id)

    def find_by_token(self, token: str) -> OpenJob | None:
        """By its own stand-in for `GITHUB_TOKEN`."""
        with self._lock:
            return self._by_token.get(token)

    def find_reader(self, token: str) -> OpenJob | None:
        """By a token that may read the repository: its own, or the user's."""
        with self._lock:
            return self._by_token.get(token) or self._find(lambda job: job.given_token == token != "")

    def find_by_identity_token(self, token: str) -> OpenJob | None:
        """By the token that asks for identity tokens."""
        with self._lock:
            return self._find(lambda job: job.identity_token == token != "")

    def _find(self, matches: Callable[[OpenJob], bool]) -> OpenJob | None:
        return next((job for job in self._by_id.values() if matches(job)), None)

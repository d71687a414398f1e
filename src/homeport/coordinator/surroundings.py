"""What a coordinator stands among: the stores that outlive it, the policy it was given, and the way back to itself."""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, Protocol

import msgspec

from homeport.coordinator.dispatch import Labels
from homeport.plan.model import Leg
from homeport.ports.concurrency import ConcurrencyGroups
from homeport.ports.control import Controls
from homeport.ports.logs import LogStore
from homeport.ports.repositories import RunRepository
from homeport.run.facts import RunFact
from homeport.run.state import RunState

Post = Callable[[str, Sequence[RunFact]], None]
"""Hands facts to the coordinator, for a run by its id: they are recorded when it has dealt with what is at hand."""


class Stores(msgspec.Struct, frozen=True):
    """Everything that outlives the coordinator. `groups` gives the concurrency groups of a repository (`owner/name`)."""

    runs: RunRepository
    logs: LogStore
    groups: Callable[[str], ConcurrencyGroups]
    controls: Controls


class GrantError(Exception):
    """A job cannot be given what it needs, in words: its repository is gone."""


class JobGrant(msgspec.Struct, frozen=True, kw_only=True):
    """What one job is given. `secrets` are those of its run's own workflow, before calls pass some of them on."""

    secrets: Mapping[str, str] = {}
    identity_token: str = ""
    """by which the job asks for identity tokens; empty: it may not"""
    server_token: str = ""
    """by which the REST interface is asked for the job, where its `GITHUB_TOKEN` is not the server's; the job itself is not given it"""
    source: str = ""
    """the bare repository that a checkout reads, on the server's machine"""


class JobGrants(Protocol):
    """Says what each job is given. Called by the coordinator's thread when a job is offered, also again after a restart."""

    def grant(self, run: RunState, leg: Leg, lease: str, names: frozenset[str] | None) -> JobGrant:
        """`names` (in upper case) are the secrets that the job names; None: it may name any. Raises `GrantError`, `StoreError`."""
        ...


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """What the runners here can do, what becomes of a job that none can take, and the secrets that jobs may be given."""

    labels: Labels
    missing_runner: Literal["fail", "skip"] = "fail"
    secrets: Mapping[str, str] = {}
    """of all jobs; where there are `grants`, they say"""
    grants: JobGrants | None = None

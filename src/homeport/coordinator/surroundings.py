"""What a coordinator stands among: the stores that outlive it, the policy it was given, and the way back to itself."""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import msgspec

from homeport.coordinator.dispatch import Labels
from homeport.ports.concurrency import ConcurrencyGroups
from homeport.ports.control import Controls
from homeport.ports.logs import LogStore
from homeport.ports.repositories import RunRepository
from homeport.run.facts import RunFact

Post = Callable[[str, Sequence[RunFact]], None]
"""Hands facts to the coordinator, for a run by its id: they are recorded when it has dealt with what is at hand."""


class Stores(msgspec.Struct, frozen=True):
    """Everything that outlives the coordinator. `groups` gives the concurrency groups of a repository (`owner/name`)."""

    runs: RunRepository
    logs: LogStore
    groups: Callable[[str], ConcurrencyGroups]
    controls: Controls


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """What the runners here can do, what becomes of a job that none can take, and the secrets that jobs may be given."""

    labels: Labels
    missing_runner: Literal["fail", "skip"] = "fail"
    secrets: Mapping[str, str] = {}

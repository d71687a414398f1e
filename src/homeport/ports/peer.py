"""How a runner and its coordinator talk: a job is taken under a lease, reported on in numbered facts, and can be told to stop.

The order of calls for one job: `JobOrder` taken → any number of `report` → the last report ends with `JobFinished`. Reports of one
lease are numbered from 1 without gaps; repeating one is safe, the coordinator drops it. In `homeport run` the peer is a queue in
the same process; for a runner on another machine it is HTTP. Both carry these values.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import msgspec

from homeport.language import nodes
from homeport.plan.model import Leg, WorkflowOrigin
from homeport.run.facts import RunnerFact, StopReason


class JobOrder(msgspec.Struct, frozen=True, kw_only=True):
    """One leg, with everything a runner needs to carry it out but its secrets.

    `github` is the job's `github` context without what only the runner knows (`workspace`, `action*`, paths of command files).
    `needs`, `inputs`, `variables`, `matrix`, `strategy` are the contexts of those names (values as expressions see them).
    """

    run: str
    lease: str
    leg: Leg
    job: nodes.Job
    workflow_file: str
    """its path, or `owner/repo/path@ref` where it is in another repository"""
    workflow_env: nodes.Pairs | None
    workflow_defaults: nodes.Defaults | None
    github: dict[str, Any]
    needs: dict[str, Any] = {}
    inputs: dict[str, Any] = {}
    variables: dict[str, str] = {}
    strategy: dict[str, Any] = {}
    check_run_id: int = 0
    workflow_origin: WorkflowOrigin | None = None
    """where the workflow was fetched from, if it is in another repository"""
    resolved: dict[str, str] = {}
    """what the run has found already: the commits of refs, by `owner/repo@ref` in lower case (`RemoteReference.key`)"""
    source: str = ""
    """the bare repository that the run belongs to, on the server's own machine; empty where a runner has a source of its own"""
    start_from_step: int = 1
    """the number of the step to go on from (`homeport rerun --from-step`)"""
    resumed_attempt: int = 0
    """the attempt in whose folders the job goes on; 0: in new ones"""


IDENTITY_TOKEN = "id-token"  # noqa: S105 - a name
"""Among a job's secrets, the token by which it asks its server for identity tokens: no secret of a user's can be called so"""
SERVER_TOKEN = "server-token"  # noqa: S105 - a name
"""The same for the token by which a job's runner asks the server's REST interface for it, where its `GITHUB_TOKEN` is not the server's"""


class StopSignal(Protocol):
    """Tells a running job to stop. Level-triggered: once readable it stays so; many threads may wait on it."""

    @property
    def reason(self) -> str | None:
        """None while the job may go on; else `cancelled`, `fail-fast` or `superseded`."""
        ...

    @property
    def forced(self) -> bool:
        """Whether the cleanup steps are to be left out too (a second ^C)."""
        ...

    def fileno(self) -> int:
        """A descriptor that becomes readable when the job is to stop (and stays so)."""
        ...


class Peer(Protocol):
    """A runner's side of the conversation. All methods may be called from any thread of the runner."""

    def next_job(self) -> JobOrder | None:
        """Wait for a job; None when there will be no more and the runner may end."""
        ...

    def stop_signal(self, lease: str) -> StopSignal:
        """What tells this lease to stop."""
        ...

    def wait_for_retry(self, lease: str) -> int | None:
        """For a paused job: the step number to go on from, or None to give up. Returns at once when the job is stopped."""
        ...

    def secrets(self, lease: str) -> Mapping[str, str]:
        """The secrets that this job may use, `GITHUB_TOKEN` among them where there is one; `IDENTITY_TOKEN` and `SERVER_TOKEN`."""
        ...

    def report(self, lease: str, sequence: int, facts: Sequence[RunnerFact]) -> None:
        """Hand over facts, in order. May block while the coordinator is behind (a job that floods its log is slowed down)."""
        ...


# --- the same over HTTP: every message is MessagePack ------------------------------------------------------------------


class Orders(msgspec.Struct, frozen=True):
    """What the runner of a lease has to be told: whether to stop, and from which steps a paused job is to go on (oldest first)."""

    stop: StopReason | None = None
    forced: bool = False
    resume_at: tuple[int, ...] = ()


class ClaimRequest(msgspec.Struct, frozen=True):
    """`POST claims`: a job, please; waits so long for one. `claim` names this question: asked again, it gets the same answer."""

    claim: str
    wait_seconds: float = 0.0


class ClaimWithdrawal(msgspec.Struct, frozen=True):
    """`POST claims/withdrawal`: the runner ends; these questions are to be answered now, and with no job."""

    claims: tuple[str, ...]


class ClaimAnswer(msgspec.Struct, frozen=True):
    """A job with the token that stands for its lease; nothing where there is none now."""

    order: JobOrder | None = None
    token: str = ""


class NumberedReport(msgspec.Struct, frozen=True, array_like=True):
    """One report of a lease."""

    sequence: int
    facts: list[RunnerFact]


class ReportRequest(msgspec.Struct, frozen=True):
    """`POST leases/<lease>/reports`: answered when all of them are durable. Repeating is safe."""

    token: str
    reports: list[NumberedReport]


class Greeting(msgspec.Struct, frozen=True):
    """`POST greeting`: what a runner says first. Leases of its own that are not among these were lost with its former process."""

    leases: tuple[str, ...] = ()


class HeldLease(msgspec.Struct, frozen=True):
    """A lease as its runner knows it."""

    token: str
    known: Orders = Orders()


class AskRequest(msgspec.Struct, frozen=True):
    """`POST leases`: I still have these; waits so long for something that is not known yet."""

    leases: dict[str, HeldLease]
    wait_seconds: float = 0.0


class AskAnswer(msgspec.Struct, frozen=True):
    """What is new, and which of the leases are not the runner's any more: what runs under them is to be ended, and is not heard."""

    orders: dict[str, Orders] = {}
    lost: tuple[str, ...] = ()


class SecretsRequest(msgspec.Struct, frozen=True):
    """`POST leases/<lease>/secrets`."""

    token: str

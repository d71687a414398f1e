"""What has happened in a run, in the past tense: the journal's rows, the stream that every view folds, the JSON of `--format json`.

Each fact is a frozen struct whose tag is its `type` on the wire. `at` is aware UTC. `job` is a job's key (`plan.model.Leg.key`),
`step` a step's id. A new kind of fact, or a new field with a default, is not a change of schema; anything else raises
`SCHEMA_VERSION` and gets a reader for the old form in `codec.py`.
"""

from datetime import datetime
from typing import Any, Literal

import msgspec

from homeport.plan.model import Leg

SCHEMA_VERSION = 1

Conclusion = Literal["success", "failure", "cancelled", "skipped"]
Level = Literal["notice", "warning", "error"]
StopReason = Literal["cancelled", "fail-fast", "superseded"]


class _Fact(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    at: datetime
    run: str


# --- the run ---------------------------------------------------------------------------------------------------------


class RunQueued(_Fact, frozen=True, kw_only=True, tag="run_queued"):
    """The run exists and has its number; its plan is stored beside the journal."""

    workflow: str
    name: str
    event: str
    run_name: str
    number: int = 1
    attempt: int = 1


class KeptJob(msgspec.Struct, frozen=True, kw_only=True):
    """How a job ended in an earlier attempt. `leg` is None for one that was never expanded."""

    key: str
    scope: str
    id: str
    leg: Leg | None
    conclusion: Conclusion
    outcome: Conclusion
    outputs: dict[str, str] = {}
    attempt: int = 1
    """the attempt in which it ran"""
    started_at: datetime | None = None
    finished_at: datetime | None = None


class ResumePoint(msgspec.Struct, frozen=True, kw_only=True):
    """Where a job of a re-run goes on: at a step, in the folders that it left in an earlier attempt."""

    attempt: int
    step: int


class JobsKept(_Fact, frozen=True, kw_only=True, tag="jobs_kept"):
    """What a re-run does not run again, in the order in which it finished. It follows `RunQueued` at once."""

    jobs: tuple[KeptJob, ...]
    resolved: dict[str, str] = {}
    """the commits of actions that the earlier attempts used (`RunState.resolved`): they stay what they were"""
    resumed: dict[str, ResumePoint] = {}
    """by key, jobs that do not begin at their first step"""


class RunStarted(_Fact, frozen=True, kw_only=True, tag="run_started"):
    """The run left the queue: nothing more holds back its first jobs."""


class CancelRequested(_Fact, frozen=True, kw_only=True, tag="cancel_requested"):
    """Somebody or something asked for the end of the run; `by` says who, `reason` is shown."""

    by: str
    reason: str
    force: bool = False
    """stop without running `always()` steps"""


class RunFinished(_Fact, frozen=True, kw_only=True, tag="run_finished"):
    """The run is completed."""

    workflow: str
    conclusion: Conclusion


class WorkflowNotStarted(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="workflow_not_started"):
    """An event did not start this workflow. It belongs to no run."""

    at: datetime
    workflow: str
    reason: str


# --- concurrency -----------------------------------------------------------------------------------------------------


class ConcurrencyRequested(_Fact, frozen=True, kw_only=True, tag="concurrency_requested"):
    """The run (`job` None) or a leg asked for its concurrency group."""

    job: str | None
    group: str


class ConcurrencyWaiting(_Fact, frozen=True, kw_only=True, tag="concurrency_waiting"):
    """The group is taken; `holder` names who has it."""

    job: str | None
    group: str
    holder: str


class ConcurrencyGranted(_Fact, frozen=True, kw_only=True, tag="concurrency_granted"):
    """The group is held."""

    job: str | None
    group: str


class ConcurrencyReleased(_Fact, frozen=True, kw_only=True, tag="concurrency_released"):
    """The group is given back."""

    job: str | None
    group: str


# --- jobs ------------------------------------------------------------------------------------------------------------


class JobExpanded(_Fact, frozen=True, kw_only=True, tag="job_expanded"):
    """A job's needs are done, its condition holds and its strategy is applied: these legs will run. `job` is the key without
    its own matrix values.
    """

    job: str
    legs: tuple[Leg, ...]


class JobQueued(_Fact, frozen=True, kw_only=True, tag="job_queued"):
    """A leg is offered to the runners."""

    job: str
    lease: str


class JobStarted(_Fact, frozen=True, kw_only=True, tag="job_started"):
    """A runner has begun a leg. For a call, the coordinator says so when its first inner job may start (`runner` is empty)."""

    job: str
    job_id: str
    name: str
    matrix: dict[str, Any] | None
    runner: str
    lease: str = ""


class JobStopRequested(_Fact, frozen=True, kw_only=True, tag="job_stop_requested"):
    """A queued or running leg is to end; a running one runs its `always()` and `cancelled()` steps first."""

    job: str
    reason: StopReason
    force: bool = False
    """end at once, without cleanup steps"""


class JobSpared(_Fact, frozen=True, kw_only=True, tag="job_spared"):
    """The run is cancelled, and this job (its key without its own matrix values) goes on: its `if` holds even so."""

    job: str
    reason: str


class JobPaused(_Fact, frozen=True, kw_only=True, tag="job_paused"):
    """A step failed under `--pause-on-failure`: the job waits, with its workspace (a path of the runner's machine), for
    `homeport retry`.
    """

    job: str
    step: str
    number: int
    workspace: str = ""


class JobResumed(_Fact, frozen=True, kw_only=True, tag="job_resumed"):
    """A paused job goes on from this step."""

    job: str
    number: int


class JobFinished(_Fact, frozen=True, kw_only=True, tag="job_finished"):
    """A leg, a call, or a job that was never expanded is completed.

    `conclusion` is after `continue-on-error`, `outcome` before it. `reason` says why it was skipped, or failed before a step ran.
    """

    job: str
    job_id: str
    name: str
    matrix: dict[str, Any] | None
    conclusion: Conclusion
    outcome: Conclusion
    outputs: dict[str, str] = {}
    reason: str | None = None


# --- steps -----------------------------------------------------------------------------------------------------------


class StepStarted(_Fact, frozen=True, kw_only=True, tag="step_started"):
    """`number` is 1-based over the job's steps, pre and post steps included."""

    job: str
    step: str
    number: int
    name: str


class LinesLogged(_Fact, frozen=True, kw_only=True, tag="lines_logged"):
    """Whole lines of a step's output, masked, joined by newlines without a last one. On the wire of `--format json` they are
    `lines`, a list (see `codec.py`). Not in the journal: the log store keeps them.
    """

    job: str
    step: str
    text: str


class AnnotationRaised(_Fact, frozen=True, kw_only=True, tag="annotation_raised"):
    """A notice, warning or error of a step, of a problem matcher, or about the workflow's own text."""

    job: str | None
    step: str | None
    severity: Level
    message: str
    file: str | None = None
    line: int | None = None
    column: int | None = None
    end_line: int | None = None
    end_column: int | None = None
    title: str | None = None


class SummaryWritten(_Fact, frozen=True, kw_only=True, tag="summary_written"):
    """A step's `GITHUB_STEP_SUMMARY`, masked."""

    job: str
    step: str
    markdown: str


class VersionResolved(_Fact, frozen=True, kw_only=True, tag="version_resolved"):
    """What a name in the workflow turned out to be: an action's commit, an interpreter's version, a cache hit, an image's digest."""

    job: str
    step: str | None
    kind: Literal["action", "tool", "cache", "image", "service"]
    name: str
    version: str
    detail: str = ""


class ArtifactUploaded(_Fact, frozen=True, kw_only=True, tag="artifact_uploaded"):
    """An artifact is complete. `digest` is `sha256:<hex>`, `size` in bytes."""

    job: str
    step: str
    name: str
    id: str
    size: int
    digest: str


class EnvironmentUrlSet(_Fact, frozen=True, kw_only=True, tag="environment_url_set"):
    """The evaluated `environment.url` of a job."""

    job: str
    url: str


class StepFinished(_Fact, frozen=True, kw_only=True, tag="step_finished"):
    """`outcome` is before `continue-on-error`, `conclusion` after. `exit_code` is None where no process ended."""

    job: str
    step: str
    number: int
    name: str
    outcome: Conclusion
    conclusion: Conclusion
    exit_code: int | None = None
    outputs: dict[str, str] = {}
    reason: str | None = None


RunnerFact = (
    JobStarted
    | StepStarted
    | LinesLogged
    | AnnotationRaised
    | SummaryWritten
    | VersionResolved
    | ArtifactUploaded
    | EnvironmentUrlSet
    | StepFinished
    | JobPaused
    | JobResumed
    | JobFinished
)
"""What a runner may report about the one job whose lease it holds."""

RunFact = (
    RunQueued
    | JobsKept
    | RunStarted
    | CancelRequested
    | RunFinished
    | ConcurrencyRequested
    | ConcurrencyWaiting
    | ConcurrencyGranted
    | ConcurrencyReleased
    | JobExpanded
    | JobQueued
    | JobStopRequested
    | JobSpared
    | RunnerFact
)
Fact = RunFact | WorkflowNotStarted

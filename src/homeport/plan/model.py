"""What one event means for one workflow: everything a run is carried out from, as data.

A `Plan` holds the written jobs with every reusable workflow they call. What is known early is evaluated early: `expand`
(`plan/expand.py`) turns a `PlannedJob` into `Leg`s, at planning time where nothing but `github`, `inputs` and `vars` is needed (that
is what `homeport plan` shows), and in the run when the job's needs are done. It is one function, so the two cannot differ.
"""

from typing import Any, Literal

import msgspec

from homeport.event import Event
from homeport.language import nodes
from homeport.language.tokens import Text

Values = dict[str, Any]
"""Evaluated expression values (`language.expr.values.Value`) by name."""


class ConcurrencyClaim(msgspec.Struct, frozen=True):
    """An evaluated `concurrency`. Groups are compared ignoring case; `queue` is `single` or `max`."""

    group: str
    cancel_in_progress: bool = False
    queue: str = "single"


class PlannedEnvironment(msgspec.Struct, frozen=True):
    """The deployment environment of a leg; `url` is evaluated by the runner when the job ends."""

    name: str
    url: Text | None
    deployment: bool = True


class WorkflowOrigin(msgspec.Struct, frozen=True, kw_only=True):
    """Where a workflow of another repository was fetched from."""

    repository: str
    path: str
    ref: str
    """the whole ref (`refs/tags/v1`), or the commit where it is called by that"""
    sha: str


class PlannedWorkflow(msgspec.Struct, frozen=True, kw_only=True):
    """A workflow, top-level or called, with the workflows that its own jobs call."""

    file: str
    """its path, or `owner/repo/path@ref` when it came from another repository"""
    name: str
    """its `name`, else its path"""
    origin: WorkflowOrigin | None = None
    """None in the running repository"""
    env: nodes.Pairs | None
    defaults: nodes.Defaults | None
    permissions: nodes.Permissions | None
    concurrency: nodes.Concurrency | None = None
    inputs: tuple[nodes.InputDeclaration, ...] = ()
    secrets: tuple[nodes.SecretDeclaration, ...] = ()
    outputs: tuple[nodes.OutputDeclaration, ...] = ()
    jobs: "tuple[PlannedJob, ...]"

    def get_job(self, job_id: str) -> "PlannedJob":
        """The job with this id (ids ignore case); KeyError where there is none."""
        wanted = job_id.lower()
        for job in self.jobs:
            if job.written.id.lower() == wanted:
                return job
        raise KeyError(job_id)


class PlannedJob(msgspec.Struct, frozen=True):
    """A job before its strategy is applied. `called` is the reusable workflow of a `CallJob`, else None."""

    written: nodes.Job | nodes.CallJob
    called: PlannedWorkflow | None = None
    missing: str = ""
    """why the workflow that it calls is not here"""


class Leg(msgspec.Struct, frozen=True, kw_only=True):
    """One job as it will run: its strategy applied, and all that is known before it starts evaluated.

    A job without a matrix has one leg (`matrix` None, index 0, total 1). `key` is unique in a run: the ids from the outermost
    call inwards, each with its leg's values: `deploy (eu)/test (3.12, linux)`; `job_id` is the same without values. `name` is
    what GitHub shows and reports: `caller / callee (v1, v2)`.
    """

    key: str
    job_id: str
    name: str
    matrix: Values | None = None
    index: int = 0
    total: int = 1
    fail_fast: bool = True
    max_parallel: int | None = None
    runs_on: tuple[str, ...] = ()
    runner_group: str | None = None
    environment: PlannedEnvironment | None = None
    concurrency: ConcurrencyClaim | None = None
    called_concurrency: ConcurrencyClaim | None = None
    """for a call: the `concurrency` at the top of the called workflow; it is claimed after the leg's own"""
    continue_on_error: bool = False
    timeout_minutes: float = 360.0
    cancel_timeout_minutes: float = 5.0
    permissions: dict[str, str] = {}
    """scope → read | write | none, after every caller has narrowed it"""
    inputs: Values | None = None
    """for a call: the evaluated inputs of the called workflow"""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """One workflow that an event starts."""

    workflow: PlannedWorkflow
    event: Event
    inputs: Values
    """typed for workflow_dispatch, empty for other events"""
    variables: dict[str, str]
    """the `vars` context"""
    run_name: str
    concurrency: ConcurrencyClaim | None = None
    permissions: dict[str, str] = {}
    """what a job's token may do where neither the job nor a caller says otherwise"""
    default_permissions: Literal["restricted", "permissive"] = "permissive"
    """the repository's setting for tokens, where no `permissions` is written"""
    only_matrix: dict[str, tuple[str, ...]] = {}
    """a person's choice of legs: by matrix key, the values (as text) that are to run; matrices without the key run whole"""


class NotStarted(msgspec.Struct, frozen=True):
    """Why an event does not start a workflow: every filter that kept it away, in words."""

    workflow: str
    name: str
    reason: str

"""What runs have taken (docs: "Get workflow usage", "Get workflow run usage"): own machines cost nobody's minutes, so `billable` is empty."""

import msgspec

from homeport.rest.journal import ReadRun


class Billable(msgspec.Struct, frozen=True):
    """By GitHub's own kinds of runners, of which there are none here."""


class WorkflowUsage(msgspec.Struct, frozen=True):
    """GitHub's `workflow-usage`."""

    billable: Billable = Billable()


class RunUsage(msgspec.Struct, frozen=True):
    """GitHub's `workflow-run-usage`."""

    run_duration_ms: int
    billable: Billable = Billable()


def workflow_usage() -> WorkflowUsage:
    """Self-hosted runners are never billed."""
    return WorkflowUsage()


def run_usage(found: ReadRun) -> RunUsage:
    """How long the latest attempt has taken from its start to its last change."""
    taken = found.run.updated_at - found.run.started_at
    return RunUsage(max(0, int(taken.total_seconds() * 1000)))

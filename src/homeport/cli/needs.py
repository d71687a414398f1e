"""Which job needs which, as views want to know it."""

from homeport.plan.model import PlannedWorkflow


def list_needs(workflow: PlannedWorkflow, prefix: str = "") -> dict[str, tuple[str, ...]]:
    """Job id → the ids that it needs, for a workflow and all that it calls; ids of nested calls are joined by `/`."""
    needs: dict[str, tuple[str, ...]] = {}
    for job in workflow.jobs:
        job_id = prefix + job.written.id
        needs[job_id] = tuple(prefix + need.job_id for need in job.written.needs)
        if job.called is not None:
            needs.update(list_needs(job.called, f"{job_id}/"))
    return needs

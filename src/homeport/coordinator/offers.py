"""Gives jobs to runners: the order of each, its lease, and what becomes of one that nobody here can carry out."""

from collections.abc import Mapping

import msgspec

from homeport.coordinator.arrival import LeasedJob
from homeport.coordinator.dispatch import Runners
from homeport.coordinator.surroundings import GrantError, JobGrant, Policy, Post, Stores
from homeport.diagnostics.span import Span
from homeport.plan.evaluation import EvaluationError
from homeport.ports.clock import Clock
from homeport.ports.peer import IDENTITY_TOKEN, SERVER_TOKEN, JobOrder
from homeport.run.conclusion import conclude_job
from homeport.run.facts import AnnotationRaised, Conclusion, JobFinished, JobQueued, StopReason
from homeport.run.job_numbers import number_leased
from homeport.run.order import JobContexts, gather_contexts, name_secrets, pass_secrets
from homeport.run.state import RunState


class JobOffers:
    """The jobs that were offered and are not completed."""

    def __init__(self, runners: Runners, stores: Stores, clock: Clock, policy: Policy, post: Post) -> None:
        self._leases: dict[str, LeasedJob] = {}
        self._heard: dict[str, int] = {}
        self._runners = runners
        self._stores = stores
        self._clock = clock
        self._policy = policy
        self._post = post

    def find(self, lease: str) -> LeasedJob | None:
        """The job of an open lease."""
        return self._leases.get(lease)

    def expect(self, heard: Mapping[str, int]) -> None:
        """Leases of an earlier process, each with the number of the last report that it took in."""
        self._heard.update(heard)

    def offer(self, run: RunState, fact: JobQueued) -> None:
        """Put a job up, or conclude it with the reason why it cannot be carried out here."""
        contexts = gather_contexts(run, fact.job)
        refusal = self._policy.labels.find_refusal(contexts.leg)
        if refusal is not None and self._policy.missing_runner == "skip":
            self._conclude(run, fact.job, "skipped", refusal)
            return
        if refusal is not None:
            self._fail(run, fact.job, refusal, contexts.job.runs_on.span)
            return
        try:
            grant = self._grant(run, contexts, fact.lease)
        except EvaluationError as error:
            self._fail(run, fact.job, f"its secrets cannot be evaluated: {error.message}", error.span)
            return
        except GrantError as error:
            self._fail(run, fact.job, str(error), contexts.job.span)
            return
        secrets = grant.secrets
        self._leases[fact.lease] = LeasedJob(run.id, fact.job, secrets, heard=self._heard.pop(fact.lease, 0))
        self._runners.offer(_build_order(run, contexts, fact.lease, grant.source), secrets)

    def stop(self, run: RunState, job: str, reason: StopReason, *, force: bool) -> None:
        """Withdraw a job, or have it stopped; one that was never offered is left alone."""
        lease = run.jobs[job].lease
        if lease in self._leases:
            self._runners.stop(lease, reason, force=force)

    def retry(self, run: RunState, job: str, step: int) -> None:
        """Let a paused job go on from a step."""
        self._runners.retry(run.jobs[job].lease, step)

    def forget(self, run: RunState, job: str) -> None:
        """A job is completed: its lease and its log are closed."""
        lease = run.jobs[job].lease
        if self._leases.pop(lease, None) is not None:
            self._runners.forget(lease)
        self._stores.logs.close(run.id, run.attempt, job)

    def abandon(self) -> None:
        """Stop every job at once and listen no more: a runner that waits to be heard goes on to its end."""
        for lease in self._leases:
            self._runners.stop(lease, "cancelled", force=True)
            self._runners.forget(lease)
        self._leases.clear()

    def _grant(self, run: RunState, contexts: JobContexts, lease: str) -> JobGrant:
        """What the job itself is given, at the end of the calls around it. Raises `EvaluationError`, `GrantError`."""
        grants = self._policy.grants
        if grants is None:
            return JobGrant(secrets=pass_secrets(contexts.calls, self._policy.secrets))
        own, wanted = name_secrets(contexts)
        grant = grants.grant(run, contexts.leg, lease, wanted)
        passed = pass_secrets(contexts.calls, grant.secrets)
        if own is not None:
            passed = {name: value for name, value in passed.items() if name.upper() in own}
        if grant.identity_token:
            passed[IDENTITY_TOKEN] = grant.identity_token
        if grant.server_token:
            passed[SERVER_TOKEN] = grant.server_token
        return msgspec.structs.replace(grant, secrets=passed)

    def _fail(self, run: RunState, job: str, reason: str, span: Span) -> None:
        """A job that cannot begin: the annotation points at what is to blame."""
        annotation = AnnotationRaised(
            at=self._clock.now(),
            run=run.id,
            job=job,
            step=None,
            severity="error",
            message=reason,
            file=span.file,
            line=span.line,
            column=span.column,
            end_line=span.end_line,
            end_column=span.end_column,
        )
        self._post(run.id, [annotation])
        self._conclude(run, job, "failure", reason)

    def _conclude(self, run: RunState, job: str, outcome: Conclusion, reason: str) -> None:
        leg = run.jobs[job].leg
        assert leg is not None
        finished = JobFinished(
            at=self._clock.now(),
            run=run.id,
            job=job,
            job_id=leg.job_id,
            name=leg.name,
            matrix=leg.matrix,
            conclusion=conclude_job(outcome, continue_on_error=leg.continue_on_error),
            outcome=outcome,
            reason=reason,
        )
        self._post(run.id, [finished])


def _build_order(run: RunState, contexts: JobContexts, lease: str, source: str) -> JobOrder:
    point = run.resumed.get(contexts.leg.key)
    return JobOrder(
        run=run.id,
        lease=lease,
        leg=contexts.leg,
        job=contexts.job,
        workflow_file=contexts.workflow.file,
        workflow_env=contexts.workflow.env,
        workflow_defaults=contexts.workflow.defaults,
        github={**contexts.github, "job": contexts.job.id},
        needs=contexts.needs,
        inputs=contexts.inputs,
        variables=contexts.variables,
        strategy=contexts.strategy,
        check_run_id=number_leased(lease),
        workflow_origin=contexts.workflow.origin,
        resolved=run.resolved,
        source=source,
        start_from_step=1 if point is None else point.step,
        resumed_attempt=0 if point is None else point.attempt,
    )

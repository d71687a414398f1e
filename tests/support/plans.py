"""Small plans and runs for tests of what stands around them."""

from datetime import UTC, datetime, timedelta

from homeport.diagnostics.span import Span
from homeport.event import Event, Repository
from homeport.language import nodes
from homeport.language.tokens import ExpressionToken, StringToken
from homeport.plan.model import Plan, PlannedJob, PlannedWorkflow
from homeport.ports.repositories import RunRecord

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SPAN = Span(".github/workflows/ci.yml", 3, 5, 3, 20)


class FixedClock:
    """A `Clock` that stands still until it is told to move on."""

    def __init__(self) -> None:
        self.moment = NOW
        self.seconds = 0.0

    def now(self) -> datetime:
        return self.moment

    def monotonic(self) -> float:
        return self.seconds

    def advance(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)
        self.seconds += seconds


def condition(source: str = "success()") -> nodes.Condition:
    return nodes.Condition(ExpressionToken(source, SPAN), implicit_success=False)


def written_job(job_id: str, *needs: str, runs_on: str = "ubuntu-latest", when: str = "success()") -> nodes.Job:
    return nodes.Job(
        id=job_id,
        id_span=SPAN,
        needs=tuple(nodes.Need(need, SPAN) for need in needs),
        condition=condition(when),
        runs_on=nodes.RunsOn(StringToken(runs_on, SPAN), None, SPAN),
        steps=(nodes.RunStep(id="__run", condition=condition(), script=StringToken("true", SPAN), span=SPAN),),
        span=SPAN,
    )


def plan_of(*jobs: nodes.Job, name: str = "CI") -> Plan:
    repository = Repository(
        owner="octo", name="app", id="1", owner_id="2", default_branch="main", server_url="https://github.com"
    )
    workflow = PlannedWorkflow(
        file=".github/workflows/ci.yml",
        name=name,
        env=None,
        defaults=None,
        permissions=None,
        jobs=tuple(PlannedJob(job) for job in jobs or (written_job("build"),)),
    )
    event = Event(name="push", repository=repository, ref="refs/heads/main", sha="a" * 40, actor="octo")
    return Plan(workflow=workflow, event=event, inputs={}, variables={}, run_name="")


def record_of(run: str, *, attempt: int = 1, number: int = 1, source: str = "/src") -> RunRecord:
    return RunRecord(
        id=run,
        repository="octo/app",
        workflow=".github/workflows/ci.yml",
        number=number,
        attempt=attempt,
        created_at=NOW,
        source=source,
    )

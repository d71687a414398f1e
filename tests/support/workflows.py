"""Plans from the text of workflows, for tests of the run machine: parsed by the real parser, started by a push."""

from collections.abc import Mapping
from textwrap import dedent

from homeport.event import Event, Repository
from homeport.language import nodes
from homeport.language.parser import parse_workflow
from homeport.plan.concurrency import evaluate_claim
from homeport.plan.evaluation import evaluate_text
from homeport.plan.model import Plan, PlannedJob, PlannedWorkflow, Values

CI = ".github/workflows/ci.yml"
GITHUB: Values = {"event_name": "push", "ref": "refs/heads/main", "workflow": "CI", "run_id": "1", "run_attempt": "1"}


def plan_of_text(text: str, called: Mapping[str, str] | None = None) -> Plan:
    """The plan of a workflow whose `on` may be left out; `called` are reusable workflows by file name (`uses: ./x.yml`)."""
    files = {f"./{name}": _parse(source, f".github/workflows/{name}") for name, source in (called or {}).items()}
    written = _parse(text, CI)
    workflow = _plan_workflow(written, files)
    event = Event(
        name="push",
        repository=Repository(
            owner="octo", name="app", id="1", owner_id="2", default_branch="main", server_url="https://github.com"
        ),
        ref="refs/heads/main",
        sha="a" * 40,
        actor="octo",
    )
    contexts = {"github": GITHUB, "inputs": {}, "vars": {}}
    return Plan(
        workflow=workflow,
        event=event,
        inputs={},
        variables={},
        run_name="" if written.run_name is None else evaluate_text(written.run_name, contexts),
        concurrency=evaluate_claim(written.concurrency, contexts, {}),
    )


def _parse(text: str, file: str) -> nodes.Workflow:
    text = dedent(text)
    if not text.startswith("{") and "\non:" not in f"\n{text}":
        text = f"on: push\n{text}"
    workflow, diagnostics = parse_workflow(text, file)
    assert workflow is not None
    assert not [found for found in diagnostics if found.invalid], diagnostics
    return workflow


def _plan_workflow(written: nodes.Workflow, files: Mapping[str, nodes.Workflow]) -> PlannedWorkflow:
    call = written.find_trigger("workflow_call")
    return PlannedWorkflow(
        file=written.file,
        name=written.file if written.name is None else written.name.value,
        env=written.env,
        defaults=written.defaults,
        permissions=written.permissions,
        concurrency=written.concurrency,
        inputs=() if call is None else call.inputs,
        secrets=() if call is None else call.secrets,
        outputs=() if call is None else call.outputs,
        jobs=tuple(_plan_job(job, files) for job in written.jobs),
    )


def _plan_job(job: nodes.Job | nodes.CallJob, files: Mapping[str, nodes.Workflow]) -> PlannedJob:
    if isinstance(job, nodes.Job):
        return PlannedJob(job)
    name = "./" + job.uses.value.rsplit("/", 1)[-1]
    return PlannedJob(job, _plan_workflow(files[name], files))

"""Workflows, events and plans from short texts, for tests of the planner."""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import dedent
from typing import Any

from homeport.event import Event, Repository
from homeport.event.local_facts import LocalFacts
from homeport.language import nodes
from homeport.language.calls import Loaded
from homeport.language.parser.workflow import parse_workflow
from homeport.plan.contexts import RunIdentity, github_context
from homeport.plan.model import Plan
from homeport.plan.planner import Outcome, plan_workflow
from homeport.plan.scope import Scope, top_scope

CASES = Path(__file__).resolve().parents[1] / "cases" / "plan"
CI = ".github/workflows/ci.yml"
REPOSITORY = Repository(
    owner="octo", name="app", id="11", owner_id="12", default_branch="main", server_url="https://github.com"
)
FACTS = LocalFacts(repository=REPOSITORY, branch="main", sha="a" * 40, actor="mona", now="2026-03-01T12:00:00+00:00")
JOBS = "jobs: {build: {runs-on: ubuntu-latest, steps: [{run: make}]}}\n"


def read_cases(name: str) -> list[dict[str, Any]]:
    """The `[[case]]` tables of one golden file, in order."""
    cases: list[dict[str, Any]] = tomllib.loads((CASES / name).read_text("utf-8"))["case"]
    return cases


def read_workflow(text: str, file: str = CI) -> nodes.Workflow:
    """A workflow without mistakes; `on` may be left out, and `jobs` too."""
    text = dedent(text)
    text = text if "\non:" in f"\n{text}" else f"on: push\n{text}"
    text = text if "\njobs:" in f"\n{text}" else f"{text}\n{JOBS}"
    workflow, diagnostics = parse_workflow(text, file)
    assert workflow is not None
    assert not [found for found in diagnostics if found.invalid], diagnostics
    return workflow


def make_event(name: str = "push", **fields: Any) -> Event:
    """An event of branch `main`, but for these fields."""
    known: dict[str, Any] = {"repository": REPOSITORY, "ref": "refs/heads/main", "sha": "a" * 40, "actor": "mona"}
    return Event(name=name, **{**known, **fields})


def outcome_of(
    text: str,
    event: Event | None = None,
    *,
    called: Mapping[str, str] | None = None,
    changed: Sequence[str] | None = None,
    **settings: Any,
) -> Outcome:
    """What an event (a push) means for a workflow; `called` are texts by file name below `.github/workflows`."""
    texts = called or {}

    def load(reference: str) -> Loaded | None:
        name = reference.removeprefix("./.github/workflows/")
        return (read_workflow(texts[name], f".github/workflows/{name}"), []) if name in texts else None

    return plan_workflow(
        read_workflow(text), event or make_event(), load_called=load, changed_paths=lambda: changed, **settings
    )


def plan_of_text(text: str, event: Event | None = None, **settings: Any) -> Plan:
    """The plan of a workflow that starts."""
    outcome = outcome_of(text, event, **settings)
    assert isinstance(outcome, Plan), outcome
    return outcome


def scope_of(plan: Plan) -> Scope:
    """The scope of a plan's own jobs, in run number 1."""
    name, file = plan.workflow.name, plan.workflow.file
    return top_scope(plan, github_context(plan.event, workflow_name=name, workflow_file=file, identity=RunIdentity()))

"""Plans from the text of workflows, for tests of the run machine: parsed and planned as a push starts them."""

from collections.abc import Mapping
from textwrap import dedent

from homeport.diagnostics.diagnostic import Diagnostic
from homeport.event import Event, Repository
from homeport.language import nodes
from homeport.language.parser.workflow import parse_workflow
from homeport.plan.model import Plan, Values
from homeport.plan.planner import plan_workflow

CI = ".github/workflows/ci.yml"
GITHUB: Values = {"event_name": "push", "ref": "refs/heads/main", "workflow": "CI", "run_id": "1", "run_attempt": "1"}
EVENT = Event(
    name="push",
    repository=Repository(
        owner="octo", name="app", id="1", owner_id="2", default_branch="main", server_url="https://github.com"
    ),
    ref="refs/heads/main",
    sha="a" * 40,
    actor="octo",
)


def plan_of_text(text: str, called: Mapping[str, str] | None = None) -> Plan:
    """The plan of a workflow whose `on` may be left out; `called` are reusable workflows by file name."""
    files = {f"./.github/workflows/{name}": source for name, source in (called or {}).items()}

    def load(reference: str) -> tuple[nodes.Workflow | None, list[Diagnostic]] | None:
        return (_parse(files[reference], reference.removeprefix("./")), []) if reference in files else None

    planned = plan_workflow(_parse(text, CI), EVENT, load_called=load)
    assert isinstance(planned, Plan), planned
    return planned


def _parse(text: str, file: str) -> nodes.Workflow:
    text = dedent(text)
    if not text.startswith("{") and "\non:" not in f"\n{text}":
        text = f"on: push\n{text}"
    workflow, diagnostics = parse_workflow(text, file)
    assert workflow is not None
    assert not [found for found in diagnostics if found.invalid], diagnostics
    return workflow

"""A stored plan with the workflows of other repositories put in anew."""

from homeport.diagnostics.diagnostic import Diagnostic
from homeport.language.calls import Loaded
from homeport.plan.calls import MissingFile, list_commits
from homeport.plan.model import Plan, PlannedWorkflow, WorkflowOrigin
from homeport.plan.planner import Missing, plan_workflow
from homeport.plan.refresh import has_remote_calls, refresh_calls
from tests.support.planning import make_event, read_workflow

OWN = "./.github/workflows/own.yml"
REMOTE = "o/flows/.github/workflows/f.yml@v1"
TOP = f"""
name: Top
jobs:
  own: {{uses: {OWN}, with: {{who: me}}}}
  plain: {{runs-on: x, steps: [{{run: make}}]}}
"""
FILES = {
    OWN: f"""
name: Own
on: {{workflow_call: {{inputs: {{who: {{type: string, required: true}}}}, outputs: {{o: {{value: x}}}}}}}}
jobs: {{far: {{uses: {REMOTE}}}}}
""",
    REMOTE: "on: workflow_call\njobs: {old: {runs-on: x, steps: [{uses: $/tool}]}}",
}


class Files:
    """Workflows by reference, and the commit at which the remote one is."""

    def __init__(self, files: dict[str, str], sha: str) -> None:
        self._files = files
        self._sha = sha
        self.asked: list[str] = []

    def load(self, reference: str) -> Loaded | None:
        self.asked.append(reference)
        text = self._files.get(reference)
        return None if text is None else (read_workflow(text, reference.removeprefix("./")), [])

    def find_origin(self, reference: str) -> WorkflowOrigin | None:
        if reference != REMOTE:
            return None
        return WorkflowOrigin(repository="o/flows", path=".github/workflows/f.yml", ref="refs/tags/v1", sha=self._sha)

    def find_failure(self, reference: str) -> str | None:
        return f"nobody answers for {reference}"


def planned(files: Files) -> Plan:
    outcome = plan_workflow(read_workflow(TOP), make_event(), load_called=files.load, remote=files)
    assert isinstance(outcome, Plan)
    return outcome


def far(plan: Plan) -> PlannedWorkflow:
    own = plan.workflow.get_job("own").called
    assert own is not None
    called = own.get_job("far").called
    assert called is not None
    return called


def test_a_plan_knows_the_commits_of_what_it_calls() -> None:
    plan = planned(Files(FILES, "1" * 40))
    assert list_commits(plan.workflow) == {"o/flows@v1": "1" * 40}
    assert has_remote_calls(plan.workflow)
    (job,) = far(plan).jobs
    assert [step.uses.value for step in job.written.steps] == [f"o/flows/tool@{'1' * 40}"]  # type: ignore[union-attr]


def test_refreshing_asks_for_remote_workflows_only_and_keeps_everything_else() -> None:
    plan = planned(Files(FILES, "1" * 40))
    new = Files({REMOTE: FILES[REMOTE].replace("old", "new")}, "2" * 40)
    refreshed = refresh_calls(plan, new.load, new, can_fetch=True)
    assert isinstance(refreshed, Plan)
    assert new.asked == [REMOTE]
    assert [job.written.id for job in far(refreshed).jobs] == ["new"]
    assert list_commits(refreshed.workflow) == {"o/flows@v1": "2" * 40}
    assert refreshed.workflow.get_job("plain") == plan.workflow.get_job("plain")
    own, before = refreshed.workflow.get_job("own").called, plan.workflow.get_job("own").called
    assert own is not None
    assert before is not None
    assert (own.name, own.inputs, own.outputs, own.file) == (before.name, before.inputs, before.outputs, before.file)


def test_refreshing_with_the_same_files_gives_the_same_plan() -> None:
    files = Files(FILES, "1" * 40)
    plan = planned(files)
    assert refresh_calls(plan, files.load, files, can_fetch=True) == plan


def test_what_is_missing_is_asked_for_and_at_last_left_out_with_the_reason() -> None:
    plan = planned(Files(FILES, "1" * 40))
    empty = Files({}, "")
    missing = refresh_calls(plan, empty.load, empty, can_fetch=True)
    assert isinstance(missing, Missing)
    assert [file.reference for file in missing.files] == [REMOTE]
    assert isinstance(missing.files[0], MissingFile)
    without = refresh_calls(plan, empty.load, empty, can_fetch=False)
    assert isinstance(without, Plan)
    own = without.workflow.get_job("own").called
    assert own is not None
    assert own.get_job("far").missing == f"nobody answers for {REMOTE}"


def test_an_interface_that_does_not_fit_any_more_is_a_mistake() -> None:
    plan = planned(Files(FILES, "1" * 40))
    strict = FILES[REMOTE].replace(
        "on: workflow_call", "on: {workflow_call: {inputs: {must: {type: string, required: true}}}}"
    )
    new = Files({REMOTE: strict}, "2" * 40)
    mistakes = refresh_calls(plan, new.load, new, can_fetch=True)
    assert isinstance(mistakes, list)
    assert isinstance(mistakes[0], Diagnostic)
    assert "the input 'must' is required" in mistakes[0].message

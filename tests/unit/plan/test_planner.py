"""The front door: plans with their names, inputs, contexts and calls."""

from typing import Any

import pytest

from homeport.event import Event
from homeport.language.calls import Loaded
from homeport.plan.contexts import RunIdentity, github_context
from homeport.plan.model import ConcurrencyClaim, NotStarted, Plan
from homeport.plan.planner import Missing, plan, plan_workflow
from tests.support.planning import make_event, outcome_of, plan_of_text, read_workflow

DISPATCH = """
on:
  workflow_dispatch:
    inputs:
      level: {type: choice, required: true, default: warning, options: [info, warning, debug]}
      tags: {type: boolean}
      count: {type: number, default: 3}
      target: {type: environment, required: true}
      note: {description: free text}
"""


def messages_of(outcome: object) -> list[str]:
    assert isinstance(outcome, list), outcome
    assert all(diagnostic.invalid for diagnostic in outcome)
    return [diagnostic.message for diagnostic in outcome]


# --- the names of runs -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "payload", "expected"),
    [
        ("push", {"head_commit": {"message": "Mend it\n\nMore."}}, "Mend it"),
        ("push", {}, "CI"),
        ("pull_request", {"pull_request": {"title": "Mend it"}}, "Mend it"),
        ("issues", {"issue": {"title": "Broken"}}, "Broken"),
        ("release", {"release": {"name": "One", "tag_name": "v1"}}, "One"),
        ("release", {"release": {"name": "", "tag_name": "v1"}}, "v1"),
        ("workflow_run", {"workflow_run": {"display_title": "Mend it"}}, "Mend it"),
        ("workflow_dispatch", {"head_commit": {"message": "not a push"}}, "CI"),
        ("schedule", {}, "CI"),
    ],
)
def test_a_run_without_a_name_is_called_after_its_event(name: str, payload: dict[str, Any], expected: str) -> None:
    settings = {"schedule": "[{cron: '0 1 * * *'}]", "workflow_run": "{workflows: [X]}"}
    made = plan_of_text(f"name: CI\non: {{{name}: {settings.get(name, '')}}}", make_event(name, payload=payload))
    assert made.run_name == expected


def test_a_run_is_called_as_its_workflow_says() -> None:
    text = "run-name: 'Deploy by @${{ github.actor }} #${{ github.run_number }} ${{ vars.where }}'"
    made = plan_of_text(text, variables={"where": "home"}, identify=lambda: RunIdentity("7", 12))
    assert made.run_name == "Deploy by @mona #12 home"


def test_a_blank_name_is_none() -> None:
    assert plan_of_text("run-name: ' ${{ github.nothing }} '\nname: CI").run_name == "CI"


def test_a_workflow_without_a_name_is_called_by_its_path() -> None:
    assert plan_of_text("on: push").workflow.name == ".github/workflows/ci.yml"


# --- concurrency and mistakes ----------------------------------------------------------------------------------------


def test_the_runs_claim_is_evaluated() -> None:
    made = plan_of_text(
        "concurrency: {group: '${{ github.workflow }}-${{ github.ref }}', cancel-in-progress: true}\nname: CI"
    )
    assert made.concurrency == ConcurrencyClaim("CI-refs/heads/main", cancel_in_progress=True)


@pytest.mark.parametrize("line", ["run-name: ${{ fromJSON('{') }}", "concurrency: ${{ fromJSON(github.ref) }}"])
def test_what_fails_before_the_run_refuses_it_at_its_place(line: str) -> None:
    outcome = outcome_of(line)
    assert isinstance(outcome, list)
    (mistake,) = outcome
    assert (mistake.code, mistake.invalid, mistake.span.line) == ("expression", True, 2)


def test_a_run_is_numbered_only_when_it_starts() -> None:
    def never() -> RunIdentity:
        raise AssertionError("no run, no number")

    assert isinstance(outcome_of("on: workflow_dispatch", identify=never), NotStarted)


# --- inputs ----------------------------------------------------------------------------------------------------------


def test_the_inputs_of_a_manual_run_are_typed_and_defaulted() -> None:
    event = make_event("workflow_dispatch", payload={"inputs": {"target": "prod", "tags": True, "note": None}})
    made = plan_of_text(DISPATCH, event, inputs={"TAGS": "False", "count": "0x10"})
    assert made.inputs == {"level": "warning", "tags": False, "count": 16.0, "target": "prod", "note": ""}
    assert made.event.payload["inputs"] == {
        "level": "warning",
        "tags": "false",
        "count": "16",
        "target": "prod",
        "note": "",
    }
    assert made.event.payload["workflow"] == ".github/workflows/ci.yml"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "Required input 'target' not provided"),
        ({"target": "x", "level": "loud"}, "Input 'level' is 'loud', expected one of: info, warning, debug"),
        ({"target": "x", "tags": "yes"}, "Input 'tags' is 'yes', expected true or false"),
        ({"target": "x", "count": "many"}, "Input 'count' is 'many', expected a number"),
        ({"target": "x", "count": ""}, "Input 'count' is '', expected a number"),
        ({"target": "x", "other": "1"}, "Unexpected input 'other' provided; the workflow declares: level, tags"),
    ],
)
def test_an_input_that_does_not_fit_refuses_the_run(given: dict[str, str], message: str) -> None:
    (found,) = messages_of(outcome_of(DISPATCH, make_event("workflow_dispatch"), inputs=given))
    assert message in found


def test_all_inputs_that_do_not_fit_are_told_at_once() -> None:
    outcome = outcome_of(DISPATCH, make_event("workflow_dispatch"), inputs={"tags": "?", "x": "", "count": "?"})
    assert len(messages_of(outcome)) == 4


def test_a_manual_run_without_inputs_has_none() -> None:
    made = plan_of_text("on: workflow_dispatch", make_event("workflow_dispatch"))
    assert (made.inputs, made.event.payload["inputs"]) == ({}, None)


def test_a_schedule_that_was_not_named_is_the_workflows_first() -> None:
    made = plan_of_text("on: {schedule: [{cron: '0 1 * * *'}, {cron: '0 2 * * *'}]}", make_event("schedule"))
    assert made.event.payload["schedule"] == "0 1 * * *"


# --- calls -----------------------------------------------------------------------------------------------------------


def chain(length: int) -> dict[str, str]:
    """Workflows that call one another: `w1.yml` calls `w2.yml`, and so on."""
    inner = {
        f"w{level}.yml": f"on: workflow_call\njobs: {{call: {{uses: ./.github/workflows/w{level + 1}.yml}}}}"
        for level in range(1, length)
    }
    return {**inner, f"w{length}.yml": "on: workflow_call\njobs: {end: {runs-on: x, steps: [{run: a}]}}"}


def test_called_workflows_are_put_in_their_places_to_the_ninth_level_below() -> None:
    """Docs, "Reuse workflows: Nesting": ten levels with the top one."""
    made = plan_of_text("jobs: {call: {uses: ./.github/workflows/w1.yml}}", called=chain(9))
    workflow, depth = made.workflow, 0
    while workflow.jobs[0].called is not None:
        workflow, depth = workflow.jobs[0].called, depth + 1
    assert (depth, workflow.file, workflow.jobs[0].written.id) == (9, ".github/workflows/w9.yml", "end")


@pytest.mark.parametrize(
    ("text", "called", "message"),
    [
        ("jobs: {call: {uses: ./.github/workflows/w1.yml}}", chain(10), "more than 10 levels"),
        ("jobs: {call: {uses: ./.github/workflows/no.yml}}", {}, "does not exist in this repository"),
        (
            "jobs: {call: {uses: ./.github/workflows/a.yml}}",
            {"a.yml": "on: workflow_call\njobs: {call: {uses: ./.github/workflows/a.yml}}"},
            "circle",
        ),
        ("jobs: {call: {uses: ./.github/workflows/a.yml}}", {"a.yml": "on: push"}, "'workflow_call' is not among"),
        (
            "permissions: {contents: read}\njobs: {call: {uses: ./.github/workflows/a.yml}}",
            {"a.yml": "on: workflow_call\npermissions: {contents: write}"},
            "asks for 'contents: write', and the call allows only 'contents: read'",
        ),
    ],
    ids=["depth", "missing", "circle", "not callable", "permissions"],
)
def test_a_call_that_github_refuses_refuses_the_run(text: str, called: dict[str, str], message: str) -> None:
    assert any(message in found for found in messages_of(outcome_of(text, called=called)))


def test_the_restricted_default_limits_what_a_called_workflow_may_ask_for() -> None:
    text, called = "jobs: {call: {uses: ./.github/workflows/a.yml}}", "on: workflow_call\npermissions: {issues: write}"
    assert isinstance(outcome_of(text, called={"a.yml": called}), Plan)
    outcome = outcome_of(text, called={"a.yml": called}, default_permissions="restricted")
    assert "asks for 'issues: write'" in messages_of(outcome)[0]


def test_workflows_of_other_repositories_are_asked_for() -> None:
    text = (
        "jobs: {a: {uses: octo/shared/.github/workflows/x.yml@v1}, b: {uses: octo/shared/.github/workflows/y.yml@v1}}"
    )
    outcome = outcome_of(text)
    assert isinstance(outcome, Missing)
    assert [file.reference for file in outcome.files] == [
        "octo/shared/.github/workflows/x.yml@v1",
        "octo/shared/.github/workflows/y.yml@v1",
    ]
    made = outcome_of(text, can_fetch=False)
    assert isinstance(made, Plan)
    assert [job.called for job in made.workflow.jobs] == [None, None]


def test_a_local_call_in_another_repository_means_that_repository() -> None:
    asked: list[str] = []
    remote = read_workflow("on: workflow_call\njobs: {inner: {uses: ./.github/workflows/y.yml}}")
    last = read_workflow("on: workflow_call")

    def load(reference: str) -> Loaded | None:
        asked.append(reference)
        return (remote if "x.yml" in reference else last, [])

    workflow = read_workflow("jobs: {a: {uses: octo/shared/.github/workflows/x.yml@v1}}")
    made = plan_workflow(workflow, make_event(), load_called=load)
    assert isinstance(made, Plan)
    assert asked == ["octo/shared/.github/workflows/x.yml@v1", "octo/shared/.github/workflows/y.yml@v1"]
    assert made.workflow.jobs[0].called is not None
    assert made.workflow.jobs[0].called.file == "octo/shared/.github/workflows/x.yml@v1"


def test_a_workflow_that_is_called_twice_is_one_value() -> None:
    text = "jobs: {a: {uses: ./.github/workflows/x.yml}, b: {uses: $/.github/workflows/x.yml}}"
    made = plan_of_text(text, called={"x.yml": "on: workflow_call"})
    assert made.workflow.jobs[0].called is made.workflow.jobs[1].called


def test_jobs_are_found_ignoring_case() -> None:
    workflow = plan_of_text("on: push").workflow
    assert workflow.get_job("BUILD").written.id == "build"
    with pytest.raises(KeyError):
        workflow.get_job("other")


# --- many workflows --------------------------------------------------------------------------------------------------


def test_the_changed_paths_are_asked_for_once() -> None:
    asked: list[int] = []

    def changed() -> list[str]:
        asked.append(1)
        return ["a.py"]

    workflows = [read_workflow(f"name: {path}\non: {{push: {{paths: ['{path}']}}}}") for path in ("a.py", "b.py")]
    outcomes = plan(workflows, make_event(), load_called=lambda _: None, changed_paths=changed)
    assert [type(outcome) for outcome in outcomes] == [Plan, NotStarted]
    assert len(asked) == 1


def test_each_workflow_that_starts_is_numbered_by_itself() -> None:
    workflows = [read_workflow(f"name: {name}\nrun-name: r${{{{ github.run_number }}}}") for name in ("a", "b")]
    numbers = {"a": RunIdentity("1", 4), "b": RunIdentity("2", 9)}
    outcomes = plan(
        workflows,
        make_event(),
        load_called=lambda _: None,
        identify=lambda one: numbers[one.name.value if one.name else ""],
    )
    assert [outcome.run_name for outcome in outcomes if isinstance(outcome, Plan)] == ["r4", "r9"]


# --- the github context ----------------------------------------------------------------------------------------------

DOCUMENTED = [
    "actor",
    "actor_id",
    "api_url",
    "base_ref",
    "event",
    "event_name",
    "graphql_url",
    "head_ref",
    "ref",
    "ref_name",
    "ref_protected",
    "ref_type",
    "repository",
    "repository_id",
    "repository_owner",
    "repository_owner_id",
    "repositoryUrl",
    "retention_days",
    "run_attempt",
    "run_id",
    "run_number",
    "secret_source",
    "server_url",
    "sha",
    "triggering_actor",
    "workflow",
    "workflow_ref",
    "workflow_sha",
]


def context_of(event: Event, identity: RunIdentity | None = None) -> dict[str, Any]:
    return github_context(
        event, workflow_name="CI", workflow_file=".github/workflows/ci.yml", identity=identity or RunIdentity()
    )


def test_the_github_context_has_all_that_a_run_knows() -> None:
    context = context_of(make_event(payload={"number": 7, "list": [1, {"a": 2}]}), RunIdentity("99", 3, 2, "hubot"))
    assert set(context) == set(DOCUMENTED)
    assert [name for name, value in context.items() if not isinstance(value, str)] == ["ref_protected", "event"]
    assert context["event"] == {"number": 7.0, "list": [1.0, {"a": 2.0}]}
    assert (context["run_id"], context["run_number"], context["run_attempt"]) == ("99", "3", "2")
    assert (context["actor"], context["triggering_actor"]) == ("mona", "hubot")
    assert context["workflow_ref"] == "octo/app/.github/workflows/ci.yml@refs/heads/main"
    assert context["api_url"] == "https://api.github.com"


@pytest.mark.parametrize(
    ("ref", "name", "kind"),
    [
        ("refs/heads/feature/a", "feature/a", "branch"),
        ("refs/tags/v1", "v1", "tag"),
        ("refs/pull/7/merge", "7/merge", "branch"),
    ],
)
def test_a_ref_has_a_name_and_a_type(ref: str, name: str, kind: str) -> None:
    context = context_of(make_event(ref=ref))
    assert (context["ref"], context["ref_name"], context["ref_type"]) == (ref, name, kind)

"""What a leg is made of, beside its matrix."""

from typing import Any

import pytest

from homeport.language.tokens import StringToken
from homeport.plan.expand import Expansion, Mistake, call_outputs, expand_job, unexpanded_name
from homeport.plan.model import ConcurrencyClaim, Leg, PlannedEnvironment
from homeport.plan.scope import called_scope
from tests.support.planning import make_event, plan_of_text, scope_of


def expand(job: str, needs: dict[str, Any] | None = None, **settings: Any) -> Expansion:
    """The legs of one job, written as the lines below its id."""
    lines = "\n".join(f"    {line}" for line in job.strip().splitlines())
    steps = "" if "uses:" in job else "\n    steps: [{run: make}]"
    runs_on = "" if "runs-on" in job or "uses:" in job else "\n    runs-on: ubuntu-latest"
    plan = plan_of_text(f"jobs:\n  job:\n{lines}{runs_on}{steps}\n", **settings)
    return expand_job(plan.workflow.jobs[0], scope_of(plan), needs or {})


def leg_of(job: str, **settings: Any) -> Leg:
    expansion = expand(job, **settings)
    assert expansion.mistake is None
    (leg,) = expansion.legs
    return leg


def mistake_of(job: str, **settings: Any) -> Mistake:
    expansion = expand(job, **settings)
    assert expansion.legs == ()
    assert expansion.mistake is not None
    return expansion.mistake


# --- names -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("", "job (1, x)"),
        ("name: Build", "Build (1, x)"),
        ("name: Build ${{ matrix.b }}", "Build x"),
        ("name: ${{ matrix.b }}", "x"),
        ("name: ${{ matrix.c }}", "job (1, x)"),
        ("name: ''", "job (1, x)"),
    ],
)
def test_a_leg_is_named_as_its_check_is(name: str, shown: str) -> None:
    leg = leg_of(f"strategy: {{matrix: {{a: [1], b: [x]}}}}\n{name}")
    assert (leg.name, leg.key, leg.job_id) == (shown, "job (1, x)", "job")


@pytest.mark.parametrize(
    ("name", "shown"), [("", "job"), ("name: Build", "Build"), ("name: 'Build ${{matrix.b}}'", "Build ${{ matrix.b }}")]
)
def test_a_job_that_was_never_expanded_has_one_name(name: str, shown: str) -> None:
    text = (
        f"jobs:\n  job:\n    runs-on: x\n    strategy: {{matrix: {{b: [1, 2]}}}}\n    steps: [{{run: a}}]\n    {name}\n"
    )
    plan = plan_of_text(text)
    assert unexpanded_name(plan.workflow.jobs[0], scope_of(plan)) == shown


# --- runners ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("runs_on", "labels", "group"),
    [
        ("ubuntu-latest", ("ubuntu-latest",), None),
        ("[self-hosted, '${{ github.ref_name }}']", ("self-hosted", "main"), None),
        ('${{ fromJSON(\'["a", "b"]\') }}', ("a", "b"), None),
        ("{group: large}", (), "large"),
        ("{group: 'org/${{ github.ref_name }}', labels: [gpu]}", ("gpu",), "org/main"),
        ("{labels: '${{ github.ref_name }}-x'}", ("main-x",), None),
        ('${{ fromJSON(\'{"group":"g","labels":["l"]}\') }}', ("l",), "g"),
        ('${{ fromJSON(\'{"group":"g"}\') }}', (), "g"),
    ],
)
def test_a_runner_is_asked_for_by_labels_or_group(runs_on: str, labels: tuple[str, ...], group: str | None) -> None:
    leg = leg_of(f"runs-on: {runs_on}")
    assert (leg.runs_on, leg.runner_group) == (labels, group)


@pytest.mark.parametrize(
    "runs_on", ["${{ github.nothing }}", "[a, '${{ github.nothing }}']", "${{ fromJSON('[[1]]') }}"]
)
def test_a_label_may_not_be_empty(runs_on: str) -> None:
    mistake = mistake_of(f"runs-on: {runs_on}")
    assert "the label of a runner is needed here" in mistake.message
    assert mistake.span.line == 4


# --- the rest --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environment", "planned"),
    [
        ("environment: prod", ("prod", True)),
        ("environment: '${{ github.ref_name }}'", ("main", True)),
        ("environment: {name: prod, deployment: false}", ("prod", False)),
        ("environment: '${{ github.nothing }}'", None),
        ('environment: ${{ fromJSON(\'{"name":"prod"}\') }}', ("prod", True)),
        ("", None),
    ],
)
def test_an_environment_is_a_name_and_whether_it_is_deployed(
    environment: str, planned: tuple[str, bool] | None
) -> None:
    found = leg_of(environment).environment
    assert (None if found is None else (found.name, found.deployment)) == planned


def test_the_url_of_an_environment_is_left_to_the_runner() -> None:
    leg = leg_of("environment: {name: prod, url: 'https://x.invalid/${{ steps.a.outputs.b }}'}")
    assert isinstance(leg.environment, PlannedEnvironment)
    assert leg.environment.url is not None


def test_one_expression_may_give_the_whole_environment() -> None:
    leg = leg_of("""environment: ${{ fromJSON('{"name":"prod","url":"https://x.invalid","deployment":false}') }}""")
    assert leg.environment is not None
    assert (leg.environment.name, leg.environment.deployment) == ("prod", False)
    assert isinstance(leg.environment.url, StringToken)
    assert leg.environment.url.value == "https://x.invalid"


def test_times_and_tolerance_are_evaluated() -> None:
    leg = leg_of(
        "timeout-minutes: ${{ fromJSON('0.5') }}\ncancel-timeout-minutes: 2\ncontinue-on-error: ${{ github.ref != '' }}"
    )
    assert (leg.timeout_minutes, leg.cancel_timeout_minutes, leg.continue_on_error) == (0.5, 2.0, True)
    default = leg_of("")
    assert (default.timeout_minutes, default.cancel_timeout_minutes, default.continue_on_error) == (360.0, 5.0, False)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("timeout-minutes: ${{ github.ref }}", "Unexpected value 'refs/heads/main': a number is needed"),
        ("timeout-minutes: ${{ fromJSON('-1') }}", "Unexpected value '-1'"),
        ("timeout-minutes: .inf", "Unexpected value 'Infinity'"),
        ("continue-on-error: ${{ github.nothing }}", "Unexpected value ''"),
        ("environment: ${{ fromJSON('[1]') }}", "An environment is given by its name"),
        ("name: ${{ fromJSON('[1]') }}", "text is needed here"),
        ("concurrency: ${{ github.nothing }}", "Concurrency group name cannot be empty"),
    ],
)
def test_a_value_of_the_wrong_kind_is_a_mistake_with_its_place(line: str, message: str) -> None:
    mistake = mistake_of(line)
    assert message in mistake.message
    assert (mistake.span.file, mistake.span.line) == (".github/workflows/ci.yml", 4)


# --- concurrency -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "claim"),
    [
        ("g-${{ matrix.a }}", ConcurrencyClaim("g-1")),
        ("{group: g, cancel-in-progress: true}", ConcurrencyClaim("g", cancel_in_progress=True)),
        ("{group: g, cancel-in-progress: '${{ matrix.a == 1 }}'}", ConcurrencyClaim("g", cancel_in_progress=True)),
        ("{group: g, queue: max}", ConcurrencyClaim("g", queue="max")),
        ('${{ fromJSON(\'{"group":"g","cancel-in-progress":true}\') }}', ConcurrencyClaim("g", True)),
    ],
)
def test_concurrency_is_claimed_by_leg(written: str, claim: ConcurrencyClaim) -> None:
    assert leg_of(f"strategy: {{matrix: {{a: [1]}}}}\nconcurrency: {written}").concurrency == claim


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("{group: g, queue: max, cancel-in-progress: '${{ github.ref != null }}'}", "cannot be combined"),
        ("{group: g, queue: '${{ github.ref_name }}'}", "the queue is 'single' or 'max'"),
        ("${{ fromJSON('[1]') }}", "Concurrency is a list"),
        ('${{ fromJSON(\'{"group":"g","other":1}\') }}', "Unexpected value 'other'"),
        ('${{ fromJSON(\'{"group":"g","cancel-in-progress":1}\') }}', "true or false is needed"),
    ],
)
def test_a_claim_that_makes_no_sense_is_a_mistake(written: str, message: str) -> None:
    assert message in mistake_of(f"concurrency: {written}").message


def test_a_group_name_has_an_end() -> None:
    long = "concurrency: ${{ format('{0}{0}', '" + "x" * 201 + "') }}"
    assert "less than 400 characters" in mistake_of(long).message


def test_a_group_that_the_run_itself_holds_could_never_be_granted() -> None:
    """Docs and public threads: "Canceling since a deadlock for concurrency group … was detected"."""
    text = "concurrency: Deploy\njobs:\n  job:\n    concurrency: deploy\n    runs-on: x\n    steps: [{run: a}]\n"
    plan = plan_of_text(text)
    expansion = expand_job(plan.workflow.jobs[0], scope_of(plan), {})
    assert expansion.mistake is not None
    assert "deadlock for concurrency group 'deploy'" in expansion.mistake.message
    assert "'top level workflow' holds it" in expansion.mistake.message


# --- calls -----------------------------------------------------------------------------------------------------------

CALLED = """
on:
  workflow_call:
    inputs:
      who: {type: string, required: true}
      count: {type: number, default: 2}
      loud: {type: boolean}
      greeting: {type: string, default: 'hello from ${{ github.ref_name }}'}
    outputs:
      said: {value: '${{ jobs.say.outputs.text }}'}
      shout: {value: '${{ inputs.who }}!'}
concurrency: called-${{ inputs.who }}
jobs:
  say:
    runs-on: ${{ inputs.who }}
    name: Say ${{ inputs.greeting }}
    outputs: {text: x}
    steps: [{run: echo}]
"""
USES = "uses: ./.github/workflows/say.yml"


def test_inputs_are_typed_and_defaulted() -> None:
    leg = leg_of(f"{USES}\nwith: {{WHO: 3.10, loud: '${{{{ github.ref != null }}}}'}}", called={"say.yml": CALLED})
    assert leg.inputs == {"who": "3.1", "count": 2.0, "loud": True, "greeting": "hello from main"}
    assert leg.called_concurrency == ConcurrencyClaim("called-3.1")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("{who: x, loud: \"${{ format('{0}', true) }}\"}", "Unexpected value 'true': a boolean is needed here"),
        ("{who: x, count: '${{ github.ref }}'}", "a number is needed here"),
        ("{who: \"${{ fromJSON('[1]') }}\"}", "text is needed here"),
    ],
)
def test_an_input_of_the_wrong_kind_is_a_mistake_of_the_call(given: str, message: str) -> None:
    mistake = mistake_of(f"{USES}\nwith: {given}", called={"say.yml": CALLED})
    assert message in mistake.message
    assert mistake.span.line == 5


def test_a_called_job_is_named_after_its_callers() -> None:
    plan = plan_of_text(
        f"jobs:\n  greet:\n    strategy: {{matrix: {{who: [ada, bob]}}}}\n    {USES}\n    with: {{who: '${{{{ matrix.who }}}}'}}\n",
        called={"say.yml": CALLED},
    )
    job = plan.workflow.jobs[0]
    outer = scope_of(plan)
    bob = expand_job(job, outer, {}).legs[1]
    inner = called_scope(outer, bob, job)
    (leg,) = expand_job(inner.workflow.jobs[0], inner, {}).legs
    assert (leg.key, leg.job_id) == ("greet (bob)/say", "greet/say")
    assert leg.name == "greet (bob) / Say hello from main"
    assert leg.runs_on == ("bob",)
    assert unexpanded_name(inner.workflow.jobs[0], inner) == "greet (bob) / Say ${{ inputs.greeting }}"


def test_outputs_of_a_call_see_its_jobs_and_inputs() -> None:
    plan = plan_of_text(f"jobs:\n  greet:\n    {USES}\n    with: {{who: ada}}\n", called={"say.yml": CALLED})
    (leg,) = expand_job(plan.workflow.jobs[0], scope_of(plan), {}).legs
    inner = called_scope(scope_of(plan), leg, plan.workflow.jobs[0])
    jobs = {"say": {"result": "success", "outputs": {"text": "hi"}}}
    assert call_outputs(inner, jobs) == {"said": "hi", "shout": "ada!"}
    assert call_outputs(inner, {"say": {"result": "skipped", "outputs": {}}}) == {"said": "", "shout": "ada!"}


def test_an_output_that_cannot_be_evaluated_is_a_mistake() -> None:
    broken = CALLED.replace("jobs.say.outputs.text", "fromJSON(jobs.say.outputs.text)")
    plan = plan_of_text(f"jobs:\n  greet:\n    {USES}\n    with: {{who: ada}}\n", called={"say.yml": broken})
    (leg,) = expand_job(plan.workflow.jobs[0], scope_of(plan), {}).legs
    outcome = call_outputs(called_scope(scope_of(plan), leg, plan.workflow.jobs[0]), {"say": {"outputs": {}}})
    assert isinstance(outcome, Mistake)
    assert outcome.span.file == ".github/workflows/say.yml"


@pytest.mark.parametrize("around", ["concurrency: called-ada\n", "jobs-level"])
def test_a_called_workflow_may_not_claim_what_its_callers_hold(around: str) -> None:
    top = around if around.startswith("concurrency") else ""
    own = "" if top else "\n    concurrency: CALLED-ada"
    text = f"{top}jobs:\n  greet:\n    {USES}{own}\n    with: {{who: ada}}\n"
    plan = plan_of_text(text, called={"say.yml": CALLED})
    expansion = expand_job(plan.workflow.jobs[0], scope_of(plan), {})
    assert expansion.mistake is not None
    assert "deadlock for concurrency group 'called-ada'" in expansion.mistake.message


def test_a_workflow_that_cannot_be_fetched_fails_the_job_that_calls_it() -> None:
    mistake = mistake_of("uses: octo/shared/.github/workflows/x.yml@v1", can_fetch=False)
    assert "'octo/shared/.github/workflows/x.yml@v1' of another repository is not here" in mistake.message


# --- permissions -----------------------------------------------------------------------------------------------------

READ_ALL = "permissions: read-all"


@pytest.mark.parametrize(
    ("top", "job", "contents", "issues", "id_token"),
    [
        ("", "", "write", "write", "none"),
        ("permissions: {contents: read}", "", "read", "none", "none"),
        ("permissions: {contents: read}", "permissions: {issues: write, id-token: write}", "none", "write", "write"),
        (READ_ALL, "", "read", "read", "none"),
        ("permissions: {}", "", "none", "none", "none"),
        ("permissions: write-all", "", "write", "write", "write"),
    ],
)
def test_permissions_are_the_jobs_own_or_the_workflows(
    top: str, job: str, contents: str, issues: str, id_token: str
) -> None:
    plan = plan_of_text(f"{top}\njobs:\n  job:\n    runs-on: x\n    steps: [{{run: a}}]\n    {job}\n")
    (leg,) = expand_job(plan.workflow.jobs[0], scope_of(plan), {}).legs
    assert (leg.permissions["contents"], leg.permissions["issues"], leg.permissions["id-token"]) == (
        contents,
        issues,
        id_token,
    )


def test_the_restricted_default_reads_contents_and_packages_only() -> None:
    plan = plan_of_text("jobs: {job: {runs-on: x, steps: [{run: a}]}}", default_permissions="restricted")
    granted = {scope for scope, level in plan.permissions.items() if level != "none"}
    assert granted == {"contents", "packages"}


@pytest.mark.parametrize("head", ['{"repo": {"full_name": "mallory/app"}}', '{"repo": null}'])
def test_a_pull_request_from_a_fork_may_only_read(head: str) -> None:
    import json  # noqa: PLC0415

    event = make_event("pull_request", action="opened", payload={"pull_request": {"head": json.loads(head)}})
    text = "on: pull_request\npermissions: write-all\njobs: {job: {runs-on: x, permissions: {issues: write}, steps: [{run: a}]}}"
    plan = plan_of_text(text, event)
    (leg,) = expand_job(plan.workflow.jobs[0], scope_of(plan), {}).legs
    assert (plan.permissions["contents"], leg.permissions["issues"]) == ("read", "read")
    assert plan.permissions["id-token"] == "none"


def test_a_pull_request_of_the_same_repository_may_write() -> None:
    payload = {"pull_request": {"head": {"repo": {"full_name": "Octo/App"}}}}
    plan = plan_of_text("on: pull_request", make_event("pull_request", action="opened", payload=payload))
    assert plan.permissions["contents"] == "write"


@pytest.mark.parametrize(
    ("caller", "called", "inner", "expected"),
    [
        ("permissions: {contents: read}", "", "", ("read", "none")),
        ("permissions: {contents: write, issues: read}", "permissions: {contents: read}", "", ("read", "none")),
        (
            "permissions: {contents: write, issues: read}",
            "permissions: {contents: read}",
            "permissions: {issues: read}",
            ("none", "read"),
        ),
        ("", "permissions: {contents: write}", "", ("write", "none")),
    ],
)
def test_a_called_workflow_may_narrow_what_its_caller_has(
    caller: str, called: str, inner: str, expected: tuple[str, str]
) -> None:
    text = f"on: workflow_call\n{called}\njobs:\n  in:\n    runs-on: x\n    steps: [{{run: a}}]\n    {inner}\n"
    plan = plan_of_text(f"jobs:\n  out:\n    {USES}\n    {caller}\n", called={"say.yml": text})
    (leg,) = expand_job(plan.workflow.jobs[0], scope_of(plan), {}).legs
    scope = called_scope(scope_of(plan), leg, plan.workflow.jobs[0])
    (job,) = expand_job(scope.workflow.jobs[0], scope, {}).legs
    assert (job.permissions["contents"], job.permissions["issues"]) == expected

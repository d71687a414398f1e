"""What the typed nodes of a workflow hold, where the published cases do not look."""

import pytest

from homeport.diagnostics.span import Span
from homeport.language.nodes import (
    CallJob,
    Container,
    Job,
    ParallelStep,
    RunStep,
    UsesStep,
    WaitStep,
    Workflow,
)
from homeport.language.parser.workflow import parse_workflow
from homeport.language.tokens import ExpressionToken, InterpolationToken, MappingToken, SequenceToken, StringToken

FILE = ".github/workflows/w.yml"


def parse(text: str) -> Workflow:
    workflow, diagnostics = parse_workflow(text, FILE)
    assert [diagnostic for diagnostic in diagnostics if diagnostic.invalid] == []
    assert workflow is not None
    return workflow


def parse_job(text: str) -> Job:
    body = "\n".join(f"    {line}" for line in text.splitlines())
    job = parse(f"on: push\njobs:\n  a:\n    runs-on: x\n{body}\n").jobs[0]
    assert isinstance(job, Job)
    return job


def parse_step(text: str) -> RunStep | UsesStep:
    job = parse_job(f"steps:\n  - {text}")
    step = job.steps[0]
    assert isinstance(step, RunStep | UsesStep)
    return step


def test_text_with_expressions_keeps_its_parts_and_their_places() -> None:
    step = parse_step("run: echo ${{ github.ref }}-${{ github.sha }}!")
    assert isinstance(step, RunStep)
    script = step.script
    assert isinstance(script, InterpolationToken)
    parts = [part.value if isinstance(part, StringToken) else part for part in script.parts]
    assert parts == [
        "echo ",
        ExpressionToken("github.ref", Span(FILE, 6, 23, 6, 33)),
        "-",
        ExpressionToken("github.sha", Span(FILE, 6, 41, 6, 51)),
        "!",
    ]


@pytest.mark.parametrize(
    ("written", "source", "implicit", "interpolated"),
    [
        ("github.ref == 'x'", "github.ref == 'x'", True, False),
        ("${{ github.ref == 'x' }}", "github.ref == 'x'", True, False),
        ("${{ always() }}", "always()", False, False),
        ("Failure() || github.ref", "Failure() || github.ref", False, False),
        ("contains('success()', github.ref)", "contains('success()', github.ref)", True, False),
        ("true", "true", True, False),
        ("''", "success()", False, False),
        ("", "success()", False, False),
        ("${{ 'always()' }}", "always()", False, False),
        ("${{ github.ref }} == 'x'", "format('{0} == ''x''', github.ref)", True, True),
        ("'{} ${{ always() }}'", "format('{{}} {0}', always())", False, True),
    ],
)
def test_a_condition_is_read_as_github_completes_it(
    written: str, source: str, implicit: bool, interpolated: bool
) -> None:
    condition = parse_step(f"run: a\n    if: {written}").condition
    assert condition.expression.source == source
    assert condition.implicit_success is implicit
    assert condition.interpolated is interpolated


def test_a_constant_in_an_expression_is_text() -> None:
    step = parse_step("run: ${{ 'it''s ${{ not }} one' }}")
    assert isinstance(step, RunStep)
    assert step.script == StringToken("it's ${{ not }} one", Span(FILE, 6, 14, 6, 43), from_expression=True)


def test_numbers_become_text_where_text_is_wanted() -> None:
    step = parse_step("uses: a/b@v1\n    with: {a: 0x10, b: 1.10, c: true, d: null, e: 1e400}")
    assert isinstance(step, UsesStep)
    assert isinstance(step.inputs, MappingToken)
    values = [entry.value for entry in step.inputs.entries]
    assert [value.value for value in values if isinstance(value, StringToken)] == ["16", "1.1", "true", "", "Infinity"]


@pytest.mark.parametrize(
    ("steps", "ids"),
    [
        ("- run: a\n- run: b\n- run: c", ["__run", "__run_2", "__run_3"]),
        ("- run: a\n- {run: b, id: x}\n- run: c", ["__run", "x", "__run_2"]),
        ("- uses: ./a\n- uses: $/b\n- uses: a/b/c@v1", ["__self", "__self_2", "__a_b"]),
        ("- uses: docker://alpine:3.20\n- uses: A.b/c d@v1", ["__alpine_3_20", "__A_b_c_d"]),
        (
            "- {run: a, id: s, background: true}\n- wait: s\n- wait-all:\n- cancel: s",
            ["s", "__wait", "__wait-all", "__cancel"],
        ),
        ("- parallel: [{run: a}, {run: b, id: b}]\n- run: c", ["__parallel", "__run_2"]),
    ],
)
def test_steps_without_an_id_get_one(steps: str, ids: list[str]) -> None:
    indented = "\n".join(f"  {line}" for line in steps.splitlines())
    assert [step.id for step in parse_job(f"steps:\n{indented}").steps] == ids


def test_a_generated_id_that_is_too_long_is_cut_and_stays_distinct() -> None:
    image = "docker://" + "a" * 200
    first, second = parse_job(f"steps:\n  - uses: {image}\n  - uses: {image}").steps
    assert (len(first.id), len(second.id)) == (100, 100)
    assert second.id.endswith("_2")


def test_parallel_steps_hold_their_steps() -> None:
    job = parse_job("steps:\n  - name: both\n    parallel:\n      - run: a\n      - uses: ./b\n  - wait-all: true")
    parallel, wait = job.steps
    assert isinstance(parallel, ParallelStep)
    assert [type(step) for step in parallel.steps] == [RunStep, UsesStep]
    assert isinstance(wait, WaitStep)
    assert wait.targets is None


def test_empty_texts_count_as_absent() -> None:
    workflow = parse(
        "on: push\nname: ''\nrun-name: ''\nconcurrency: ''\njobs:\n  a:\n    runs-on: x\n    name: ''\n    environment: ''\n"
        "    container: ''\n    steps: [{run: a, name: '', working-directory: ''}]\n"
    )
    job = workflow.jobs[0]
    assert isinstance(job, Job)
    step = job.steps[0]
    assert isinstance(step, RunStep)
    assert (workflow.name, workflow.run_name, workflow.concurrency) == (None, None, None)
    assert (job.name, job.environment, job.container, step.name, step.working_directory) == (
        None,
        None,
        None,
        None,
        None,
    )


def test_whole_values_may_be_one_expression() -> None:
    job = parse_job(
        "strategy: ${{ fromJSON(vars.a) }}\nenvironment: ${{ vars.b }}\nconcurrency: ${{ vars.c }}\n"
        "container: ${{ fromJSON(vars.d) }}\nservices: ${{ fromJSON(vars.e) }}\nenv: ${{ fromJSON(vars.f) }}"
    )
    assert job.strategy is not None
    assert (job.strategy.matrix, isinstance(job.strategy.whole, ExpressionToken)) == (None, True)
    assert job.environment is not None
    assert isinstance(job.environment.name, ExpressionToken)
    assert job.concurrency is not None
    assert isinstance(job.concurrency.group, ExpressionToken)
    assert isinstance(job.container, ExpressionToken)
    assert isinstance(job.services, ExpressionToken)
    assert isinstance(job.env, ExpressionToken)


def test_services_know_their_own_keys() -> None:
    job = parse_job(
        "services:\n  db: {image: pg, entrypoint: run it, command: --x 1, ports: [5432], credentials: {username: u}}\n  off: ''"
    )
    assert isinstance(job.services, tuple)
    database, off = (service.container for service in job.services)
    assert isinstance(database, Container)
    assert database.entrypoint == StringToken("run it", Span(FILE, 6, 35, 6, 41))
    assert isinstance(database.ports, SequenceToken)
    assert isinstance(off, Container)
    assert off.image == StringToken("", Span(FILE, 7, 12, 7, 14))


def test_runs_on_may_be_a_group() -> None:
    workflow = parse(
        "on: push\njobs:\n  a:\n    runs-on: {group: org/big, labels: [a, '${{ vars.b }}']}\n    steps: [{run: a}]\n"
    )
    job = workflow.jobs[0]
    assert isinstance(job, Job)
    assert isinstance(job.runs_on.group, StringToken)
    assert isinstance(job.runs_on.labels, SequenceToken)


def test_permissions_keep_what_is_written() -> None:
    workflow = parse(
        "on: push\npermissions: {}\njobs:\n  a: {runs-on: x, permissions: read-all, steps: [{run: a}]}\n"
        "  b: {runs-on: x, permissions: {contents: write, issues: none}, steps: [{run: a}]}\n"
    )
    assert workflow.permissions is not None
    assert workflow.permissions.every == "none"
    first, second = (job.permissions for job in workflow.jobs)
    assert first is not None
    assert second is not None
    assert (first.every, second.every) == ("read-all", None)
    assert second.scopes == (("contents", "write"), ("issues", "none"))


def test_triggers_hold_filters_schedules_and_interfaces() -> None:
    workflow = parse(
        "on:\n  push: {branches: [a, '!b'], tags-ignore: v*, paths: [x/**]}\n  pull_request:\n  issues: {types: opened}\n"
        "  schedule: [{cron: '5 4 * * *', timezone: Europe/Berlin}]\n  image_version: {names: a, versions: [1.*]}\n"
        "  workflow_dispatch: {inputs: {i: {type: choice, options: [x, 1], default: x, required: true, description: d}}}\n"
        "  workflow_call:\n    inputs: {n: {type: number, default: 3}}\n    secrets: {s: {required: true}, t: null}\n"
        "    outputs: {o: {value: '${{ jobs.a.result }}'}}\n"
        "jobs:\n  a: {runs-on: x, steps: [{run: a}]}\n"
    )
    push, pull, issues, schedule, image, dispatch, call = workflow.triggers
    assert push.branches is not None
    assert [pattern.value for pattern in push.branches.patterns] == ["a", "!b"]
    assert push.tags_ignore is not None
    assert [pattern.value for pattern in push.tags_ignore.patterns] == ["v*"]
    assert (pull.types, pull.branches) == (None, None)
    assert issues.types is not None
    assert issues.types[0].value == "opened"
    assert (
        schedule.schedules[0].cron.value,
        schedule.schedules[0].timezone and schedule.schedules[0].timezone.value,
    ) == (
        "5 4 * * *",
        "Europe/Berlin",
    )
    assert image.versions is not None
    assert dispatch.inputs[0].options == ("x", "1")
    assert (dispatch.inputs[0].kind, dispatch.inputs[0].required, dispatch.inputs[0].description) == (
        "choice",
        True,
        "d",
    )
    assert (call.inputs[0].kind, [secret.required for secret in call.secrets]) == ("number", [True, False])
    assert isinstance(call.outputs[0].value, ExpressionToken)
    assert workflow.find_trigger("schedule") is schedule
    assert workflow.find_trigger("fork") is None


def test_a_call_holds_its_arguments() -> None:
    workflow = parse(
        "on: push\njobs:\n  a:\n    uses: ./.github/workflows/b.yml\n    with: {x: 1, y: '${{ github.ref }}'}\n    secrets: inherit\n"
        "  b:\n    needs: a\n    uses: $/.github/workflows/b.yml\n    secrets: {s: '${{ secrets.t }}'}\n"
    )
    first, second = workflow.jobs
    assert isinstance(first, CallJob)
    assert isinstance(second, CallJob)
    assert (first.inherit_secrets, first.secrets) == (True, None)
    assert isinstance(first.inputs, MappingToken)
    assert (second.inherit_secrets, [need.job_id for need in second.needs]) == (False, ["a"])
    assert second.secrets is not None


def test_dynamic_keys_are_kept() -> None:
    env = parse(
        "on: push\nenv:\n  ${{ insert }}: ${{ fromJSON('{}') }}\n  a-${{ github.ref }}: b\njobs: {a: {runs-on: x, steps: [{run: a}]}}\n"
    ).env
    assert isinstance(env, MappingToken)
    first, second = (entry.key for entry in env.entries)
    assert isinstance(first, ExpressionToken)
    assert first.source == "insert"
    assert isinstance(second, InterpolationToken)


def test_a_workflow_with_mistakes_still_holds_the_rest() -> None:
    workflow, diagnostics = parse_workflow(
        "on: push\njobs:\n  a: 1\n  b: {runs-on: [x], steps: [{run: a}, {usess: b}]}\n  c: {steps: [{run: a}]}\n", FILE
    )
    assert workflow is not None
    assert [job.id for job in workflow.jobs] == ["b", "c"]
    assert isinstance(workflow.jobs[0], Job)
    assert len(workflow.jobs[0].steps) == 1
    assert isinstance(workflow.jobs[1], Job)
    assert workflow.jobs[1].runs_on.labels is None
    assert len([diagnostic for diagnostic in diagnostics if diagnostic.invalid]) == 3


@pytest.mark.parametrize("text", ["", "- a", "a: [", "42"])
def test_what_is_no_workflow_gives_none_and_says_why(text: str) -> None:
    workflow, diagnostics = parse_workflow(text, FILE)
    assert workflow is None
    assert diagnostics[0].invalid


def test_the_script_of_a_step_has_a_greatest_length() -> None:
    fits = "x" * 21_000
    parse(f"on: push\njobs: {{a: {{runs-on: x, steps: [{{run: {fits}}}]}}}}\n")
    _, diagnostics = parse_workflow(f"on: push\njobs: {{a: {{runs-on: x, steps: [{{run: {fits}x}}]}}}}\n", FILE)
    assert [diagnostic.message for diagnostic in diagnostics] == [
        "the script has 21,001 characters; at most 21,000 are allowed"
    ]


def test_text_with_expressions_has_a_greatest_length() -> None:
    text = "x" * 21_000
    _, diagnostics = parse_workflow(
        f"on: push\nrun-name: {text} ${{{{ github.ref }}}}\njobs: {{a: {{runs-on: x, steps: [{{run: x}}]}}}}\n", FILE
    )
    assert [(item.code, item.invalid) for item in diagnostics] == [("expression", True)]


def test_text_with_too_many_expressions_is_refused() -> None:
    text = "${{ github.ref }}" * 255
    _, diagnostics = parse_workflow(
        f"on: push\nrun-name: {text}\njobs: {{a: {{runs-on: x, steps: [{{run: x}}]}}}}\n", FILE
    )
    assert [item.message for item in diagnostics] == ["255 expressions in one text; GitHub allows 254"]

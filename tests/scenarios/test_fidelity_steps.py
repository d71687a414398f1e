"""Corners of steps where an engine easily differs from GitHub's runner: what is raised, counted and shown."""

from collections import Counter
from pathlib import Path
from textwrap import dedent

import pytest

from homeport.run.facts import AnnotationRaised
from tests.support.jobs import Bench, Report


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def run(bench: Bench, steps: str, *, top: str = "", more: str = "", **order: object) -> Report:
    text = dedent(steps).replace("\n", "\n      ")
    workflow = f"on: push\n{top}\njobs:\n  one:\n    runs-on: ubuntu-latest\n{more}\n    steps:\n      {text}\n"
    return bench.run(workflow, **order)  # type: ignore[arg-type]


# --- annotations -----------------------------------------------------------------------------------------------------


def test_a_step_raises_ten_annotations_of_each_severity_its_exit_code_included(bench: Bench) -> None:
    """actions/runner `ExecutionContext.AddIssue`: the log has all of them, the record of the step ten errors and ten warnings."""
    report = run(
        bench,
        """\
        - id: many
          run: |
            for n in $(seq 12); do echo "::error::e$n"; echo "::warning::w$n"; done
            exit 3
        """,
    )
    raised = Counter(severity for severity, _ in report.annotations)
    assert raised == {"error": 10, "warning": 10}
    assert report.errors == [f"e{number}" for number in range(1, 11)]
    assert report.lines("many")[-1] == "##[error]Process completed with exit code 3."
    assert report.step("many").reason == "Process completed with exit code 3."


def test_an_empty_message_is_no_annotation(bench: Bench) -> None:
    """actions/runner `ExecutionContext.AddIssue` and `IssueExtensions.ToAnnotation`."""
    report = run(bench, "- {id: a, run: 'echo ::warning::; echo \"::error file=a::  \"; echo ::notice::x'}")
    assert report.annotations == [("notice", "x")]
    assert report.output("a") == ["##[error]  ", "##[notice]x"]


def test_a_mistake_in_the_workflow_is_raised_whatever_a_step_has_said_before(bench: Bench) -> None:
    report = run(
        bench,
        """\
        - id: many
          continue-on-error: ${{ fromJSON('{') }}
          run: |
            for n in $(seq 12); do echo "::error::e$n"; done
            exit 3
        """,
    )
    assert [fact.line for fact in report.of(AnnotationRaised) if fact.file is not None] == [9]


# --- defaults --------------------------------------------------------------------------------------------------------


def test_defaults_of_the_job_take_the_place_of_all_the_workflows(bench: Bench) -> None:
    """actions/runner `JobExtension.InitializeJob` begins `defaults.run` anew for the job's; hashicorp/setup-terraform#358 shows it."""
    report = run(
        bench,
        """\
        - {id: made, run: mkdir -p top job, working-directory: .}
        - {id: look, run: 'basename "$PWD"; false | true'}
        """,
        more="    defaults: {run: {working-directory: job}}",
        top="defaults: {run: {shell: bash, working-directory: top}}",
    )
    assert report.output("look") == ["job"]
    assert "bash -e {0}" in next(line for line in report.lines("look") if line.startswith("shell: "))
    assert report.end.conclusion == "success"


# --- sizes -----------------------------------------------------------------------------------------------------------


def test_an_expression_of_a_workflow_may_take_ten_mebibytes(bench: Bench) -> None:
    """actions/runner `PipelineTemplateEvaluator.MaxResultSize`; one MiB is only what an expression by itself may take."""
    report = run(
        bench,
        """\
        - id: big
          run: echo "text=$(head -c 1500000 /dev/zero | tr '\\0' x)" >> "$GITHUB_OUTPUT"
        - {id: small, run: "echo '${{ toJSON(steps.big.outputs) }}' | wc -c"}
        - {id: much, run: "echo '${{ format('{0}{0}{0}{0}', steps.big.outputs.text) }}'"}
        """,
    )
    assert int(report.output("small")[0]) > 1_500_000
    assert report.conclusions == {"big": "success", "small": "success", "much": "failure"}
    assert report.errors == [
        "The maximum allowed memory size was exceeded while evaluating the following expression: "
        "format('{0}{0}{0}{0}', steps.big.outputs.text)"
    ]


# --- outputs ---------------------------------------------------------------------------------------------------------


def test_outputs_whose_names_differ_in_case_only_are_one(bench: Bench) -> None:
    """actions/runner `StepsContext.SetOutput`: a `DictionaryContextData` ignores case, and keeps the first spelling."""
    report = run(
        bench,
        """\
        - {id: a, run: 'printf "Name=1\\nNAME=2\\nother=3\\n" >> "$GITHUB_OUTPUT"'}
        - {id: look, run: 'echo "${{ steps.a.outputs.name }} ${{ join(steps.a.outputs.*) }}"'}
        """,
    )
    assert report.step("a").outputs == {"Name": "2", "other": "3"}
    assert report.output("look") == ["2 2,3"]


# --- folders ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("removed", ['"$RUNNER_TEMP"/*', '"$RUNNER_TEMP"'])
def test_a_step_may_empty_or_remove_the_temporary_folder(bench: Bench, removed: str) -> None:
    """actions/runner `FileCommandManager.Initialize`, `ScriptHandler` and `ExecutionContext.WriteWebhookPayload` make all of it anew."""
    report = run(
        bench,
        f"""\
        - run: rm -rf {removed}
        - {{id: speak, run: 'echo "said=yes" >> "$GITHUB_OUTPUT"; grep -c forced "$GITHUB_EVENT_PATH"; test -d "$RUNNER_TEMP"'}}
        - {{id: look, run: 'echo "${{{{ steps.speak.outputs.said }}}}"'}}
        """,
    )
    assert (report.output("speak"), report.output("look")) == (["1"], ["yes"])
    assert report.end.conclusion == "success"

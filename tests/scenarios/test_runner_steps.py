"""What a step gets and what it leaves: environment, contexts, shells, folders, conditions, results. With real processes."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from homeport.run.facts import AnnotationRaised, EnvironmentUrlSet, JobStarted, StepFinished, StepStarted
from tests.support.jobs import Bench, Report


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def job(steps: str, *, more: str = "", top: str = "") -> str:
    """A workflow of one job; its steps are indented by six blanks here, as `more` (keys of the job) is by four."""
    return f"on: push\n{top}\njobs:\n  one:\n    runs-on: ubuntu-latest\n{more}\n    steps:\n{steps}\n"


def run(bench: Bench, steps: str, *, more: str = "", top: str = "", **order: Any) -> Report:
    return bench.run(job(steps, more=more, top=top), **order)


# --- reports ---------------------------------------------------------------------------------------------------------


def test_a_job_reports_from_its_start_to_its_end_in_numbered_reports(bench: Bench) -> None:
    report = run(bench, "      - {id: a, name: First, run: echo hello}\n      - run: 'true'")
    kinds = [type(fact).__name__ for fact in report.facts]
    assert kinds[0] == "JobStarted"
    assert kinds[-1] == "JobFinished"
    assert report.sequences == tuple(range(1, len(report.sequences) + 1))
    (started,) = report.of(JobStarted)
    assert (started.runner, started.lease, started.job_id) == ("bench", "lease-1", "one")
    assert [(fact.step, fact.number, fact.name) for fact in report.of(StepStarted)] == [
        ("a", 1, "First"),
        ("__run", 2, "Run true"),
    ]
    assert (report.end.conclusion, report.end.outcome) == ("success", "success")


def test_the_header_of_a_script_is_githubs(bench: Bench) -> None:
    report = run(
        bench,
        "      - id: a\n        shell: bash\n        env: {B: 2}\n        run: |\n\n          echo one\n          echo two\n",
        more="    env: {A: 1}",
    )
    shell = next(path for path in ("/usr/bin/bash", "/bin/bash") if os.path.exists(path))
    assert report.lines("a") == [
        "##[group]Run echo one",
        "\x1b[36;1m\x1b[0m",
        "\x1b[36;1mecho one\x1b[0m",
        "\x1b[36;1mecho two\x1b[0m",
        f"shell: {shell} --noprofile --norc -e -o pipefail {{0}}",
        "env:",
        "  A: 1",
        "  B: 2",
        "##[endgroup]",
        "one",
        "two",
    ]


# --- environment -----------------------------------------------------------------------------------------------------


def test_variables_come_from_workflow_job_files_and_step_the_nearer_the_stronger(bench: Bench) -> None:
    report = run(
        bench,
        """\
      - run: |
          echo "JOB=file" >> "$GITHUB_ENV"
          echo "STEP=file" >> "$GITHUB_ENV"
          echo "FILE=file" >> "$GITHUB_ENV"
      - id: look
        env: {STEP: step, SEEN: "${{ env.FILE }} ${{ env.TOP }}"}
        run: echo "$TOP $JOB $STEP $FILE / $SEEN / ${{ env.STEP }}"
""",
        top="env: {TOP: top, JOB: top, STEP: top, FILE: top}",
        more="    env: {JOB: job, STEP: job, FILE: job}",
    )
    assert report.output("look") == ["top file step file / file top / step"]


def test_the_default_variables_are_complete(bench: Bench) -> None:
    report = run(
        bench, "      - {id: look, shell: 'python {0}', run: 'import json, os; print(json.dumps(dict(os.environ)))'}"
    )
    variables = json.loads(report.output("look")[-1])
    defaults = """ARTIFACTS ARTIFACTS_LIST ACTION ACTIONS ACTION_REF ACTION_REPOSITORY ACTOR ACTOR_ID API_URL BASE_REF ENV EVENT_NAME EVENT_PATH
    GRAPHQL_URL HEAD_REF JOB OUTPUT PATH REF REF_NAME REF_PROTECTED REF_TYPE REPOSITORY REPOSITORY_ID REPOSITORY_OWNER
    REPOSITORY_OWNER_ID RETENTION_DAYS RUN_ATTEMPT RUN_ID RUN_NUMBER SERVER_URL SHA STATE STEP_SUMMARY TRIGGERING_ACTOR
    WORKFLOW WORKFLOW_REF WORKFLOW_SHA WORKSPACE"""
    of_runner = "ARCH ENVIRONMENT NAME OS TEMP TOOL_CACHE TRACKING_ID WORKSPACE"
    wanted = {f"GITHUB_{name}" for name in defaults.split()} | {f"RUNNER_{name}" for name in of_runner.split()} | {"CI"}
    assert wanted - variables.keys() == set()
    assert "GITHUB_TOKEN" not in variables
    assert variables["GITHUB_REF_PROTECTED"] == "false"
    assert variables["RUNNER_WORKSPACE"] == os.path.dirname(variables["GITHUB_WORKSPACE"])
    assert variables["GITHUB_JOB"] == "one"
    assert variables["CI"] == variables["GITHUB_ACTIONS"] == "true"


def test_the_hosts_own_variables_and_home_stay_out(bench: Bench) -> None:
    bench.host_environment = {**os.environ, "MY_PRIVATE_TOKEN": "hosts-own", "LC_ALL": "C", "PASSED": "yes"}
    bench.pass_names = ("PASSED",)
    report = run(
        bench,
        "      - id: look\n        run: |\n          env\n          echo \"home=$HOME\"\n          echo '${{ toJSON(env) }}'\n",
    )
    text = "\n".join(report.output("look"))
    assert "hosts-own" not in text
    assert "LC_ALL=C" in text
    assert "PASSED=yes" in text
    assert f"home={bench.folder}/work/" in text
    assert text.endswith("{}")


def test_default_variables_cannot_be_overwritten_but_others_of_their_kind_can(bench: Bench) -> None:
    report = run(
        bench,
        """\
      - run: |
          echo "GITHUB_SHA=mine" >> "$GITHUB_ENV"
          echo "GITHUB_TOKEN=mine" >> "$GITHUB_ENV"
          echo "CI=mine" >> "$GITHUB_ENV"
      - {id: look, run: 'echo "$GITHUB_SHA $GITHUB_TOKEN $CI"'}
""",
    )
    assert report.output("look") == ["0123456789abcdef0123456789abcdef01234567 mine mine"]


def test_names_in_the_env_context_tell_case_apart(bench: Bench) -> None:
    report = run(
        bench, "      - id: look\n        env: {Mixed: 1}\n        run: echo '[${{ env.Mixed }}] [${{ env.MIXED }}]'"
    )
    assert report.output("look") == ["[1] []"]


def test_a_path_that_is_added_comes_first_and_moves_when_added_again(bench: Bench) -> None:
    report = run(
        bench,
        """\
      - run: printf '/one\\n/two\\n' >> "$GITHUB_PATH"
      - run: echo /one >> "$GITHUB_PATH"
      - {id: look, run: 'echo "$PATH" | cut -d: -f1-2'}
""",
    )
    assert report.output("look") == ["/one:/two"]


def test_the_event_is_in_a_file_whose_numbers_are_as_the_forge_writes_them(bench: Bench) -> None:
    report = run(bench, "      - {id: look, run: 'cat $GITHUB_EVENT_PATH'}")
    assert report.output("look") == ['{"ref":"refs/heads/main","forced":false,"number":7}']


# --- contexts --------------------------------------------------------------------------------------------------------


def test_every_context_is_there(bench: Bench) -> None:
    report = run(
        bench,
        """\
      - id: a
        run: echo "x=1" >> "$GITHUB_OUTPUT"
      - id: look
        run: |
          echo "${{ github.job }} ${{ github.action }} ${{ github.token }}"
          echo "${{ runner.os }} ${{ runner.arch != '' }} ${{ runner.name }} ${{ runner.environment }} ${{ runner.debug }}|"
          echo "${{ job.status }} ${{ job.check_run_id }} ${{ job.workflow_file_path }} ${{ job.workflow_repository }}"
          echo "${{ strategy.job-index }} ${{ strategy.job-total }} ${{ matrix.n }} ${{ needs.before.outputs.y }}"
          echo "${{ inputs.i }} ${{ vars.V }} ${{ secrets.S == 'hidden' }}"
          echo '${{ toJSON(steps) }}'
""",
        leg={"matrix": {"n": 3.0}},
        strategy={"job-index": 1.0, "job-total": 4.0},
        needs={"before": {"result": "success", "outputs": {"y": "why"}}},
        inputs={"i": True},
        variables={"V": "var"},
        check_run_id=77,
        secrets={"S": "hidden", "GITHUB_TOKEN": "token-of-the-job"},
    )
    assert report.output("look")[:5] == [
        "one look ***",
        f"{'Linux' if os.uname().sysname == 'Linux' else 'macOS'} true bench self-hosted |",
        "success 77 .github/workflows/ci.yml octo/app",
        "1 4 3 why",
        "true var true",
    ]
    assert json.loads("".join(report.output("look")[5:])) == {
        "a": {"outputs": {"x": "1"}, "outcome": "success", "conclusion": "success"}
    }


def test_debugging_is_a_secret_or_a_variable(bench: Bench) -> None:
    steps = '      - {id: look, run: \'echo "$RUNNER_DEBUG|${{ runner.debug }}|"; echo "::debug::quiet"\'}'
    assert run(bench, steps).output("look") == ["||"]
    assert run(bench, steps, variables={"ACTIONS_STEP_DEBUG": "true"}).output("look") == ["1|1|", "##[debug]quiet"]


def test_files_can_be_hashed(bench: Bench) -> None:
    report = run(
        bench,
        "      - run: mkdir d; echo a > d/a; echo b > d/b\n"
        "      - {id: look, run: \"echo '${{ hashFiles('d/*') }}' '${{ hashFiles('none') }}' $(sha256sum d/a d/b | cut -d' ' -f1 | xxd -r -p | sha256sum | cut -d' ' -f1)\"}",
    )
    found, again = report.output("look")[0].split()
    assert found == again


# --- shells and folders ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shell", "script", "printed"),
    [
        ("bash", "set -o | grep -c 'pipefail.*on'", "1"),
        ("sh", "echo $0", None),
        ("python", "import sys; print(sys.argv[0][-3:])", ".py"),
        ("bash -u {0} extra", 'echo "$1"', "extra"),
    ],
)
def test_shells_run_scripts(bench: Bench, shell: str, script: str, printed: str | None) -> None:
    report = run(bench, f"      - id: a\n        shell: {shell}\n        run: |\n          {script}")
    assert report.end.conclusion == "success"
    if printed is not None:
        assert report.output("a") == [printed]


def test_defaults_of_the_job_go_before_those_of_the_workflow_and_a_steps_own_before_both(bench: Bench) -> None:
    report = run(
        bench,
        """\
      - run: mkdir -p job step
        working-directory: .
        shell: bash
      - {id: a, run: 'import os; print(os.path.basename(os.getcwd()))'}
      - {id: b, run: basename $PWD, shell: bash, working-directory: step}
""",
        top="defaults: {run: {shell: bash, working-directory: top}}",
        more="    defaults: {run: {shell: python, working-directory: '${{ github.job == ''one'' && ''job'' }}'}}",
    )
    assert report.output("a") == ["job"]
    assert report.output("b") == ["step"]


@pytest.mark.parametrize(
    ("step", "message"),
    [
        ("{id: a, run: echo, shell: 'fish-that-is-not-there {0}'}", "fish-that-is-not-there: command not found"),
        ("{id: a, run: echo, shell: bash -x}", "Invalid shell option"),
        ("{id: a, run: echo, working-directory: no/where}", "no/where' does not exist"),
    ],
)
def test_what_a_step_lacks_is_named(bench: Bench, step: str, message: str) -> None:
    report = run(bench, f"      - {step}\n      - run: echo unreachable")
    (error,) = report.errors
    assert message in error
    assert report.step("a").conclusion == "failure"
    assert report.conclusions["__run"] == "skipped"


def test_the_workspace_is_empty_and_everything_is_gone_afterwards(bench: Bench) -> None:
    report = run(bench, "      - {id: a, run: 'ls -A; echo \"$GITHUB_WORKSPACE\"; touch x $HOME/y $RUNNER_TEMP/z'}")
    (workspace,) = report.output("a")
    assert workspace.endswith("/app/app")
    assert list((bench.folder / "work").iterdir()) == []
    assert (bench.folder / "tools").is_dir()


def test_a_job_may_run_in_place_and_leaves_the_tree_as_the_steps_left_it(bench: Bench, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "mine").write_text("here\n")
    bench.in_place = str(tree)
    report = run(bench, "      - {id: a, run: 'cat mine; touch made'}")
    assert report.output("a") == ["here"]
    assert sorted(path.name for path in tree.iterdir()) == ["made", "mine"]


def test_the_process_that_runs_jobs_keeps_its_own_working_directory(bench: Bench) -> None:
    before = os.getcwd()
    run(bench, "      - run: cd /")
    assert os.getcwd() == before


# --- results ---------------------------------------------------------------------------------------------------------


def test_outcome_conclusion_and_status_follow_each_step(bench: Bench) -> None:
    """ADR 0274."""
    report = run(
        bench,
        """\
      - {id: good, run: 'true'}
      - {id: bad, run: exit 3, continue-on-error: true}
      - id: between
        run: echo "${{ steps.bad.outcome }} ${{ steps.bad.conclusion }} ${{ job.status }}"
      - {id: worse, run: exit 4}
      - {id: never, run: echo}
      - {id: onfailure, if: failure(), run: 'echo "${{ job.status }} ${{ steps.never.outcome }}"'}
      - {id: always, if: "always() && steps.worse.outcome == 'failure'", run: 'true'}
      - {id: unless, if: "${{ !cancelled() }}", run: 'true'}
""",
    )
    assert report.output("between") == ["failure success success"]
    assert report.output("onfailure") == ["failure skipped"]
    ended = {fact.step: (fact.outcome, fact.conclusion, fact.exit_code) for fact in report.of(StepFinished)}
    assert ended == {
        "good": ("success", "success", 0),
        "bad": ("failure", "success", 3),
        "between": ("success", "success", 0),
        "worse": ("failure", "failure", 4),
        "never": ("skipped", "skipped", None),
        "onfailure": ("success", "success", 0),
        "always": ("success", "success", 0),
        "unless": ("success", "success", 0),
    }
    assert "never" not in report.started
    assert report.end.conclusion == "failure"


def test_a_job_that_may_fail_succeeds_and_its_outcome_says_failure(bench: Bench) -> None:
    report = run(bench, "      - run: exit 1", leg={"continue_on_error": True})
    assert (report.end.conclusion, report.end.outcome) == ("success", "failure")


def test_names_are_evaluated_and_fall_back_to_what_is_written(bench: Bench) -> None:
    report = run(
        bench,
        """\
      - {id: a, name: "Build ${{ github.ref_name }}", run: 'true'}
      - id: b
        run: |

          echo first
          echo second
      - {id: c, if: false, name: "${{ fromJSON('{') }}", run: 'true'}
""",
    )
    assert [fact.name for fact in report.of(StepFinished)] == ["Build main", "Run echo first", "${{ fromJSON('{') }}"]


@pytest.mark.parametrize(
    ("step", "line", "column"),
    [
        ("{run: \"echo ${{ fromJSON('{') }}\"}", 8, None),
        ("{run: echo, if: \"fromJSON('{')\"}", 8, 26),
        ("{run: echo, env: {A: \"${{ fromJSON('{') }}\"}}", 8, None),
        ("{run: echo, timeout-minutes: \"${{ fromJSON('{') }}\"}", 8, None),
        ("{run: exit 1, continue-on-error: \"${{ fromJSON('{') }}\"}", 8, None),
        ("{run: echo, working-directory: \"${{ fromJSON('{') }}\"}", 8, None),
    ],
)
def test_an_expression_that_fails_while_running_points_at_its_place(
    bench: Bench, step: str, line: int, column: int | None
) -> None:
    report = run(bench, f"      - {step}")
    placed = [fact for fact in report.of(AnnotationRaised) if fact.file is not None]
    assert [(fact.severity, fact.file, fact.line) for fact in placed] == [("error", ".github/workflows/ci.yml", line)]
    assert column is None or placed[0].column == column
    assert list(report.conclusions.values()) == ["failure"]
    assert report.end.conclusion == "failure"


def test_a_variable_of_the_job_that_cannot_be_evaluated_fails_it_before_a_step(bench: Bench) -> None:
    report = run(bench, "      - {id: a, run: echo unreachable}", more="    env: {A: \"${{ fromJSON('{') }}\"}")
    assert report.started == []
    assert report.conclusions == {"a": "skipped"}
    (raised,) = report.of(AnnotationRaised)
    assert (raised.file, raised.line) == (".github/workflows/ci.yml", 6)
    assert report.end.conclusion == "failure"
    assert report.end.reason == raised.message


# --- outputs ---------------------------------------------------------------------------------------------------------

OUTPUTS = """    outputs:
      plain: ${{ steps.a.outputs.plain }}
      secret: ${{ steps.a.outputs.secret }}
      empty: ${{ steps.a.outputs.none }}
"""


def test_outputs_are_those_that_are_set_and_hold_no_secret(bench: Bench) -> None:
    report = run(
        bench,
        """\
      - id: a
        run: |
          echo "plain=value" >> "$GITHUB_OUTPUT"
          echo "secret=x-${{ secrets.S }}" >> "$GITHUB_OUTPUT"
""",
        more=OUTPUTS,
        secrets={"S": "hidden-value"},
    )
    assert report.end.outputs == {"plain": "value"}
    assert ("warning", "Skip output 'secret' since it may contain secret.") in report.annotations
    assert report.step("a").outputs == {"plain": "value", "secret": "x-***"}


def test_outputs_of_more_than_a_mebibyte_fail_the_job(bench: Bench) -> None:
    report = run(
        bench,
        "      - id: a\n        shell: python\n        run: |\n          import os\n"
        "          with open(os.environ['GITHUB_OUTPUT'], 'a') as file:\n              file.write('plain=' + 'x' * 300_000 + '\\nsecret=' + 'x' * 300_000)\n",
        more=OUTPUTS,
    )
    assert report.end.conclusion == "failure"
    assert report.end.outputs == {}
    assert "1,048,576" in str(report.end.reason)


def test_an_output_that_cannot_be_evaluated_fails_the_job_at_its_place(bench: Bench) -> None:
    report = run(bench, "      - run: 'true'", more="    outputs: {x: \"${{ fromJSON('{') }}\"}")
    (raised,) = report.of(AnnotationRaised)
    assert raised.line == 6
    assert report.end.conclusion == "failure"


def test_the_address_of_the_environment_is_known_when_the_steps_are_done(bench: Bench) -> None:
    more = "    environment: {name: production, url: 'https://${{ steps.a.outputs.host }}/x'}"
    steps = '      - {id: a, run: \'echo "host=example.invalid" >> "$GITHUB_OUTPUT"\'}'
    (fact,) = run(bench, steps, more=more).of(EnvironmentUrlSet)
    assert fact.url == "https://example.invalid/x"
    report = run(bench, steps, more=more, secrets={"S": "example.invalid"})
    assert report.of(EnvironmentUrlSet) == []
    assert "may contain secret" in report.annotations[-1][1]


def test_what_steps_declare_to_have_made_is_listed_for_later_ones(bench: Bench) -> None:
    report = run(
        bench,
        """\
      - {id: before, run: 'cat "$GITHUB_ARTIFACTS_LIST"; echo spoiled > "$GITHUB_ARTIFACTS_LIST"'}
      - {id: make, run: 'echo made > out.txt; echo out.txt >> "$GITHUB_ARTIFACTS"; cat "$GITHUB_ARTIFACTS_LIST"'}
      - {id: after, run: 'cat "${{ github.artifacts_list }}"'}
      - {id: bad, run: 'echo gone.txt >> "$GITHUB_ARTIFACTS"'}
""",
    )
    empty = '{"version":1,"subjects":[]}'
    assert report.output("before") == [empty]
    assert report.output("make") == [empty, "Captured 1 artifact subject(s) from this step (job total: 1)."]
    (subject,) = json.loads("".join(report.output("after")))["subjects"]
    assert (subject["name"], subject["kind"]) == ("out.txt", "file")
    assert report.errors[0] == "Unable to process file command 'artifacts' successfully."
    assert report.end.conclusion == "failure"

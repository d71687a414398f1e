"""What is carried out of a workflow: chosen jobs and legs, dynamic matrices, nested calls, jobs that nothing here can run."""

from pathlib import Path

import pytest

from tests.support.homeport import run_homeport
from tests.support.projects import make_repository

GRAPH = """
    on: push
    jobs:
      lint: {runs-on: ubuntu-latest, steps: [{run: echo lint}]}
      build: {runs-on: ubuntu-latest, steps: [{run: echo build}]}
      test: {needs: build, runs-on: ubuntu-latest, steps: [{run: echo test}]}
      deploy: {needs: [test, lint], runs-on: ubuntu-latest, steps: [{run: echo deploy}]}
"""
MATRIX = """
    on: push
    jobs:
      test:
        runs-on: ubuntu-latest
        strategy: {matrix: {os: [a, b], n: [1, 2]}}
        steps: [{run: 'echo ${{ matrix.os }} ${{ matrix.n }}'}]
      plain: {runs-on: ubuntu-latest, steps: [{run: echo plain}]}
"""


def test_a_chosen_job_runs_with_what_it_needs(tmp_path: Path) -> None:
    answer = run_homeport(["run", "--job", "test"], cwd=make_repository(tmp_path, GRAPH))
    assert answer.conclusions == {"build": "success", "test": "success"}


def test_several_jobs_can_be_chosen_ignoring_case(tmp_path: Path) -> None:
    answer = run_homeport(["run", "--job", "LINT", "--job", "build"], cwd=make_repository(tmp_path, GRAPH))
    assert answer.conclusions == {"lint": "success", "build": "success"}


@pytest.mark.parametrize(
    ("chosen", "legs"),
    [
        (["n:1"], {"test (a, 1)", "test (b, 1)"}),
        (["os:b", "n:2"], {"test (b, 2)"}),
        (["n:1", "n:2", "OS:a"], {"test (a, 1)", "test (a, 2)"}),
    ],
)
def test_chosen_legs_run_alone(tmp_path: Path, chosen: list[str], legs: set[str]) -> None:
    words = [word for value in chosen for word in ("--matrix", value)]
    answer = run_homeport(["run", *words], cwd=make_repository(tmp_path, MATRIX))
    assert set(answer.conclusions) == {*legs, "plain"}
    assert answer.exit_code == 0


def test_a_key_that_no_matrix_has_is_a_wrong_call(tmp_path: Path) -> None:
    answer = run_homeport(["run", "--matrix", "so:a"], cwd=make_repository(tmp_path, MATRIX))
    assert (answer.exit_code, answer.facts) == (2, ())
    assert "--matrix so: no matrix has this key" in answer.stderr
    assert "there are: n, os" in answer.stderr


def test_a_choice_that_leaves_no_leg_is_never_green(tmp_path: Path) -> None:
    answer = run_homeport(["run", "--matrix", "n:3"], cwd=make_repository(tmp_path, MATRIX))
    assert answer.exit_code == 1
    assert "The matrix has no leg with n: 3" in answer.job("test")["reason"]


def test_a_matrix_may_come_from_another_jobs_output(tmp_path: Path) -> None:
    workflow = """
        on: push
        jobs:
          list:
            runs-on: ubuntu-latest
            outputs: {targets: '${{ steps.find.outputs.targets }}'}
            steps: [{id: find, run: 'echo ''targets=["x","y","z"]'' >> $GITHUB_OUTPUT'}]
          build:
            needs: list
            runs-on: ubuntu-latest
            strategy: {matrix: {target: '${{ fromJSON(needs.list.outputs.targets) }}'}}
            steps: [{id: say, run: 'echo "building ${{ matrix.target }} ${{ strategy.job-index }}/${{ strategy.job-total }}"'}]
    """
    answer = run_homeport(["run"], cwd=make_repository(tmp_path, workflow))
    assert set(answer.conclusions) == {"list", "build (x)", "build (y)", "build (z)"}
    assert "building y 1/3" in answer.lines("build (y)", "say")


def test_called_workflows_nest_with_inputs_outputs_and_secrets(tmp_path: Path) -> None:
    outer = """
        on: push
        jobs:
          call:
            uses: ./.github/workflows/middle.yml
            with: {word: hello}
            secrets: inherit
          after:
            needs: call
            runs-on: ubuntu-latest
            steps: [{id: say, run: 'echo "got ${{ needs.call.outputs.answer }}"'}]
    """
    middle = """
        on:
          workflow_call:
            inputs: {word: {type: string}}
            outputs: {answer: {value: '${{ jobs.inner.outputs.answer }}'}}
        jobs:
          inner:
            strategy: {matrix: {n: [1]}}
            uses: ./.github/workflows/inner.yml
            with: {word: '${{ inputs.word }} ${{ matrix.n }}'}
            secrets: {key: '${{ secrets.TOKEN }}'}
    """
    inner = """
        on:
          workflow_call:
            inputs: {word: {type: string}}
            secrets: {key: {required: true}}
            outputs: {answer: {value: '${{ jobs.work.outputs.answer }}'}}
        jobs:
          work:
            runs-on: ubuntu-latest
            outputs: {answer: '${{ steps.do.outputs.answer }}'}
            steps:
              - id: do
                run: |
                  test "${{ secrets.key }}" = open-sesame && test -z "${{ secrets.TOKEN }}"
                  echo "answer=${{ inputs.word }}!" >> $GITHUB_OUTPUT
    """
    repository = make_repository(tmp_path, {"ci.yml": outer, "middle.yml": middle, "inner.yml": inner})
    answer = run_homeport(["run", "ci.yml", "--secret", "TOKEN"], cwd=repository, env={"TOKEN": "open-sesame"})
    assert answer.exit_code == 0, answer.describe()
    assert set(answer.conclusions) == {"call", "call/inner (1)", "call/inner (1)/work", "after"}
    assert answer.job("call/inner (1)/work")["name"] == "call / inner (1) / work"
    assert answer.job("call/inner (1)/work")["job_id"] == "call/inner/work"
    assert "got hello 1!" in answer.lines("after", "say")


ELSEWHERE = """
    on: push
    jobs:
      here: {runs-on: ubuntu-latest, steps: [{run: echo here}]}
      there: {runs-on: [self-hosted, gpu], steps: [{run: echo there}]}
      after: {needs: there, runs-on: ubuntu-latest, steps: [{run: echo after}]}
"""


def test_a_job_that_nothing_here_can_run_fails_at_its_place(tmp_path: Path) -> None:
    answer = run_homeport(["run"], cwd=make_repository(tmp_path, ELSEWHERE))
    assert answer.exit_code == 1
    assert answer.conclusions == {"here": "success", "there": "failure", "after": "skipped"}
    assert "'gpu'" in answer.job("there")["reason"]
    (annotation,) = answer.of("annotation_raised", job="there")
    assert (annotation["file"], annotation["line"]) == (".github/workflows/ci.yml", 5)
    assert annotation["column"] > 1
    assert answer.of("job_started", job="there") == []


def test_a_job_that_nothing_here_can_run_may_be_skipped(tmp_path: Path) -> None:
    answer = run_homeport(["run", "--missing-runner", "skip"], cwd=make_repository(tmp_path, ELSEWHERE))
    assert answer.exit_code == 0
    assert answer.conclusions == {"here": "success", "there": "skipped", "after": "skipped"}


def test_a_label_can_be_answered_to_on_request(tmp_path: Path) -> None:
    answer = run_homeport(["run", "--runner", "GPU=process"], cwd=make_repository(tmp_path, ELSEWHERE))
    assert answer.conclusions == {"here": "success", "there": "success", "after": "success"}


def test_only_so_many_jobs_run_at_a_time(tmp_path: Path) -> None:
    workflow = """
        on: push
        jobs:
          leg:
            runs-on: ubuntu-latest
            strategy: {matrix: {n: [1, 2, 3, 4, 5]}}
            steps: [{run: 'mkdir ${{ vars.LOCK }} && sleep 0.05 && rmdir ${{ vars.LOCK }}'}]
    """
    repository = make_repository(tmp_path, workflow)
    answer = run_homeport(["run", "--parallel", "1", "--var", f"LOCK={tmp_path / 'lock'}"], cwd=repository)
    assert answer.exit_code == 0, answer.describe()


def test_workflows_of_one_event_run_at_once(tmp_path: Path) -> None:
    """Each waits for the other: run one after the other they would never end."""
    meet = """
        on: push
        jobs:
          one:
            runs-on: ubuntu-latest
            steps: [{run: 'touch ${{ vars.PLACE }}/%s; while [ ! -e ${{ vars.PLACE }}/%s ]; do sleep 0.05; done'}]
    """
    repository = make_repository(tmp_path, {"a.yml": meet % ("a", "b"), "b.yml": meet % ("b", "a")})
    answer = run_homeport(["run", "--parallel", "2", "--var", f"PLACE={tmp_path}"], cwd=repository)
    assert [fact["conclusion"] for fact in answer.of("run_finished")] == ["success", "success"]


def test_runs_are_numbered_per_workflow(tmp_path: Path) -> None:
    workflow = """
        on: push
        run-name: try ${{ github.run_number }}
        jobs:
          one: {runs-on: ubuntu-latest, steps: [{id: say, run: 'echo "$GITHUB_RUN_NUMBER $GITHUB_RUN_ATTEMPT $GITHUB_RUN_ID"'}]}
    """
    repository = make_repository(tmp_path, {"a.yml": workflow, "b.yml": workflow})
    first = run_homeport(["run", "a.yml"], cwd=repository)
    second = run_homeport(["run", "a.yml"], cwd=repository)
    other = run_homeport(["run", "b.yml"], cwd=repository)
    queued = [answer.of("run_queued")[0] for answer in (first, second, other)]
    assert [(fact["number"], fact["run_name"]) for fact in queued] == [(1, "try 1"), (2, "try 2"), (1, "try 1")]
    assert f"2 1 {queued[1]['run']}" in second.lines("one", "say")
    assert len({fact["run"] for fact in queued}) == 3

"""Runs of a server: database, engine, HTTP and a runner with real processes, over the server's restarts."""

from pathlib import Path

from homeport.plan.model import Plan
from homeport.run.facts import JobQueued, LinesLogged, StepStarted
from tests.support.planning import outcome_of
from tests.support.server import runner, running_server


def plan(text: str) -> Plan:
    outcome = outcome_of(text)
    assert isinstance(outcome, Plan)
    return outcome


TWO_JOBS = """
    jobs:
      build:
        runs-on: ubuntu-latest
        outputs: {word: "${{ steps.say.outputs.word }}"}
        steps:
          - id: say
            run: |
              echo hello
              echo word=yes >> "$GITHUB_OUTPUT"
      test:
        needs: build
        runs-on: ubuntu-latest
        steps: [{run: "echo got ${{ needs.build.outputs.word }}"}]
"""


def test_a_run_goes_through_a_runner_over_http(tmp_path: Path) -> None:
    with running_server(tmp_path) as server, runner(tmp_path):
        run = server.submit(plan(TWO_JOBS))
        assert server.await_end(run) == "success"
        assert "hello" in server.lines(run, "build")
        assert "got yes" in server.lines(run, "test")


def test_a_job_outlives_the_server_that_gave_it(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    text = f"""
        jobs:
          build:
            runs-on: ubuntu-latest
            steps:
              - run: |
                  echo begun
                  while [ ! -e {gate} ]; do sleep 0.05; done
                  seq 1000
              - run: echo after
    """
    with running_server(tmp_path) as first, runner(tmp_path):
        run = first.submit(plan(text))
        first.await_line(run, "build", "begun")
        first.stop()
        gate.touch()
        with running_server(tmp_path, 2) as second:
            assert second.await_end(run) == "success"
            printed = [line for line in second.lines(run, "build") if line.isdigit()]
            assert printed == [str(number) for number in range(1, 1001)]
            facts = list(second.runs.facts(run))
    assert len([fact for fact in facts if isinstance(fact, JobQueued)]) == 1
    assert [fact.name for fact in facts if isinstance(fact, StepStarted)][-1] == "Run echo after"
    assert not any(isinstance(fact, LinesLogged) for fact in facts)

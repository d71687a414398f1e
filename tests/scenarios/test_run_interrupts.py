"""^C and its like: the first lets cleanup steps run, the second does not."""

import signal
from pathlib import Path

import pytest

from tests.support.homeport import run_homeport
from tests.support.live import LiveRun
from tests.support.projects import make_repository

STUBBORN = """
    on: push
    jobs:
      one:
        runs-on: ubuntu-latest
        steps:
          - id: work
            run: |
              trap 'echo trapped; exit 3' INT
              echo ready
              while true; do sleep 0.1; done
          - id: clean
            if: always()
            run: |
              trap '' INT TERM
              echo cleaning
              if [ -n "${{ vars.SLOW }}" ]; then while true; do sleep 0.1; done; fi
              echo cleaned
          - id: skipped
            run: echo never
      two:
        needs: one
        runs-on: ubuntu-latest
        steps: [{run: echo never}]
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_request_to_end_traps_and_cleans_up(tmp_path: Path, number: int) -> None:
    with LiveRun(["run"], cwd=make_repository(tmp_path, STUBBORN)) as live:
        live.until_printed("ready")
        live.interrupt(number)
        answer = live.rest()
    assert answer.exit_code == 130
    assert answer.conclusion == "cancelled"
    printed = answer.lines("one")
    assert "trapped" in printed
    assert "cleaned" in printed
    assert "never" not in answer.lines()
    assert answer.step("one", "work")["conclusion"] == "cancelled"
    assert answer.step("one", "clean")["conclusion"] == "success"
    assert answer.conclusions["one"] == "cancelled"
    assert answer.conclusions["two"] in ("cancelled", "skipped")
    assert [fact["by"] for fact in answer.of("cancel_requested")] == ["you"]


def test_a_second_request_ends_at_once(tmp_path: Path) -> None:
    with LiveRun(["run", "--var", "SLOW=yes"], cwd=make_repository(tmp_path, STUBBORN)) as live:
        live.until_printed("ready")
        live.interrupt()
        live.until_printed("cleaning")
        live.interrupt()
        answer = live.rest()
    assert answer.exit_code == 130
    assert answer.conclusion == "cancelled"
    assert "cleaned" not in answer.lines()
    assert [fact["force"] for fact in answer.of("cancel_requested")] == [False, True]


def test_a_run_that_was_interrupted_can_be_run_again(tmp_path: Path) -> None:
    workflow = """
        on: push
        jobs:
          one:
            runs-on: ubuntu-latest
            steps: [{id: work, run: 'echo ready; [ -n "${{ vars.GO }}" ] || sleep 300'}]
    """
    repository = make_repository(tmp_path, workflow)
    with LiveRun(["run"], cwd=repository) as live:
        live.until_printed("ready")
        live.interrupt()
        assert live.rest().exit_code == 130
    again = run_homeport(["run", "--failed", "--var", "GO=yes"], cwd=repository)
    assert (again.exit_code, again.conclusion) == (0, "success")
    assert [fact["attempt"] for fact in again.of("run_queued")] == [2]

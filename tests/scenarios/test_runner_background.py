"""Parallel steps: background, wait, wait-all, cancel, parallel. Order is made by files, never by time."""

from pathlib import Path

import pytest

from homeport.run.facts import StepFinished, StepStarted
from tests.support.jobs import Bench, Report, stop_at_line

AWAIT = 'await() { for _ in $(seq 1200); do [ -e "$1" ] && return; sleep 0.05; done; echo "no $1"; exit 1; }; '
"""A shell function: wait, at most a minute, for a file."""
FOREVER = "for _ in $(seq 3000); do sleep 0.1 || true; done"


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def run(bench: Bench, steps: str, **order: object) -> Report:
    return bench.run(f"on: push\njobs:\n  one:\n    runs-on: ubuntu-latest\n    steps:\n{steps}", **order)  # type: ignore[arg-type]


def test_a_background_step_runs_beside_the_next_ones(bench: Bench) -> None:
    report = run(
        bench,
        f"""\
      - {{id: side, background: true, run: '{AWAIT} await go; echo side'}}
      - {{id: main, run: touch go}}
      - {{id: w, wait: side}}
""",
    )
    assert set(report.conclusions) == {"main", "side", "w"}
    assert list(report.conclusions)[-1] == "w"
    assert report.output("side") == ["side"]
    assert report.output("w")[0].startswith("Waiting for background steps: Run await()")
    assert report.end.conclusion == "success"


def test_what_a_background_step_changes_counts_from_the_wait_on(bench: Bench) -> None:
    steps = """\
      - id: side
        background: true
        run: |
          echo "V=side" >> "$GITHUB_ENV"; echo /side >> "$GITHUB_PATH"; echo "o=out" >> "$GITHUB_OUTPUT"; touch done
      - id: before
        run: |
          AWAIT await done
          echo "[$V] [${{ steps.side.outputs.o }}] [${{ steps.side.outcome }}] $(echo $PATH | cut -d: -f1)"
      - {id: w, wait: [side]}
      - id: after
        run: 'echo "[$V] [${{ steps.side.outputs.o }}] [${{ steps.side.outcome }}] $(echo $PATH | cut -d: -f1)"'
""".replace("AWAIT", AWAIT)
    report = run(bench, steps)
    assert report.output("before")[0].startswith("[] [] [] ")
    assert not report.output("before")[0].endswith("/side")
    assert report.output("after") == ["[side] [out] [success] /side"]


def test_a_failure_surfaces_at_the_wait(bench: Bench) -> None:
    report = run(
        bench,
        """\
      - {id: side, background: true, run: touch done; exit 3}
      - {id: between, run: 'AWAIT await done; echo "${{ job.status }}"'}
      - {id: w, wait: side}
      - {id: never, run: echo}
      - {id: cleanup, if: failure(), run: 'echo "${{ steps.side.conclusion }} ${{ steps.w.conclusion }}"'}
""".replace("AWAIT", AWAIT),
    )
    assert report.output("between") == ["success"]
    assert report.conclusions == {
        "side": "failure",
        "between": "success",
        "w": "failure",
        "never": "skipped",
        "cleanup": "success",
    }
    assert report.output("cleanup") == ["failure failure"]
    assert report.end.conclusion == "failure"


@pytest.mark.parametrize("where", ["side", "wait"])
def test_a_failure_may_be_forgiven(bench: Bench, where: str) -> None:
    forgiven = ", continue-on-error: true"
    report = run(
        bench,
        f"""\
      - {{id: side, background: true, run: exit 3{forgiven if where == "side" else ""}}}
      - {{id: w, wait: side{forgiven if where == "wait" else ""}}}
      - {{id: after, run: echo reached}}
""",
    )
    assert report.output("after") == ["reached"]
    assert report.end.conclusion == "success"


def test_waiting_for_all_waits_for_what_was_not_waited_for(bench: Bench) -> None:
    report = run(
        bench,
        """\
      - {id: a, background: true, run: echo "x=a" >> "$GITHUB_OUTPUT"}
      - {id: b, background: true, run: echo "x=b" >> "$GITHUB_OUTPUT"}
      - {wait: a}
      - {id: all, wait-all: }
      - {id: look, run: 'echo ${{ steps.a.outputs.x }}${{ steps.b.outputs.x }}'}
      - {id: none, wait-all: true}
""",
    )
    assert report.output("look") == ["ab"]
    assert report.output("all")[1:] == ['  Run echo "x=b" >> "$GITHUB_OUTPUT": success']
    assert report.output("none") == ["There are no background steps to wait for."]


def test_parallel_steps_start_together_and_the_next_step_waits_for_all(bench: Bench) -> None:
    report = run(
        bench,
        """\
      - id: both
        parallel:
          - {id: left, run: 'touch l; AWAIT await r; echo "side=left" >> "$GITHUB_OUTPUT"'}
          - {id: right, run: 'touch r; AWAIT await l; echo "side=right" >> "$GITHUB_OUTPUT"'}
      - {id: after, run: 'echo ${{ steps.left.outputs.side }} ${{ steps.right.outputs.side }}'}
""".replace("AWAIT", AWAIT),
    )
    assert report.output("after") == ["left right"]
    assert set(report.conclusions) == {"left", "right", "both", "after"}
    assert [fact.number for fact in report.of(StepFinished) if fact.step in {"both", "after"}] == [3, 4]


def test_at_most_ten_run_at_once(bench: Bench) -> None:
    def running(report: Report) -> int:
        now = most = 0
        for fact in report.facts:
            if isinstance(fact, StepStarted | StepFinished) and fact.step.startswith("__run"):
                now += 1 if isinstance(fact, StepStarted) else -1
                most = max(most, now)
        return most

    script = "AWAIT await ready; touch done.$$".replace("AWAIT", AWAIT)
    inner = "".join(f"          - {{run: '{script}'}}\n" for _ in range(14))
    starter = (
        f"      - {{id: go, background: true, run: 'touch ready'}}\n      - {{wait: go}}\n      - parallel:\n{inner}"
    )
    report = run(bench, f"{starter}      - {{id: count, run: 'ls done.* | wc -l'}}")
    assert report.output("count") == ["14"]
    assert running(report) <= 10


def test_a_cancelled_background_step_is_interrupted_and_does_not_count(bench: Bench) -> None:
    report = run(
        bench,
        f"""\
      - id: side
        background: true
        run: |
          trap 'echo trapped; exit 9' INT
          touch ready
          {FOREVER}
      - {{run: '{AWAIT} await ready'}}
      - {{id: c, cancel: side}}
      - {{id: after, run: 'echo "${{{{ steps.side.conclusion }}}} ${{{{ job.status }}}}"'}}
""",
    )
    assert "trapped" in report.output("side")
    assert report.output("after") == ["cancelled success"]
    assert report.conclusions["side"] == "cancelled"
    assert report.end.conclusion == "success"


def test_a_step_that_had_failed_before_it_was_cancelled_counts_when_all_steps_are_done(bench: Bench) -> None:
    """actions/runner `BackgroundStepCoordinator`: the step that cancels succeeds, the job's result takes all background steps in."""
    report = run(
        bench,
        f"""\
      - {{id: side, background: true, run: exit 3}}
      - {{id: other, background: true, run: touch go}}
      - {{wait: other}}
      - {{id: c, if: always(), run: '{AWAIT} await go; sleep 0.3'}}
      - {{id: end, cancel: side}}
      - {{id: after, run: 'echo "${{{{ steps.side.outcome }}}} ${{{{ steps.end.outcome }}}} ${{{{ job.status }}}}"'}}
""".replace("id: c, if: always(),", "id: c,"),
    )
    assert report.conclusions["side"] == "failure"
    assert report.output("after") == ["failure success success"]
    assert report.end.conclusion == "failure"


def test_before_the_end_everything_in_the_background_is_waited_for(bench: Bench) -> None:
    report = run(
        bench,
        f"""\
      - {{id: side, background: true, run: '{AWAIT} await last; exit 4'}}
      - {{id: last, run: touch last}}
""",
    )
    assert report.conclusions == {"last": "success", "side": "failure"}
    assert report.end.conclusion == "failure"


def test_cancelling_the_job_ends_its_background_steps_and_cleanup_runs(bench: Bench) -> None:
    report = run(
        bench,
        f"""\
      - id: side
        background: true
        run: |
          trap 'echo trapped; exit 9' INT
          echo ready
          {FOREVER}
      - {{id: w, wait: side}}
      - {{id: never, run: echo}}
      - {{id: cleanup, if: always(), run: 'echo ${{{{ job.status }}}}'}}
""",
        on_fact=stop_at_line("ready"),
    )
    assert "trapped" in report.output("side")
    assert report.conclusions == {"side": "cancelled", "w": "cancelled", "never": "skipped", "cleanup": "success"}
    assert report.output("cleanup") == ["cancelled"]
    assert report.end.conclusion == "cancelled"


def test_a_background_step_that_is_not_wanted_is_skipped(bench: Bench) -> None:
    report = run(
        bench,
        """\
      - {id: side, if: false, background: true, run: echo unreachable}
      - {id: w, wait: side}
""",
    )
    assert report.conclusions == {"side": "skipped", "w": "success"}
    assert report.started == ["w"]


def test_waiting_steps_run_after_a_failure_too(bench: Bench) -> None:
    report = run(
        bench,
        """\
      - {id: side, background: true, run: echo "x=1" >> "$GITHUB_OUTPUT"}
      - {id: bad, run: exit 1}
      - {id: w, wait: side}
      - {id: look, if: always(), run: 'echo ${{ steps.side.outputs.x }}'}
""",
    )
    assert report.conclusions["w"] == "success"
    assert report.output("look") == ["1"]
    assert report.end.conclusion == "failure"


def test_lines_of_steps_that_run_at_once_stay_with_their_steps(bench: Bench) -> None:
    report = run(
        bench,
        """\
      - parallel:
          - {id: a, run: for i in $(seq 200); do echo a; done}
          - {id: b, run: for i in $(seq 200); do echo b; done}
""",
    )
    assert set(report.output("a")) == {"a"}
    assert set(report.output("b")) == {"b"}
    assert report.sequences == tuple(range(1, len(report.sequences) + 1))

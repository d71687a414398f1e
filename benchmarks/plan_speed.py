"""Planning a matrix of 256 legs: the workflow's text in, every leg evaluated out; beside parsing the same text alone.

In one process after a warm-up, as the server plans; what a command line adds is the start-up that `check_speed` shows.
"""

import statistics
import time
from collections.abc import Callable, Iterator

from benchmarks.harness import RUNS, Row, show_seconds
from homeport.event import Event, Repository
from homeport.language.parser.workflow import parse_workflow
from homeport.plan.model import Plan
from homeport.plan.outline import outline_plan
from homeport.plan.planner import plan_workflow

BAR_SECONDS = 0.05
WORKFLOW = f"""\
name: Wide
on: push
jobs:
  legs:
    name: Leg ${{{{ matrix.row }}}} of ${{{{ github.ref_name }}}}
    runs-on: ubuntu-latest
    timeout-minutes: ${{{{ matrix.column }}}}
    strategy:
      matrix:
        row: [{", ".join(str(number) for number in range(16))}]
        column: [{", ".join(str(number) for number in range(1, 17))}]
    steps:
      - run: echo "${{{{ matrix.row }}}} ${{{{ matrix.column }}}}"
"""
EVENT = Event(
    name="push",
    repository=Repository(
        owner="o", name="r", id="1", owner_id="2", default_branch="main", server_url="https://example.invalid"
    ),
    ref="refs/heads/main",
    sha="0" * 40,
    actor="bench",
)


def plan_once() -> None:
    """Text in, 256 legs out."""
    workflow, _ = parse_workflow(WORKFLOW, "bench.yml")
    assert workflow is not None
    plan = plan_workflow(workflow, EVENT, load_called=lambda _: None)
    assert isinstance(plan, Plan)
    assert len(outline_plan(plan)) == 256


def parse_once() -> None:
    """The floor: the text read into nodes."""
    parse_workflow(WORKFLOW, "bench.yml")


def median_of(work: Callable[[], None]) -> float:
    """The median duration of some runs."""
    work()
    durations = []
    for _ in range(RUNS):
        started = time.perf_counter()
        work()
        durations.append(time.perf_counter() - started)
    return statistics.median(durations)


def rows() -> Iterator[Row]:
    """Against the bar, with the floor beside."""
    ours, floor = median_of(plan_once), median_of(parse_once)
    beside = f"{BAR_SECONDS * 1000:.0f} ms (parsing alone: {show_seconds(floor)})"
    yield Row("planning 256 legs", show_seconds(ours), beside, ours / BAR_SECONDS, 1)


if __name__ == "__main__":
    for row in rows():
        print(row.markdown())

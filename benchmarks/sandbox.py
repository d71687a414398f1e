"""What the sandbox adds to a step and to a job, against the process executor in the same run. Bars: 15 ms a step, 30 ms a job."""

import shutil
from collections.abc import Iterator

from benchmarks.harness import Contender, Row, compare, homeport, median_seconds, repository, show_seconds

STEPS = 50
HEAD = "on: push\njobs:\n  one:\n    runs-on: ubuntu-latest\n    steps:\n"


def rows() -> Iterator[Row]:
    """Jobs of two lengths: what a longer one costs more is its steps', the rest is the job's. Nothing where bubblewrap is missing."""
    if shutil.which("bwrap") is None:
        return
    short, long = _measure(1), _measure(STEPS)
    a_step = (long[1] - long[0] - (short[1] - short[0])) / (STEPS - 1)
    yield _row("the sandbox, a step more (ms)", a_step, long, 15)
    yield _row("the sandbox, a job more (ms)", short[1] - short[0], short, 30)


def _measure(steps: int) -> tuple[float, float]:
    workflow = HEAD + "".join(f"      - run: echo step {number}\n" for number in range(steps))
    sandboxed = Contender("sandbox", homeport("--executor", "sandbox").arguments)
    with repository(workflow) as (folder, environment):
        samples = compare([homeport(), sandboxed], folder, environment)
    return median_seconds(samples["homeport"]), median_seconds(samples["sandbox"])


def _row(claim: str, seconds: float, measured: tuple[float, float], bar: float) -> Row:
    process, sandbox = measured
    return Row(claim, show_seconds(sandbox), f"process {show_seconds(process)}", seconds * 1000, bar)


if __name__ == "__main__":
    for row in rows():
        print(row.markdown())

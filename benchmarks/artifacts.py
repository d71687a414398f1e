"""An artifact of 1 GiB through the native actions, there and back, beside two copies by `cp` that are steps of the same job.

In the same job, because what a write costs depends on the memory that the system has at hand just then: so both write to fresh files,
one after the other, and what is waiting to be written to the disk is written between them.
"""

import os
import statistics
from collections.abc import Iterator
from pathlib import Path

from benchmarks.harness import MIB, Row, repository, show_seconds
from benchmarks.steps import step_seconds

SIZE_MIB = 1024
ROUNDS = int(os.environ.get("BENCH_STEP_RUNS", "3"))
WORKFLOW = """\
on: push
jobs:
  one:
    runs-on: ubuntu-latest
    steps:
      - run: cp "$DATA/$KIND" data.bin; sync
      - id: cp-there
        run: cp data.bin there.bin
      - run: sync
      - id: up
        uses: actions/upload-artifact@v6
        with: {path: data.bin, compression-level: "${{ vars.LEVEL }}"}
      - run: sync
      - id: down
        uses: actions/download-artifact@v7
        with: {name: artifact, path: down}
      - run: sync
      - id: cp-back
        run: cp there.bin back.bin
      - run: cmp data.bin down/data.bin
"""
CASES = (
    ("random data, default level", "random", "6", 1.5),
    ("repetitive text, level 0", "text", "0", 1.5),
    ("repetitive text, default level", "text", "6", 1.5),
)


def fill(place: Path) -> None:
    """Two files: bytes that do not shrink, and lines of a log."""
    place.mkdir()
    with (place / "random").open("wb") as file:
        for _ in range(SIZE_MIB):
            file.write(os.urandom(MIB))
    with (place / "text").open("wb") as file:
        for number in range(SIZE_MIB):
            lines = "".join(
                f"2026-03-01 12:00:{line % 60:02} step {number}: test case {line} passed\n" for line in range(25000)
            )
            file.write(lines.encode()[:MIB].ljust(MIB))


def rows() -> Iterator[Row]:
    """One comparison a case: both steps together beside both copies together."""
    with repository(WORKFLOW) as (folder, environment):
        data = folder.parent / "data"
        fill(data)
        environment["DATA"] = str(data)
        for claim, kind, level, bar in CASES:
            yield compare_case(
                folder, {**environment, "KIND": kind}, level, f"artifact of 1 GiB up and down: {claim}", bar
            )


def compare_case(folder: Path, environment: dict[str, str], level: str, claim: str, bar: float) -> Row:
    """The medians of several runs, after one that does not count."""
    samples: list[tuple[float, float, float]] = []
    for number in range(ROUNDS + 1):
        forget(Path(environment["HOMEPORT_HOME"]))
        seconds = step_seconds(
            folder, environment, "--var", f"LEVEL={level}", "--pass-env", "DATA", "--pass-env", "KIND"
        )
        taken = {step: value for (_, step), value in seconds.items()}
        if number:
            samples.append((taken["up"], taken["down"], taken["cp-there"] + taken["cp-back"]))
    up, down, copies = (statistics.median(values) for values in zip(*samples, strict=True))
    ours = f"{show_seconds(up + down)} ({show_seconds(up)} + {show_seconds(down)})"
    return Row(claim, ours, f"`cp` twice {show_seconds(copies)}", (up + down) / copies, bar)


def forget(home: Path) -> None:
    """Earlier runs' artifacts."""
    for path in (home / "artifacts").glob("*/*/*"):
        path.unlink()


if __name__ == "__main__":
    for row in rows():
        print(row.markdown(), flush=True)

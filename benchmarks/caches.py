"""A cache hit of 500 MiB beside `tar` with the same compressor, as steps of the same job, before and after (see `artifacts.py` for why there)."""

import os
import statistics
from collections.abc import Iterator
from pathlib import Path

from benchmarks.harness import MIB, Row, repository, show_seconds
from benchmarks.steps import step_seconds

ROUNDS = int(os.environ.get("BENCH_STEP_RUNS", "3"))
SIZE_MIB = 500
FILES = 500
WORKFLOW = """\
on: push
jobs:
  one:
    runs-on: ubuntu-latest
    steps:
      - run: mkdir tar1 tar2; sync
      - id: tar1
        run: tar --use-compress-program=zstd -xf "$DATA.tar.zst" -C tar1
      - run: sync
      - id: cache
        uses: actions/cache@v5
        with: {path: deps, key: bench}
      - if: steps.cache.outputs.cache-hit != 'true'
        run: cp -r "$DATA" deps
      - run: sync
      - id: tar2
        run: tar --use-compress-program=zstd -xf "$DATA.tar.zst" -C tar2
      - run: diff -r deps tar2/deps
"""


def fill(place: Path) -> None:
    """500 files of 1 MiB, half of each random: as packages are, in part packed already."""
    (place / "deps").mkdir(parents=True)
    for number in range(FILES):
        noise = os.urandom(SIZE_MIB * MIB // FILES // 2)
        lines = b"".join(b"line %d of file %d\n" % (line, number) for line in range(30000))
        (place / "deps" / f"file{number}").write_bytes(noise + lines[: len(noise)])


def rows() -> Iterator[Row]:
    """Restoring, beside unpacking."""
    with repository(WORKFLOW) as (folder, environment):
        data = folder.parent / "data"
        fill(data)
        environment["DATA"] = str(data / "deps")
        pack = ["tar", "--use-compress-program=zstd -T0 -3", "-cf", str(data / "deps.tar.zst"), "-C", str(data), "deps"]
        os.spawnvpe(os.P_WAIT, "tar", pack, environment)
        samples: list[tuple[float, float]] = []
        for number in range(ROUNDS + 2):  # the first saves, the second warms up
            seconds = step_seconds(folder, environment, "--pass-env", "DATA")
            if number > 1:
                samples.append((seconds["one", "cache"], (seconds["one", "tar1"] + seconds["one", "tar2"]) / 2))
        ours, theirs = (statistics.median(values) for values in zip(*samples, strict=True))
        yield Row(
            "cache hit of 500 MiB", show_seconds(ours), f"`tar` with zstd {show_seconds(theirs)}", ours / theirs, 1.5
        )


if __name__ == "__main__":
    for row in rows():
        print(row.markdown(), flush=True)

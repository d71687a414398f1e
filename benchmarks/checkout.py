"""`actions/checkout` of 3,000 files beside git: a first one beside `git worktree add`, a repeated one beside `reset --hard` and `clean`."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from benchmarks.harness import Row, repository, show_seconds
from benchmarks.steps import command_seconds, in_turn, step_seconds

FILES = 3000
WORKFLOW = """\
on: push
jobs:
  one:
    runs-on: ubuntu-latest
    steps:
      - id: first
        uses: actions/checkout@v6
      - run: |
          for n in 1 2 3 4 5; do echo changed >> folder$n/file7.txt; echo new > folder$n/new.txt; done
      - id: again
        uses: actions/checkout@v6
"""


def fill(folder: Path, environment: dict[str, str]) -> None:
    """3,000 files of 2 KiB in 30 folders, committed."""
    for number in range(FILES):
        place = folder / f"folder{number // 100}" / f"file{number % 100}.txt"
        place.parent.mkdir(exist_ok=True)
        place.write_text(f"line of file {number}\n" * 100)
    for words in (["add", "-A"], ["commit", "-q", "-m", "files"], ["gc", "-q"]):
        subprocess.run(["git", *words], cwd=folder, env=environment, check=True)


def rows() -> Iterator[Row]:
    """Both comparisons, from the same runs."""
    with repository(WORKFLOW) as (folder, environment):
        fill(folder, environment)
        tree = folder.parent / "tree"
        seconds: dict[str, float] = {}

        def first() -> float:
            seconds.update({step: taken for (_, step), taken in step_seconds(folder, environment).items()})
            return seconds["first"]

        def add() -> float:
            if tree.exists():
                shutil.rmtree(tree)
                subprocess.run(["git", "worktree", "prune"], cwd=folder, env=environment, check=True)
            return command_seconds(["git", "worktree", "add", "-q", "--detach", str(tree)], folder, environment)

        def reset() -> float:
            for number in range(1, 6):
                with (tree / f"folder{number}" / "file7.txt").open("a") as file:
                    file.write("changed\n")
                (tree / f"folder{number}" / "new.txt").write_text("new\n")
            script = "git reset -q --hard && git clean -q -ffdx"
            return command_seconds(["bash", "-c", script], tree, environment)

        medians = in_turn({"first": first, "add": add, "again": lambda: seconds["again"], "reset": reset})
    ours, theirs = medians["first"], medians["add"]
    floor = f"`git worktree add` {show_seconds(theirs)}"
    yield Row(f"first checkout of {FILES:,} files", show_seconds(ours), floor, ours / theirs, 1.2)
    ours, theirs = medians["again"], medians["reset"]
    floor = f"`git reset --hard` and `clean` {show_seconds(theirs)}"
    yield Row("checkout in a workspace that has one", show_seconds(ours), floor, ours / theirs, 2)


if __name__ == "__main__":
    os.environ.setdefault("LANG", "C.UTF-8")
    for row in rows():
        print(row.markdown())

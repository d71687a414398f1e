"""One job, one step: start-up is everything. Bar: twice act's time (a compiled program); the aim is 1.3."""

from collections.abc import Iterator

from benchmarks.harness import Row, act, compare, homeport, median_seconds, repository, show_seconds

WORKFLOW = """\
on: push
jobs:
  one:
    runs-on: ubuntu-latest
    steps:
      - run: echo hello
"""


def rows() -> Iterator[Row]:
    """The one comparison."""
    with repository(WORKFLOW) as (folder, environment):
        samples = compare([homeport(), act()], folder, environment)
    ours, theirs = median_seconds(samples["homeport"]), median_seconds(samples["act"])
    yield Row("one job × one step", show_seconds(ours), f"act {show_seconds(theirs)}", ours / theirs, 2)


if __name__ == "__main__":
    for row in rows():
        print(row.markdown())

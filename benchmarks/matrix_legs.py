"""A matrix of 32 legs of one step each."""

from collections.abc import Iterator

from benchmarks.harness import Row, act, compare, homeport, median_seconds, repository, show_seconds

WORKFLOW = f"""\
on: push
jobs:
  legs:
    runs-on: ubuntu-latest
    strategy:
      matrix:
        number: [{", ".join(str(number) for number in range(32))}]
    steps:
      - run: echo leg ${{{{ matrix.number }}}}
"""


def rows() -> Iterator[Row]:
    """The one comparison."""
    with repository(WORKFLOW) as (folder, environment):
        samples = compare([homeport(), act()], folder, environment)
    ours, theirs = median_seconds(samples["homeport"]), median_seconds(samples["act"])
    yield Row("matrix of 32 legs", show_seconds(ours), f"act {show_seconds(theirs)}", ours / theirs, 0.3)


if __name__ == "__main__":
    for row in rows():
        print(row.markdown())

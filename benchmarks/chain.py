"""Ten jobs, each needing the one before."""

from collections.abc import Iterator

from benchmarks.harness import Row, act, compare, homeport, median_seconds, repository, show_seconds

WORKFLOW = "on: push\njobs:\n" + "".join(
    f"  job{number}:\n    runs-on: ubuntu-latest\n"
    + (f"    needs: job{number - 1}\n" if number else "")
    + f"    steps:\n      - run: echo {number}\n"
    for number in range(10)
)


def rows() -> Iterator[Row]:
    """The one comparison."""
    with repository(WORKFLOW) as (folder, environment):
        samples = compare([homeport(), act()], folder, environment)
    ours, theirs = median_seconds(samples["homeport"]), median_seconds(samples["act"])
    yield Row("chain of 10 jobs", show_seconds(ours), f"act {show_seconds(theirs)}", ours / theirs, 0.35)


if __name__ == "__main__":
    for row in rows():
        print(row.markdown())

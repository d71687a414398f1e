"""A hundred steps in one job, against act and against bash starting a script a hundred times."""

from collections.abc import Iterator

from benchmarks.harness import Row, act, bash, compare, homeport, median_seconds, repository, show_seconds

STEPS = 100
WORKFLOW = "on: push\njobs:\n  many:\n    runs-on: ubuntu-latest\n    steps:\n" + "".join(
    f"      - run: echo step {number}\n" for number in range(STEPS)
)
FLOOR = f"""
set -e
folder=$(mktemp -d)
for number in $(seq {STEPS}); do echo "echo step $number" > $folder/script.sh; bash -e $folder/script.sh >> $folder/log; done
rm -r $folder
"""


def rows() -> Iterator[Row]:
    """Against both."""
    with repository(WORKFLOW) as (folder, environment):
        samples = compare([homeport(), act(), bash(FLOOR)], folder, environment)
    ours = median_seconds(samples["homeport"])
    for name, bar in (("act", 0.5), ("bash", 2.0)):
        theirs = median_seconds(samples[name])
        yield Row(f"{STEPS} steps", show_seconds(ours), f"{name} {show_seconds(theirs)}", ours / theirs, bar)


if __name__ == "__main__":
    for row in rows():
        print(row.markdown())

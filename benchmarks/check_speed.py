"""`homeport check` of a 300-line workflow, start-up included, beside Python and its YAML library doing no more than composing it."""

import sys
from collections.abc import Iterator

from benchmarks.harness import BIN, Contender, Row, compare, median_seconds, repository, show_seconds

BAR_SECONDS = 0.1
JOB = """\
  job{number}:
    name: Job number {number}
    runs-on: ubuntu-latest
    {needs}
    strategy:
      matrix:
        python-version: ["3.10", "3.11", "3.12"]
    env:
      NAME: ${{{{ github.ref_name }}}}-${{{{ matrix.python-version }}}}
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        with:
          python-version: ${{{{ matrix.python-version }}}}
          cache: pip
      - id: versions
        run: echo "version=${{{{ runner.os }}}}" >> "$GITHUB_OUTPUT"
      - name: Test
        if: ${{{{ success() && steps.versions.outputs.version != '' }}}}
        run: |
          python -m pip install -e .
          python -m pytest
"""
WORKFLOW = "name: Three hundred lines\non:\n  push:\n    branches: [main]\n\njobs:\n" + "".join(
    JOB.format(number=number, needs=f"needs: job{number - 1}" if number else "permissions: {}") for number in range(14)
)
COMPOSE = "import sys, yaml; yaml.compose(open(sys.argv[1]), Loader=yaml.CSafeLoader)"


def rows() -> Iterator[Row]:
    """Against the bar, and against composing alone."""
    with repository(WORKFLOW) as (folder, environment):
        path = ".github/workflows/bench.yml"
        ours = Contender("check", [str(BIN / "homeport"), "check", path])
        floor = Contender("compose", [sys.executable, "-c", COMPOSE, path])
        samples = compare([ours, floor], folder, environment)
    seconds, theirs = median_seconds(samples["check"]), median_seconds(samples["compose"])
    claim = f"`check` of {WORKFLOW.count(chr(10))} lines"
    beside = f"{BAR_SECONDS * 1000:.0f} ms (python + yaml alone: {show_seconds(theirs)})"
    yield Row(claim, show_seconds(seconds), beside, seconds / BAR_SECONDS, 1)


if __name__ == "__main__":
    for row in rows():
        print(row.markdown())

"""What `uses` says of another repository, and what `$/` means within it."""

import pytest

from homeport.language import nodes
from homeport.language.parser.workflow import parse_workflow
from homeport.language.remote_reference import RemoteReference, parse_remote_reference, qualify_own_use


@pytest.mark.parametrize(
    ("uses", "expected"),
    [
        ("actions/checkout@v4", RemoteReference("actions", "checkout", "", "v4")),
        ("actions/cache/restore@v4", RemoteReference("actions", "cache", "restore", "v4")),
        ("o/r/a/b/@releases/v1", RemoteReference("o", "r", "a/b", "releases/v1")),
        ("o/r/.github/workflows/f.yml@main", RemoteReference("o", "r", ".github/workflows/f.yml", "main")),
        (" o/r@v1 ", RemoteReference("o", "r", "", "v1")),
    ],
)
def test_the_parts_of_a_reference(uses: str, expected: RemoteReference) -> None:
    assert parse_remote_reference(uses) == expected


@pytest.mark.parametrize(
    "uses",
    [
        "./a@v1",
        "../a/b@v1",
        "$/a",
        "docker://alpine:3",
        "o@v1",
        "o/r",
        "o/r@",
        "o/..@v1",
        "../r@v1",
        "o/r?x@v1",
        "o/%2e%2e@v1",
        "o/r@../../etc",
        "o/r@a..b",
        "o/r@-v",
        "o/r@a//b",
        "o/r@/a",
        "o/r@a b",
        "o/r@v*",
        "o/r@a.lock",
        "o/r@a@{1}",
        "o/r@v1\n",
        "o/r@a:b",
        "o/r@v1^{}",
    ],
)
def test_what_names_nothing_in_another_repository(uses: str) -> None:
    found = parse_remote_reference(uses)
    assert found is None or found == RemoteReference("o", "r", "", "v1"), "blanks around it do not count"


def test_names_of_repositories_ignore_case_and_refs_do_not() -> None:
    one, other = parse_remote_reference("O/R/a@V1"), parse_remote_reference("o/r/b@V1")
    assert one is not None
    assert other is not None
    assert one.key == other.key == "o/r@V1"


def test_dollar_paths_are_written_out_in_parallel_steps_too() -> None:
    text = b"""
on: push
jobs:
  a:
    runs-on: x
    steps:
      - uses: $/one
      - uses: ./two
      - parallel:
          - uses: $/three/four
          - run: echo $/five
"""
    workflow, _ = parse_workflow(text, "ci.yml")
    assert workflow is not None
    (job,) = workflow.jobs
    assert isinstance(job, nodes.Job)
    one, two, parallel = (qualify_own_use(step, "o/r", "v1") for step in job.steps)
    assert isinstance(one, nodes.UsesStep)
    assert one.uses.value == "o/r/one@v1"
    assert two == job.steps[1]
    assert isinstance(parallel, nodes.ParallelStep)
    three, run = parallel.steps
    assert isinstance(three, nodes.UsesStep)
    assert three.uses.value == "o/r/three/four@v1"
    assert isinstance(run, nodes.RunStep)

"""Native actions do behind the wall what they do in front of it: every one that a job without an index can use."""

from pathlib import Path

from tests.support.homeport import list_artifacts, run_homeport
from tests.support.parts import require_node
from tests.support.projects import make_repository
from tests.support.sandbox import list_left, require_sandbox

WORKFLOW = """
on: push
jobs:
  build:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v6
      - uses: actions/setup-python@v6
        with: {python-version: "3.x"}
      - uses: actions/setup-node@v6
        with: {node-version: 20, package-manager-cache: false}
      - id: tools
        run: python -c 'print(6 * 7)'; node -p '6 * 7'; cat own.txt
      - run: mkdir -p kept && echo cached > kept/file
      - uses: actions/cache/save@v5
        with: {path: kept, key: "kept-${{ hashFiles('own.txt') }}"}
      - uses: actions/upload-artifact@v6
        with: {name: first, path: kept}
      - run: cp kept/file second.txt
      - uses: actions/upload-artifact@v6
        with: {name: second, path: second.txt}
      - uses: codecov/codecov-action@v5
        with: {files: coverage.xml, fail_ci_if_error: true}
  gather:
    needs: build
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v6
      - uses: actions/upload-artifact/merge@v6
        with: {name: both, pattern: "*"}
      - uses: actions/download-artifact@v7
        with: {name: both, path: got}
      - id: cache
        uses: actions/cache@v5
        with: {path: kept, key: "kept-${{ hashFiles('own.txt') }}"}
      - uses: re-actors/alls-green@release/v1
        with: {jobs: "${{ toJSON(needs) }}"}
      - id: seen
        run: echo ${{ steps.cache.outputs.cache-hit }}; cat kept/file got/file got/second.txt
"""
COVERAGE = """<?xml version="1.0" ?>
<coverage version="7" timestamp="1"><packages><package name="p"><classes><class name="a.py" filename="a.py"><lines>
<line number="1" hits="1"/><line number="2" hits="0"/>
</lines></class></classes></package></packages></coverage>
"""


def test_a_pipeline_of_native_actions_is_green_behind_the_wall(tmp_path: Path) -> None:
    require_sandbox()
    require_node(20)
    project = make_repository(tmp_path, WORKFLOW, files={"own.txt": "mine\n", "coverage.xml": COVERAGE})
    answer = run_homeport(["run", "--executor", "sandbox"], cwd=project)
    assert answer.conclusion == "success", answer.describe()
    assert answer.lines("build", "tools")[-3:] == ["42", "42", "mine"]
    assert answer.lines("gather", "seen")[-4:] == ["true", "cached", "cached", "cached"]
    summaries = "\n".join(fact["markdown"] for fact in answer.of("summary_written"))
    assert "coverage.xml" in summaries
    kept = {"both": False, "coverage-build-__codecov_codecov-action": True, "first": False, "second": False}
    assert list_artifacts(project) == kept
    assert list_left() == []

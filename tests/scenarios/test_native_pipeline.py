"""The native actions of a whole pipeline, through the command line, with real tools: another repository over HTTP, coverage.py, twine, an index."""

import json
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support import git_folders
from tests.support.git_http import GitServer, git_server
from tests.support.homeport import Answer, list_artifacts, run_homeport
from tests.support.index import Index, package_index
from tests.support.projects import make_repository
from tests.support.wheels import build_wheel


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitServer]:
    folder = git_folders.init(tmp_path / "srv" / "them" / "other", "trunk")
    git_folders.write(folder, data_dot_txt="from elsewhere\n")
    git_folders.commit(folder)
    git_folders.git(folder, "tag", "v1")
    with git_server(tmp_path / "srv") as running:
        yield running


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    with package_index(tmp_path / "packages") as running:
        yield running


def run(project: Path, *words: str, **environment: str) -> Answer:
    return run_homeport(["run", *words], cwd=project, env=environment)


CHECKOUT = """
    on: push
    jobs:
      one:
        runs-on: ubuntu-latest
        steps:
          - uses: actions/checkout@v6
          - id: other
            uses: actions/checkout@v6
            with: {repository: them/other, ref: v1, path: vendor/other}
          - id: last
            run: cat own.txt vendor/other/data.txt; git -C vendor/other rev-parse HEAD; echo ${{ steps.other.outputs.commit }}
"""


def test_another_repository_stands_beside_the_running_one(tmp_path: Path, server: GitServer) -> None:
    project = make_repository(tmp_path / "mine", CHECKOUT, files={"own.txt": "mine\n"})
    answer = run(project, "--action-source", server.address)
    assert answer.exit_code == 0, answer.describe()
    own, other, head, output = answer.lines("one", "last")[-4:]
    assert (own, other) == ("mine", "from elsewhere")
    assert head == output == git_folders.git(server.root / "them" / "other", "rev-parse", "v1")
    assert {authorization for _, authorization in server.requests} == {""}


def test_a_repository_that_is_nowhere_fails_its_step_and_no_other(tmp_path: Path, server: GitServer) -> None:
    text = CHECKOUT.replace("them/other", "them/gone").replace("- id: last", "- id: last\n            if: failure()")
    project = make_repository(tmp_path / "mine", text, files={"own.txt": "mine\n"})
    answer = run(project, "--action-source", server.address)
    assert answer.exit_code == 1
    assert answer.step("one", "other")["conclusion"] == "failure"
    error = answer.of("annotation_raised", severity="error", step="other")[0]["message"]
    assert "them/gone" in error
    assert "mine" in answer.lines("one", "last")


PIPELINE = """
    on: push
    jobs:
      test:
        runs-on: ubuntu-latest
        strategy: {matrix: {part: [a, b]}}
        steps:
          - run: |
              echo 'SF:x.py
              DA:1,1
              DA:2,0
              end_of_record' > coverage.lcov
              echo ${{ matrix.part }} > ${{ matrix.part }}.txt
          - id: keep
            uses: codecov/codecov-action@v5
            with: {flags: "part-${{ matrix.part }}", fail_ci_if_error: true}
          - uses: actions/upload-artifact@v4
            with: {name: "part-${{ matrix.part }}", path: "*.txt"}
      skipped:
        if: false
        runs-on: ubuntu-latest
        steps: [{run: exit 1}]
      merge:
        needs: test
        runs-on: ubuntu-latest
        steps:
          - uses: actions/upload-artifact/merge@v4
            with: {name: all, pattern: part-*, delete-merged: true}
          - uses: actions/download-artifact@v4
          - run: find . -type f | sort
      check:
        if: always()
        needs: [test, skipped, merge]
        runs-on: ubuntu-latest
        steps:
          - uses: re-actors/alls-green@release/v1
            with: {jobs: "${{ toJSON(needs) }}", allowed-skips: skipped}
          - uses: re-actors/alls-green@release/v1
            id: strict
            continue-on-error: true
            with: {jobs: "${{ toJSON(needs) }}"}
          - run: echo "strict ${{ steps.strict.outputs.result }}"
"""


def test_coverage_is_kept_artifacts_are_merged_and_all_is_green(tmp_path: Path) -> None:
    project = make_repository(tmp_path, PIPELINE, files={})
    answer = run(project)
    assert answer.exit_code == 0, answer.describe()
    assert answer.lines("merge")[-2:] == ["./all/a.txt", "./all/b.txt"], "coverage is no artifact that jobs see"
    assert answer.lines("check")[-1] == "strict failure"
    summaries = [fact["markdown"] for fact in answer.of("summary_written")]
    assert sum("| `coverage.lcov` | 50.00 % | 1 of 2 |" in text for text in summaries) == 2
    assert any("All of the required dependency jobs succeeded" in text for text in summaries)
    assert list_artifacts(project) == {
        "all": False,
        "coverage-test--a--keep": True,
        "coverage-test--b--keep": True,
    }


PUBLISH = """
    on: push
    jobs:
      publish:
        runs-on: ubuntu-latest
        permissions: {{id-token: write}}
        steps:
          - uses: actions/checkout@v6
          - uses: pypa/gh-action-pypi-publish@release/v1
            with:
              repository-url: {url}
              attestations: false
              print-hash: true
"""


def test_a_job_publishes_by_its_identity(tmp_path: Path, index: Index) -> None:
    project = make_repository(tmp_path / "mine", PUBLISH.format(url=index.address), files={"README.md": "x\n"})
    build_wheel(project / "dist", "greeter", "1.0")
    seen: list[dict[str, Any]] = []

    def accepts(token: str) -> bool:
        body = token.split(".")[1]
        seen.append(json.loads(urlsafe_b64decode(body + "=" * (-len(body) % 4))))
        return bool(seen[-1]["aud"] == "loopback-index")

    index.accepts = accepts
    answer = run(project)
    assert answer.exit_code == 0, answer.describe()
    assert index.uploaded == ["greeter-1.0-py3-none-any.whl"]
    assert seen[0]["sub"].endswith(":ref:refs/heads/main")
    assert "pypi-minted" not in answer.describe()


def test_a_job_without_identity_does_not_publish(tmp_path: Path, index: Index) -> None:
    text = PUBLISH.format(url=index.address).replace("id-token: write", "contents: read")
    project = make_repository(tmp_path / "mine", text, files={"README.md": "x\n"})
    build_wheel(project / "dist", "greeter", "1.0")
    answer = run(project)
    assert answer.exit_code == 1
    assert any("id-token: write" in fact["message"] for fact in answer.of("annotation_raised", severity="error"))
    assert index.uploaded == []

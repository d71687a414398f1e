"""`homeport why`: from the plan, and from the last run's journal."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from homeport.cli.stores import open_stores
from homeport.ports.repositories import RunRecord
from homeport.run.facts import JobFinished, RunFinished
from tests.support.console import Captured, call
from tests.support.plans import plan_of
from tests.support.projects import GIT_ENVIRONMENT, make_repository

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
CI = """
    name: CI
    on: push
    jobs:
      build: {runs-on: x, steps: [{run: a}]}
      test: {needs: build, strategy: {matrix: {n: [1, 2]}}, runs-on: x, steps: [{run: a}]}
      deploy: {needs: test, if: github.ref == 'refs/heads/release', runs-on: x, steps: [{run: a}]}
      notify: {needs: deploy, runs-on: x, steps: [{run: a}]}
      maybe: {needs: build, if: needs.build.outputs.go == 'yes', runs-on: x, steps: [{run: a}]}
      broken: {runs-on: '${{ github.nothing }}', steps: [{run: a}]}
"""
DOCS = """
    name: Docs
    on: {push: {branches: [docs]}}
    jobs: {render: {runs-on: x, steps: [{run: a}]}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_repository(tmp_path, {"ci.yml": CI, "docs.yml": DOCS})


def why(*words: str, folder: Path) -> Captured:
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": "/nonexistent",
        "HOMEPORT_HOME": os.environ["HOMEPORT_HOME"],
        **GIT_ENVIRONMENT,
    }
    return call("why", *words, folder=folder, environment=environment)


def explanations(*words: str, folder: Path) -> dict[str | None, dict[str, Any]]:
    captured = why(*words, "--format", "json", folder=folder)
    assert (captured.code, captured.said) == (0, "")
    return {one["job"] or one["workflow"]: one for one in captured.json["explanations"]}


def test_every_workflow_says_whether_it_starts(folder: Path) -> None:
    found = explanations(folder=folder)
    assert {name: one["verdict"] for name, one in found.items()} == {
        ".github/workflows/ci.yml": "starts",
        ".github/workflows/docs.yml": "does not start",
    }
    assert "the branch 'main' matches none" in found[".github/workflows/docs.yml"]["reason"]


@pytest.mark.parametrize("name", ["CI", "ci.yml", ".github/workflows/ci.yml"])
def test_a_workflow_says_it_for_each_of_its_jobs(folder: Path, name: str) -> None:
    found = explanations(name, folder=folder)
    assert {job: one["verdict"] for job, one in found.items()} == {
        ".github/workflows/ci.yml": "starts",
        "build": "runs",
        "test (1)": "runs",
        "test (2)": "runs",
        "deploy": "skipped",
        "notify": "skipped",
        "maybe": "depends",
        "broken": "cannot run",
    }
    assert found["test (1)"]["reason"] == "after build"
    assert found["notify"]["reason"] == "'deploy', which it needs, would be skipped"


def test_a_job_says_which_condition_and_what_its_values_are(folder: Path) -> None:
    captured = why("deploy", folder=folder)
    assert captured.text.splitlines() == [
        "push on refs/heads/main",
        "",
        ".github/workflows/ci.yml",
        "  deploy skipped: its condition is false: github.ref == 'refs/heads/release'",
        "    if: github.ref == 'refs/heads/release'",
        '    github.ref is "refs/heads/main"',
    ]
    assert explanations("deploy", "--ref", "release", folder=folder)["deploy"]["verdict"] == "runs"


def test_a_job_of_a_workflow_that_does_not_start_says_so(folder: Path) -> None:
    (one,) = explanations("render", folder=folder).values()
    assert one["verdict"] == "skipped"
    assert one["reason"].startswith("its workflow does not start: the branch 'main'")


def test_a_refused_workflow_says_where(folder: Path) -> None:
    (folder / ".github" / "workflows" / "bad.yml").write_text("on: push\njobs: {a: {runs-on: x, stepps: []}}\n")
    found = explanations("bad.yml", folder=folder)[".github/workflows/bad.yml"]
    assert found["verdict"] == "refused"
    assert found["reason"].startswith(".github/workflows/bad.yml:2:")


def test_legs_are_asked_for_together_or_alone(folder: Path) -> None:
    assert list(explanations("test", folder=folder)) == ["test (1)", "test (2)"]
    assert list(explanations("TEST (2)", folder=folder)) == ["test (2)"]


def test_a_name_that_nothing_has_is_a_wrong_command_line(folder: Path) -> None:
    captured = why("deplyo", folder=folder)
    assert captured.code == 2
    assert "did you mean 'deploy'?" in captured.said


def test_the_last_run_says_how_it_was(folder: Path) -> None:
    runs = open_stores(os.environ).runs
    run = runs.new_id()
    record = RunRecord(
        id=run,
        repository="local/project",
        workflow=".github/workflows/ci.yml",
        number=3,
        created_at=NOW,
        source=str(folder),
    )
    runs.create(record, plan_of())
    finished: dict[str, Any] = {"at": NOW, "run": run, "job_id": "deploy", "name": "deploy", "matrix": None}
    runs.append(
        run,
        1,
        [
            JobFinished(
                job="deploy",
                conclusion="skipped",
                outcome="skipped",
                reason="'test', which it needs, failed",
                **finished,
            ),
            RunFinished(at=NOW, run=run, workflow=".github/workflows/ci.yml", conclusion="failure"),
        ],
    )
    found = explanations("ci.yml", folder=folder)
    last = {"run": run, "number": 3, "conclusion": "skipped", "reason": "'test', which it needs, failed"}
    assert found["deploy"]["last"] == last
    assert found[".github/workflows/ci.yml"]["last"]["conclusion"] == "failure"
    assert found["build"]["last"]["conclusion"] is None
    assert "in the last run (#3): skipped: 'test', which it needs, failed" in why("deploy", folder=folder).text

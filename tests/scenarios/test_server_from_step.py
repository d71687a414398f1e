"""A job of a server that goes on from the step that failed: in the folders that it left, and never green for what did not run."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.pushed import PushedRepository
from tests.support.serve import ServedProcess, served, wait_until

WORKFLOW = """\
name: CI
on: push
env:
  GREETING: from attempt ${{ github.run_attempt }}
jobs:
  build:
    runs-on: ubuntu-latest
    outputs:
      made: ${{ steps.make.outputs.made }}
    steps:
      - uses: actions/checkout@v4
      - id: make
        run: |
          echo "built in attempt $GITHUB_RUN_ATTEMPT" > product.txt
          echo "made=in-${GITHUB_RUN_ATTEMPT}" >> "$GITHUB_OUTPUT"
          mkdir tools && printf '#!/bin/sh\\necho tool works\\n' > tools/tool && chmod +x tools/tool
          echo "$PWD/tools" >> "$GITHUB_PATH"
          echo "::add-mask::hush-hush-hush"
          echo "QUIET=hush-hush-hush" >> "$GITHUB_ENV"
      - name: Gate
        run: |
          echo "the gate is reached in $PWD"
          test "$GITHUB_RUN_ATTEMPT" -ge ${{ vars.OPENS || '2' }}
      - name: Rest
        run: |
          cat product.txt README.md
          tool
          echo "kept <$QUIET> ${{ steps.make.outcome }} $GREETING"
  fine:
    runs-on: ubuntu-latest
    steps:
      - run: echo fine
  after:
    needs: build
    runs-on: ubuntu-latest
    steps:
      - run: echo "after ${{ needs.build.outputs.made }}"
"""
GATE = 3
FILES = {"README.md": "the working copy\n"}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServedProcess]:
    with served(tmp_path / "data") as process:
        yield process


@pytest.fixture
def repository(server: ServedProcess, tmp_path: Path) -> PushedRepository:
    return PushedRepository(server, tmp_path)


def await_attempt(repository: PushedRepository, run: int, attempt: int) -> str:
    def look() -> str | None:
        found = repository.get(f"actions/runs/{run}")
        conclusion: str | None = found["conclusion"]
        return conclusion if found["run_attempt"] == attempt else None

    return str(wait_until(look))


def begin_failing(repository: PushedRepository, workflow: str = WORKFLOW) -> int:
    run = repository.push(FILES, workflow)
    assert await_attempt(repository, run, 1) == "failure"
    return run


def rerun_from(repository: PushedRepository, run: int, job: str, step: int) -> httpx.Response:
    number = repository.jobs(run)[job]["id"]
    return repository.ask("POST", f"actions/jobs/{number}/rerun", json={"from_step": step})


def show_steps(repository: PushedRepository, run: int, job: str) -> dict[str, str]:
    return {step["name"]: step["conclusion"] for step in repository.jobs(run)[job]["steps"]}


def list_kept(server: ServedProcess) -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in (server.folder / "runner" / "kept").glob("*.json")]


def list_work(server: ServedProcess) -> list[str]:
    folder = server.folder / "runner" / "work"
    return os.listdir(folder) if folder.is_dir() else []


@pytest.mark.parametrize("executor", ["process", "sandbox"])
def test_the_rest_of_a_job_goes_on_in_what_the_failed_one_left(tmp_path: Path, executor: str) -> None:
    with served(tmp_path / "data", "--executor", executor) as server:
        repository = PushedRepository(server, tmp_path)
        run = begin_failing(repository)
        (kept,) = list_kept(server)
        assert (kept["job"], kept["failed"]) == ("build", GATE)
        answer = rerun_from(repository, run, "build", GATE)
        assert answer.status_code == 201, answer.text
        assert await_attempt(repository, run, 2) == "success"
        steps = show_steps(repository, run, "build")
        assert list(steps.values())[:4] == [
            "skipped",
            "skipped",
            "success",
            "success",
        ]  # never green for what did not run
        said = "\n".join(repository.log(run, "build"))
        assert "built in attempt 1\nthe working copy\ntool works\nkept <***> success from attempt 2" in said
        assert "hush" not in said
        assert "after in-1" in "\n".join(repository.log(run, "after"))
        jobs = repository.jobs(run)
        assert (jobs["fine"]["run_attempt"], jobs["build"]["run_attempt"]) == (1, 2)
        notes = repository.get(f"check-runs/{jobs['build']['id']}/annotations")
        assert any("went on from step 3, in the folders that attempt 1 left" in note["message"] for note in notes)
        wait_until(lambda: not list_work(server))
        assert list((server.folder / "runner" / "kept").iterdir()) == []


def test_it_can_fail_again_and_go_on_again(repository: PushedRepository, server: ServedProcess) -> None:
    run = begin_failing(repository, WORKFLOW.replace("${{ vars.OPENS || '2' }}", "3"))
    assert rerun_from(repository, run, "build", GATE).status_code == 201
    assert await_attempt(repository, run, 2) == "failure"
    assert [each["attempt"] for each in list_kept(server)] == [2]
    assert rerun_from(repository, run, "build", 2).status_code == 409  # what came before was another attempt's
    assert rerun_from(repository, run, "build", GATE).status_code == 201
    assert await_attempt(repository, run, 3) == "success"
    assert "built in attempt 1" in repository.log(run, "build")


def test_it_can_go_on_from_a_step_before_the_one_that_failed(repository: PushedRepository) -> None:
    workflow = WORKFLOW.replace("mkdir tools", "mkdir -p tools")
    run = begin_failing(repository, workflow)
    refusal = rerun_from(repository, run, "build", 4)
    assert refusal.status_code == 409
    assert "only from one of: 1, 2, 3" in refusal.text
    assert rerun_from(repository, run, "build", 2).status_code == 201
    assert await_attempt(repository, run, 2) == "success"
    assert list(show_steps(repository, run, "build").values())[:2] == ["skipped", "success"]
    assert "built in attempt 2" in repository.log(run, "build")
    assert "after in-2" in "\n".join(repository.log(run, "after"))


def test_what_went_well_or_is_gone_cannot_be_gone_on_with(repository: PushedRepository, server: ServedProcess) -> None:
    run = begin_failing(repository)
    assert rerun_from(repository, run, "fine", 1).status_code == 409
    for path in (server.folder / "runner" / "kept").iterdir():
        path.unlink()
    refusal = rerun_from(repository, run, "build", GATE)
    assert refusal.status_code == 409
    assert "is not kept" in refusal.text
    assert repository.get(f"actions/runs/{run}")["run_attempt"] == 1


def test_a_job_whose_folders_go_before_it_begins_fails_and_says_so(
    repository: PushedRepository, server: ServedProcess
) -> None:
    run = begin_failing(repository)
    (record,) = (server.folder / "runner" / "kept").glob("*.memory")
    record.write_bytes(b"not what was written")
    assert rerun_from(repository, run, "build", GATE).status_code == 201
    assert await_attempt(repository, run, 2) == "failure"
    number = repository.jobs(run)["build"]["id"]
    notes = repository.get(f"check-runs/{number}/annotations")
    assert any("cannot be read" in note["message"] for note in notes)
    assert repository.jobs(run)["after"]["conclusion"] == "skipped"


def test_folders_outlive_the_runner_that_kept_them(repository: PushedRepository, server: ServedProcess) -> None:
    run = begin_failing(repository)
    (kept,) = list_kept(server)
    before = server.runners()
    server.stop()
    wait_until(lambda: not set(server.runners()) & set(before))
    server.start()
    wait_until(server.runners)
    assert Path(kept["root"]).is_dir()
    assert rerun_from(repository, run, "build", GATE).status_code == 201
    assert await_attempt(repository, run, 2) == "success"


def test_nothing_is_kept_where_that_is_not_wanted_or_cannot_be(tmp_path: Path) -> None:
    workflow = WORKFLOW.replace("- name: Gate\n", "- run: sleep 15\n        background: true\n      - name: Gate\n")
    with served(tmp_path / "data") as server:
        begin_failing(PushedRepository(server, tmp_path), workflow)
        assert list_kept(server) == []
        wait_until(lambda: not list_work(server))
    with served(tmp_path / "other", "--keep-failed", "0") as server:
        begin_failing(PushedRepository(server, tmp_path, "acme/other"))
        assert list_kept(server) == []
        wait_until(lambda: not list_work(server))


def test_the_page_of_the_job_offers_it_and_the_command_line_does_it(
    repository: PushedRepository, server: ServedProcess, tmp_path: Path
) -> None:
    run = begin_failing(repository)
    number = repository.jobs(run)["build"]["id"]
    headers = {"authorization": f"Bearer {repository.token}"}
    page = httpx.get(f"{server.url}/acme/shop/actions/runs/{run}/job/{number}", headers=headers).text
    assert "From step 3, which failed" in page
    answer = httpx.post(
        f"{server.url}/acme/shop/actions/runs/{run}/rerun",
        data={"what": "step", "job": "build", "step": "x"},
        headers=headers,
    )
    assert answer.status_code == 400
    environment = {**os.environ, "HOMEPORT_SERVER": server.url, "HOMEPORT_TOKEN": repository.token}
    words = [sys.executable, "-m", "homeport", "rerun", str(run), "--from-step", str(GATE), "--format", "json"]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"run": str(run), "attempt": 2}
    assert await_attempt(repository, run, 2) == "success"


def test_the_form_of_the_page_goes_on_too(repository: PushedRepository, server: ServedProcess) -> None:
    run = begin_failing(repository)
    answer = httpx.post(
        f"{server.url}/acme/shop/actions/runs/{run}/rerun",
        data={"what": "step", "job": "build", "step": str(GATE), "debug": "1"},
        headers={"authorization": f"Bearer {repository.token}"},
    )
    assert answer.status_code == 303, answer.text
    assert await_attempt(repository, run, 2) == "success"

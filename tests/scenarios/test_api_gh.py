"""Debian's `gh`, unmodified, against a real server over HTTPS."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.api import REPOSITORY, ApiServer, serving_api
from tests.support.parts import require_program
from tests.support.serve import LONG, wait_until


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    require_program("gh")
    with serving_api(tmp_path_factory.mktemp("gh")) as server:
        yield server


@pytest.fixture
def gh(api: ApiServer, tmp_path: Path) -> "Gh":
    return Gh(api, tmp_path)


class Gh:
    """The program, with no settings but those of the test."""

    def __init__(self, api: ApiServer, folder: Path) -> None:
        self.api = api
        self.folder = folder
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "GH_CONFIG_DIR": str(folder / "gh"),
            "XDG_CACHE_HOME": str(folder / "cache"),
            "GH_HOST": api.host,
            "GH_ENTERPRISE_TOKEN": api.token,
            "GH_REPO": f"{api.host}/{REPOSITORY}",
            "GH_PROMPT_DISABLED": "1",
            "GH_NO_UPDATE_NOTIFIER": "1",
            "NO_COLOR": "1",
            **api.environment,
        }

    def run(self, *words: str, code: int = 0, given: str | None = None, **environment: str) -> str:
        """What it prints; its exit code must be this one."""
        done = subprocess.run(
            ["gh", *words],
            cwd=self.folder,
            env={**self._environment, **environment},
            input=given,
            capture_output=True,
            text=True,
            check=False,
            timeout=LONG,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout if code == 0 else done.stderr

    def json(self, *words: str) -> Any:
        """The same as values."""
        return json.loads(self.run(*words))


def test_gh_knows_who_it_is(gh: Gh) -> None:
    assert gh.json("api", "user")["login"] == "ada"
    gh.run("auth", "status")
    assert "401" in gh.run("api", "user", code=1, GH_ENTERPRISE_TOKEN="hpt_wrong")


def test_gh_run_list_and_view(gh: Gh) -> None:
    fields = "databaseId,workflowName,headBranch,event,status,conclusion,displayTitle"
    runs = gh.json("run", "list", "--workflow", "ci.yml", "--branch", "v1", "--json", fields)
    assert runs == [
        {
            "databaseId": 2,
            "workflowName": "CI",
            "headBranch": "v1",
            "event": "push",
            "status": "completed",
            "conclusion": "failure",
            "displayTitle": "Build v1",
        }
    ]
    shown = gh.run("run", "view", "1")
    assert "✓ build in" in shown
    assert "X test (3.12) in" in shown
    assert "This is old" in shown
    assert "dist" in shown
    assert gh.run("run", "view", "1", "--exit-status", code=1) is not None


def test_gh_shows_the_log_of_a_run_a_job_and_of_what_failed(gh: Gh) -> None:
    whole = gh.run("run", "view", "1", "--log")
    assert "build\tSay / something\t" in whole
    assert "on 3.11" in whole
    failed = gh.run("run", "view", "1", "--log-failed")
    assert "test (3.12)\t" in failed
    assert "on 3.11" not in failed
    jobs = gh.json("run", "view", "1", "--json", "jobs")["jobs"]
    job = next(each["databaseId"] for each in jobs if each["name"] == "test (3.11)")
    assert "on 3.11" in gh.run("run", "view", "--job", str(job), "--log")


def test_gh_downloads_artifacts(gh: Gh) -> None:
    gh.run("run", "download", "1", "--name", "dist")
    assert (gh.folder / "out.txt").read_text() == "hello\n"


def test_gh_workflow_list_view_disable_and_enable(gh: Gh) -> None:
    assert [line.split("\t")[0] for line in gh.run("workflow", "list").splitlines()] == ["CI", "Slow"]
    assert "Total runs" in gh.run("workflow", "view", "CI")
    assert gh.run("workflow", "view", "Slow", "--yaml").startswith("name: Slow\n")
    assert "name: CI" in gh.run("workflow", "view", "ci.yml", "--yaml", "--ref", "v1")
    gh.run("workflow", "disable", "slow.yml")
    assert "disabled" in gh.run("workflow", "run", "slow.yml", code=1)
    gh.run("workflow", "enable", "slow.yml")
    assert "Slow\tactive" in gh.run("workflow", "list")


def test_gh_starts_watches_and_runs_again(gh: Gh) -> None:
    known = newest(gh)
    gh.run("workflow", "run", "ci.yml", "--raw-field", "fail=true")
    run = str(wait_until(lambda: newest(gh) > known and newest(gh)))
    gh.run("run", "watch", run, "--interval", "1", "--exit-status", code=1)
    before = gh.api.get(f"/actions/runs/{run}/jobs")["jobs"]
    gh.run("run", "rerun", run, "--failed", "--debug")
    gh.api.await_run(int(run), attempt=2)
    jobs = gh.api.get(f"/actions/runs/{run}/jobs", filter="all")["jobs"]
    assert len(jobs) > len(before)
    again = gh.json("run", "view", run, "--json", "databaseId,conclusion")
    assert again == {"databaseId": int(run), "conclusion": "failure"}
    assert "on 3.12, debugging" in gh.run("run", "view", run, "--log")
    assert "Unexpected inputs" in gh.run("workflow", "run", "ci.yml", "-f", "nope=1", code=1)


def test_gh_runs_one_job_again(gh: Gh) -> None:
    job = next(each["id"] for each in gh.api.get("/actions/runs/1/jobs")["jobs"] if each["name"] == "test (3.12)")
    gh.run("run", "rerun", "--job", str(job))
    assert gh.api.await_run(1, attempt=2)["run_attempt"] == 2
    names = {each["name"]: each["run_attempt"] for each in gh.api.get("/actions/runs/1/jobs")["jobs"]}
    assert names["test (3.12)"] == 2
    assert names["build"] == 1


def test_gh_cancels_a_run_and_deletes_it(gh: Gh) -> None:
    known = newest(gh, "slow.yml")
    gh.run("workflow", "run", "slow.yml")
    run = str(wait_until(lambda: newest(gh, "slow.yml") > known and newest(gh, "slow.yml")))
    wait_until(lambda: gh.api.get(f"/actions/runs/{run}")["status"] == "in_progress")
    gh.run("run", "cancel", run)
    assert gh.api.await_run(int(run))["conclusion"] == "cancelled"
    assert "Cannot cancel" in gh.run("run", "cancel", run, code=1)
    gh.run("api", "-X", "DELETE", f"repos/{REPOSITORY}/actions/runs/{run}")
    assert "404" in gh.run("run", "view", run, code=1)


def test_gh_secret_set_list_and_remove(gh: Gh) -> None:
    gh.run("secret", "set", "DEPLOY_KEY", given="one\ntwo")
    gh.api.ask("PUT", f"/repos/{REPOSITORY}/environments/prod")
    gh.run("secret", "set", "DEPLOY_KEY", "--env", "prod", "--body", "three")
    gh.run("secret", "set", "SHARED", "--org", "acme", "--repos", "shop", "--body", "four")
    assert gh.run("secret", "list").startswith("DEPLOY_KEY\t")
    assert gh.run("secret", "list", "--env", "prod").startswith("DEPLOY_KEY\t")
    assert "SELECTED" in gh.run("secret", "list", "--org", "acme")
    gh.run("secret", "set", "FEED", "--app", "dependabot", "--body", "five")
    assert gh.run("secret", "list", "--app", "dependabot").startswith("FEED\t")
    gh.run("secret", "remove", "DEPLOY_KEY")
    assert gh.run("secret", "list") == ""


def test_what_this_gh_has_no_command_for_goes_through_gh_api(gh: Gh) -> None:
    above = f"repos/{REPOSITORY}/actions"
    gh.run("api", f"{above}/variables", "-f", "name=COLOUR", "-f", "value=blue")
    assert gh.json("api", f"{above}/variables/COLOUR")["value"] == "blue"
    assert gh.json("api", f"{above}/caches") == {"total_count": 0, "actions_caches": []}
    pages = gh.run("api", "--paginate", f"{above}/runs?per_page=1", "--jq", ".workflow_runs[].id").split()
    assert len(pages) == gh.api.get("/actions/runs")["total_count"]


def test_what_is_the_forges_is_refused_clearly(gh: Gh) -> None:
    assert "Pull requests are kept by the forge" in gh.run("pr", "list", code=1)
    assert "GraphQL" in gh.run("release", "list", code=1)


def newest(gh: Gh, workflow: str = "ci.yml") -> int:
    found = gh.json("run", "list", "--workflow", workflow, "--limit", "1", "--json", "databaseId")
    return int(found[0]["databaseId"]) if found else 0

"""Checks that a job makes itself, by the REST interface with its own token."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from github import Auth, Github

from tests.support.pushed import PushedRepository
from tests.support.pushing import Checkout
from tests.support.serve import ServedProcess, served, wait_until

WORKFLOW = """\
on: push
permissions: {contents: read}
jobs:
  lint:
    runs-on: ubuntu-latest
    permissions: {checks: write, contents: read}
    steps:
      - run: |
          curl -sSf -X POST -H "Authorization: Bearer $GITHUB_TOKEN" "$GITHUB_API_URL/repos/$GITHUB_REPOSITORY/check-runs" \\
            -d '{"name": "from curl", "head_sha": "'"$GITHUB_SHA"'", "status": "completed", "conclusion": "neutral"}'
        env: {GITHUB_TOKEN: "${{ github.token }}"}
      - run: |
          printf %s "$GITHUB_TOKEN" > {seen}.new && mv {seen}.new {seen}
          until [ -e {gate} ]; do sleep 0.05; done
        env: {GITHUB_TOKEN: "${{ github.token }}"}
  other:
    runs-on: ubuntu-latest
    permissions: {contents: write}
    steps:
      - run: |
          printf %s "$GITHUB_TOKEN" > {seen}-other.new && mv {seen}-other.new {seen}-other
          until [ -e {gate} ]; do sleep 0.05; done
        env: {GITHUB_TOKEN: "${{ github.token }}"}
"""
REMARK = {
    "path": "app.py",
    "start_line": 3,
    "end_line": 3,
    "annotation_level": "warning",
    "message": "This is old",
    "title": "Old",
}


class Making:
    """A run that goes on until the gate opens, and the tokens of its jobs."""

    def __init__(self, repository: PushedRepository, folder: Path) -> None:
        self.repository = repository
        self.gate = folder / "gate"
        seen = folder / "seen"
        self.run = repository.push({}, WORKFLOW.replace("{seen}", str(seen)).replace("{gate}", str(self.gate)))
        self.sha = repository.get(f"actions/runs/{self.run}")["head_sha"]
        self.token = wait_until(lambda: seen.exists() and seen.read_text())
        other = folder / "seen-other"
        self.other = wait_until(lambda: other.exists() and other.read_text())

    def ask(self, method: str, path: str, body: dict[str, Any], token: str | None = None) -> httpx.Response:
        headers = {"authorization": f"Bearer {token or self.token}"}
        return self.repository.ask(method, path, json=body, headers=headers)

    def make(self, **body: Any) -> dict[str, Any]:
        answer = self.ask("POST", "check-runs", {"name": "style", "head_sha": self.sha, **body})
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    def page(self) -> str:
        """Of the run."""
        address = f"{self.repository.server.url}/{self.repository.name}/actions/runs/{self.run}"
        answer = httpx.get(address, headers={"authorization": f"Bearer {self.repository.token}"})
        assert answer.status_code == 200
        return answer.text

    def names(self, **query: str) -> list[str]:
        return [each["name"] for each in self.repository.get(f"commits/{self.sha}/check-runs", **query)["check_runs"]]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServedProcess]:
    with served(tmp_path / "data") as process:
        yield process


@pytest.fixture
def making(server: ServedProcess, tmp_path: Path) -> Making:
    return Making(PushedRepository(server, tmp_path), tmp_path)


def test_a_job_makes_a_check_changes_it_and_everybody_finds_it(making: Making, server: ServedProcess) -> None:
    made = making.make(status="in_progress", external_id="42", output={"title": "Style", "summary": "looking"})
    assert (made["status"], made["conclusion"], made["external_id"]) == ("in_progress", None, "42")
    assert made["check_suite"]["id"] == making.run
    first = {"title": "Style", "summary": "1 remark", "annotations": [REMARK]}
    assert making.ask("PATCH", f"check-runs/{made['id']}", {"output": first}).status_code == 200
    second = {"summary": "2 remarks", "annotations": [{**REMARK, "start_line": 7, "end_line": 9}]}
    done = making.ask("PATCH", f"check-runs/{made['id']}", {"conclusion": "failure", "output": second}).json()
    assert (done["status"], done["conclusion"], done["output"]["title"]) == ("completed", "failure", "Style")
    assert done["completed_at"] is not None
    assert done["output"]["annotations_count"] == 2
    server.restart()
    assert making.repository.get(f"check-runs/{made['id']}") == done
    remarks = making.repository.get(f"check-runs/{made['id']}/annotations")
    assert [each["start_line"] for each in remarks] == [3, 7]
    assert remarks[0]["blob_href"].endswith(f"/blob/{making.sha}/app.py")
    assert sorted(making.names()) == ["from curl", "lint", "other", "style"]
    assert making.names(check_name="style", status="completed") == ["style"]
    suite = making.repository.get(f"check-suites/{making.run}/check-runs")
    assert suite["total_count"] == 4
    making.gate.touch()
    assert making.repository.await_conclusion(making.run) == "success"  # the job's, whatever it said of others


def test_it_goes_with_the_run_whose_job_made_it(making: Making) -> None:
    made = making.make(conclusion="success")
    making.gate.touch()
    making.repository.await_conclusion(making.run)
    assert making.repository.ask("DELETE", f"actions/runs/{making.run}").status_code == 204
    assert making.repository.ask("GET", f"check-runs/{made['id']}").status_code == 404
    assert making.names() == []


def test_pygithub_makes_one_with_a_jobs_token(shared: Making) -> None:
    address = f"{shared.repository.server.url}/api/v3"
    with Github(base_url=address, auth=Auth.Token(shared.token), retry=None) as client:
        repository = client.get_repo(shared.repository.name)
        made = repository.create_check_run(
            "by PyGithub", shared.sha, status="in_progress", output={"title": "A", "summary": "b"}
        )
        made.edit(conclusion="success", output={"title": "Done", "summary": "c", "annotations": [REMARK]})
        found = repository.get_check_run(made.id)
        assert (found.conclusion, found.output.title, found.check_suite.id) == ("success", "Done", shared.run)
        assert [each.message for each in found.get_annotations()] == ["This is old"]


HOSTILE = "# Two <script>alert(1)</script>\n\n[x](javascript:alert(2)) ![y](https://elsewhere.example/p.png) <img src=x onerror=alert(3)>"


def test_it_is_on_the_page_of_the_run_and_can_do_nothing_there(shared: Making) -> None:
    shared.make(name="a style", conclusion="failure", output={"title": "Old", "summary": "an earlier word"})
    remarks = [{**REMARK, "message": "<b>old</b>", "raw_details": "since 2019"}] * 25
    output = {"title": "<i>Style</i>", "summary": HOSTILE, "text": "More words"}
    made = shared.make(name="a style", conclusion="neutral", details_url="https://lint.example.com/1", output=output)
    assert shared.ask("PATCH", f"check-runs/{made['id']}", {"output": {"annotations": remarks}}).status_code == 200
    page = shared.page()
    part = page[page.index(f'id="check-{made["id"]}"') : page.index('data-part="artifacts"')]
    assert f'href="#check-{made["id"]}"' in page[: page.index(part)], "beside the jobs"
    assert "&lt;i&gt;Style&lt;/i&gt;" in part
    assert ">Two " in part
    assert "More words" in part
    assert "&lt;b&gt;old&lt;/b&gt;" in part
    assert "since 2019" in part
    assert "app.py:3" in part
    assert "and 5 more annotations" in part
    assert 'href="https://lint.example.com/1"' in part
    for harm in ("<script", 'href="javascript', "onerror", "elsewhere.example/p.png", "<b>old", "an earlier word"):
        assert harm not in part


def test_a_page_does_not_show_more_than_it_can(shared: Making) -> None:
    for number in range(4):
        shared.make(name=f"long {number}", conclusion="success", output={"title": "Long", "summary": "word " * 12_000})
    assert shared.page().count("too long for this page") == 2


def test_a_job_pushes_what_it_may_and_no_workflow(shared: Making, tmp_path: Path) -> None:
    """Else `contents: write` would be every secret of the repository: the workflow could name it."""
    address = f"{shared.repository.server.url}/{shared.repository.name}"
    reading = Checkout(tmp_path / "reading", address, "x-access-token", shared.token)
    reading.git("fetch", "--quiet", "origin", "main")
    assert "you may not push" in reading.git("push", "origin", "FETCH_HEAD:refs/heads/mine", fails=True)
    writing = Checkout(tmp_path / "writing", address, "x-access-token", shared.other)
    writing.git("fetch", "--quiet", "origin", "main")
    writing.git("reset", "--quiet", "--hard", "FETCH_HEAD")
    writing.commit({"VERSION": "2"})
    writing.push("main:by-job")
    writing.git("tag", "v2")
    writing.push("v2")
    writing.commit({".github/workflows/mine.yml": "on: push"})
    told = writing.push("main:refs/heads/with-workflow", fails=True)
    assert "remote: refusing to let a job make or change a workflow" in told
    writing.git("rm", "--quiet", ".github/workflows/mine.yml")
    writing.commit({})
    assert "refusing to let" in writing.push("main:main", fails=True), "a commit in between"
    writing.git("reset", "--quiet", "--hard", "v2")
    writing.push("main:main")
    writing.push(":by-job")
    refs = {each["ref"] for each in shared.repository.get("git/matching-refs/heads")}
    assert refs == {"refs/heads/main"}


def test_the_newest_of_a_name_counts(making: Making) -> None:
    making.make(conclusion="failure")
    newest = making.make(conclusion="success")
    found = making.repository.get(f"commits/{making.sha}/check-runs", check_name="style")["check_runs"]
    assert [(each["id"], each["conclusion"]) for each in found] == [(newest["id"], "success")]
    assert making.names(check_name="style", filter="all") == ["style", "style"]


def test_who_may_not_is_refused(making: Making) -> None:
    body = {"name": "style", "head_sha": making.sha}
    assert making.ask("POST", "check-runs", body, making.other).status_code == 403  # without `checks: write`
    as_person = making.ask("POST", "check-runs", body, making.repository.token)
    assert (as_person.status_code, as_person.json()["message"][:44]) == (
        403,
        "You must authenticate via a GitHub App: chec",
    )
    number = making.repository.jobs(making.run)["other"]["id"]
    as_job = making.ask("PATCH", f"check-runs/{number}", {"conclusion": "success"})
    assert as_job.status_code == 403
    assert "cannot be set" in as_job.json()["message"]
    made = making.make()
    assert making.ask("PATCH", f"check-runs/{made['id']}", {"conclusion": "success"}, making.other).status_code == 403
    assert making.ask("PATCH", f"check-runs/{made['id'] + 1000}", {"conclusion": "success"}).status_code == 404
    making.gate.touch()
    making.repository.await_conclusion(making.run)
    assert making.ask("POST", "check-runs", body).status_code == 401  # the token is dead


def test_nobody_can_be_drowned_in_what_checks_say(shared: Making) -> None:
    """It is read whole by whoever looks at the run."""
    long = [{**REMARK, "message": "x" * 80_000}] * 50
    kept = 0
    while (
        answer := shared.ask(
            "POST", "check-runs", {"name": "large", "head_sha": shared.sha, "output": {"annotations": long}}
        )
    ).status_code == 201:
        kept += 1
        assert kept < 10
    assert (kept, answer.status_code) == (4, 422)
    assert "16777216 bytes at most" in answer.json()["message"]
    number = shared.make(name="small")["id"]
    assert shared.ask("PATCH", f"check-runs/{number}", {"output": {"annotations": long}}).status_code == 422
    assert shared.repository.get(f"check-runs/{number}")["output"]["annotations_count"] == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"name": "two\nlines"},
        {"name": "x" * 256},
        {"details_url": "https://x/" + "x" * 2048},
        {"head_sha": "0" * 40},
        {"status": "completed"},
        {"status": "great"},
        {"conclusion": "great"},
        {"details_url": "javascript:alert(1)"},
        {"output": {"summary": "x" * 65_536}},
        {"output": {"annotations": [REMARK] * 51}},
        {"output": {"annotations": [{**REMARK, "start_line": 0}]}},
        {"output": {"annotations": [{**REMARK, "annotation_level": "fatal"}]}},
    ],
)
def test_what_makes_no_sense_is_refused(shared: Making, wrong: dict[str, Any]) -> None:
    body = {"name": "wrong", "head_sha": shared.sha, **wrong}
    assert shared.ask("POST", "check-runs", body).status_code in (404, 422)
    assert "wrong" not in shared.names()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Making]:
    folder = tmp_path_factory.mktemp("checks")
    with served(folder / "data") as server:
        yield Making(PushedRepository(server, folder), folder)

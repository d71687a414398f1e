"""Results go out of a real server: a forge's delivery comes in, its workflow runs, and the forge is told, whatever dies or is away."""

from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import httpx
import pytest

from homeport.server.badge_key import BadgeKey
from homeport.store.data_folder import DataFolder
from homeport.store.key_files import read_key
from homeport.store.tables.directory import TableDirectory
from tests.support.forges.bench import app, token
from tests.support.forges.connected import Forge, connect, database_of, publish, push
from tests.support.forges.gitea import GiteaStandIn
from tests.support.forges.github import GitHubStandIn
from tests.support.git_folders import init
from tests.support.git_http import GitServer, git_server
from tests.support.parts import require_node
from tests.support.pushing import Checkout, make_person
from tests.support.serve import ServedProcess, served, wait_until

INSIDE = ("--internal-forge", "127.0.0.1")


def workflow(gate: Path) -> str:
    """Two jobs, of which the first ends when the gate is there, with what the gate says."""
    return f"""\
name: CI
on: push
jobs:
  test:
    strategy: {{matrix: {{python: ['3.12']}}}}
    runs-on: ubuntu-latest
    steps:
      - run: |
          while [ ! -e {gate} ]; do sleep 0.05; done
          echo "::error file=a.py,line=3::it is wrong"
          exit "$(cat {gate})"
  after:
    needs: test
    runs-on: ubuntu-latest
    steps: [{{run: echo}}]
"""


@pytest.fixture(params=["github", "gitea"])
def forge(request: pytest.FixtureRequest) -> Iterator[Forge]:
    made = GitHubStandIn() if request.param == "github" else GiteaStandIn()
    with made:
        yield made
    assert made.faults == []


@pytest.fixture
def hosting(tmp_path: Path) -> Iterator[GitServer]:
    with git_server(tmp_path / "hosted") as server:
        yield server


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServedProcess]:
    with served(tmp_path / "data", *INSIDE) as process:
        yield process


def test_a_push_is_pending_and_then_red_on_each_forge(
    server: ServedProcess, forge: Forge, hosting: GitServer, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    sha = publish(hosting, workflow(gate))
    connect(server, forge, hosting, token())
    push(server, forge, sha)
    forge.wait_for(lambda: forge.states("test (3.12)") == ["pending"])
    gate.write_text("3")
    forge.wait_for(lambda: forge.states("test (3.12)") == ["pending", "failure"])
    forge.wait_for(lambda: forge.states("after") == ["success"])  # skipped, which counts as a success
    assert {each["sha"] for each in forge.statuses} == {sha}
    assert forge.statuses[-1]["target_url"].startswith(f"{server.url}/octo/app/actions/runs/")


def test_an_app_gets_checks_with_what_the_steps_remarked(
    server: ServedProcess, hosting: GitServer, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    gate.write_text("0")
    with GitHubStandIn() as forge:
        sha = publish(hosting, workflow(gate))
        connect(server, forge, hosting, app(forge))
        push(server, forge, sha)
        forge.wait_for(
            lambda: {each["name"]: each.get("conclusion") for each in forge.checks}.get("after") == "success"
        )
        (check,) = (each for each in forge.checks if each["name"] == "test (3.12)")
        assert check["conclusion"] == "success"
        (annotation,) = forge.annotations[check["id"]]
        assert (annotation["path"], annotation["start_line"], annotation["message"]) == ("a.py", 3, "it is wrong")
        assert forge.faults == []


REPORTER = """\
const above = `${process.env.GITHUB_API_URL}/repos/${process.env.GITHUB_REPOSITORY}`
const headers = { authorization: `Bearer ${process.env.INPUT_TOKEN}`, accept: 'application/vnd.github+json' }
const ask = async (method, path, body) => {
  const answer = await fetch(above + path, { method, headers, body: body && JSON.stringify(body) })
  const found = await answer.json()
  if (!answer.ok) { console.log(`${method} ${path}: ${answer.status} ${JSON.stringify(found)}`); process.exit(1) }
  return found
}
const main = async () => {
  const { jobs } = await ask('GET', `/actions/runs/${process.env.GITHUB_RUN_ID}/jobs?per_page=1`)
  const remark = { path: 'a.py', start_line: 3, end_line: 3, annotation_level: 'warning', message: 'It is old' }
  const check = { name: 'style', head_sha: process.env.GITHUB_SHA, status: 'in_progress' }
  const { id } = await ask('POST', '/check-runs', check)
  const output = { title: `1 remark from ${jobs[0].name}`, summary: '# Old', annotations: [remark] }
  await ask('PATCH', `/check-runs/${id}`, { conclusion: 'failure', output })
  await ask('POST', `/statuses/${process.env.GITHUB_SHA}`, { state: 'success', context: 'of an action' })
}
main()
"""
REPORTING = """\
name: CI
on: push
permissions: {contents: read, actions: read, checks: write, statuses: write}
jobs:
  report:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - uses: ./.github/report
        with: {token: "${{ github.token }}"}
      - run: case "$TOKEN" in homeport_*) ;; *) exit 3;; esac
        env: {TOKEN: "${{ github.token }}"}
"""


def test_what_an_action_reports_by_the_interface_goes_to_the_forge(
    server: ServedProcess, hosting: GitServer, tmp_path: Path
) -> None:
    """The job holds no token of this server: none is carried to the forge."""
    require_node(20)
    action = hosting.root / "octo" / "app" / ".github" / "report"
    init(hosting.root / "octo" / "app")
    action.mkdir(parents=True)
    (action / "action.yml").write_text("inputs: {token: {required: true}}\nruns: {using: node20, main: main.js}\n")
    (action / "main.js").write_text(REPORTER)
    with GitHubStandIn() as forge:
        sha = publish(hosting, REPORTING)
        connect(server, forge, hosting, app(forge))
        push(server, forge, sha)
        forge.wait_for(
            lambda: (
                {each["name"]: each.get("conclusion") for each in forge.checks}
                == {"report": "success", "style": "failure", "of an action": "success"}
            )
        )
        (check,) = (each for each in forge.checks if each["name"] == "style")
        assert (check["output"]["title"], check["output"]["summary"]) == ("1 remark from report", "# Old")
        assert [each["message"] for each in forge.annotations[check["id"]]] == ["It is old"]
        assert forge.faults == []


def test_a_server_killed_while_the_forge_is_away_tells_the_last_state_once(
    server: ServedProcess, forge: Forge, hosting: GitServer, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    sha = publish(hosting, workflow(gate))
    connect(server, forge, hosting, token())
    push(server, forge, sha)
    forge.wait_for(lambda: forge.states("test (3.12)") == ["pending"])
    forge.is_down = True
    server.kill()
    gate.write_text("0")
    server.start()
    assert_run_ends(server, "success")
    server.kill()
    forge.is_down = False
    server.start()
    forge.wait_for(lambda: forge.states("after")[-1:] == ["success"])
    assert forge.states("test (3.12)") == ["pending", "success"]


def test_a_workflow_that_cannot_be_read_is_a_failing_check_on_each_forge(
    server: ServedProcess, forge: Forge, hosting: GitServer
) -> None:
    sha = publish(hosting, "on: push\njobs:\n  test:\n    stpes: []\n")
    connect(server, forge, hosting, token())
    push(server, forge, sha)
    forge.wait_for(lambda: forge.states(".github/workflows/ci.yml") == ["failure"])
    (told,) = forge.statuses
    assert "stpes" in told["description"] or "runs-on" in told["description"]


def test_without_a_token_the_run_is_unaffected_and_statuses_are_kept_here(
    server: ServedProcess, forge: Forge, hosting: GitServer, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    gate.write_text("0")
    sha = publish(hosting, workflow(gate))
    connect(server, forge, hosting, None)
    push(server, forge, sha)
    assert_run_ends(server, "success")
    assert forge.heard == []


def assert_run_ends(server: ServedProcess, conclusion: str) -> None:
    """By the interface, which shows the statuses too."""
    credential = make_person(server.folder, "ada", is_administrator=True)
    headers = {"authorization": f"Bearer {credential}"}

    def look() -> bool:
        found = httpx.get(f"{server.url}/api/v3/repos/octo/app/actions/runs", headers=headers).json()
        return any(run["conclusion"] == conclusion for run in found["workflow_runs"])

    wait_until(look)
    (run,) = httpx.get(f"{server.url}/api/v3/repos/octo/app/actions/runs", headers=headers).json()["workflow_runs"]

    def combined() -> bool:
        path = f"/api/v3/repos/octo/app/commits/{run['head_sha']}/status"
        return bool(httpx.get(f"{server.url}{path}", headers=headers).json()["state"] == conclusion)

    wait_until(combined)


# --- badges --------------------------------------------------------------------------------------------------------------

BADGED = """\
name: CI <&"'> checks
on: push
jobs:
  test:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - run: exit "$(cat code)"
      - if: always()
        uses: codecov/codecov-action@v4
        with: {files: coverage.json}
"""
COVERAGE = '{"totals": {"covered_lines": 996, "num_statements": 1000}}'


def badge(server: ServedProcess, path: str, **headers: str) -> httpx.Response:
    return httpx.get(f"{server.url}{path}", headers=headers)


def sign_badge(server: ServedProcess, name: str) -> str:
    """What the repository's page shows to put into addresses."""
    with database_of(server) as database:
        repository = TableDirectory(database).find(name)
    assert repository is not None
    return BadgeKey(read_key(f"{DataFolder(str(server.folder)).keys}/badge.key")).sign(repository)


def words_of(answer: httpx.Response) -> str:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("image/svg+xml")
    assert "no-cache" in answer.headers["cache-control"]
    return ElementTree.fromstring(answer.text).get("aria-label") or ""


def test_badges_show_how_a_branch_stands_to_those_who_may_see_it(server: ServedProcess, tmp_path: Path) -> None:
    credential = make_person(server.folder, "ada", is_administrator=True)
    checkout = Checkout(tmp_path / "work", f"{server.url}/acme/shop.git", "ada", credential)
    checkout.commit({".github/workflows/ci.yml": BADGED, "code": "0", "coverage.json": COVERAGE})
    checkout.push()
    ada = {"authorization": f"Bearer {credential}"}
    wait_until(lambda: "passing" in badge(server, "/badge/acme/shop/ci.svg", **ada).text)
    assert words_of(badge(server, "/badge/acme/shop/ci.yml.svg", **ada)) == "CI <&\"'> checks: passing"
    github_path = "/acme/shop/actions/workflows/ci.yml/badge.svg"
    assert words_of(badge(server, github_path, **ada)) == "CI <&\"'> checks: passing"
    assert words_of(badge(server, f"{github_path}?branch=other", **ada)) == "CI <&\"'> checks: no status"
    assert words_of(badge(server, f"{github_path}?event=schedule", **ada)) == "CI <&\"'> checks: no status"
    assert words_of(badge(server, f"{github_path}?label=%3Cscript%3E", **ada)) == "<script>: passing"
    assert words_of(badge(server, "/badge/acme/shop/coverage.svg", **ada)) == "coverage: 99%"
    tag = badge(server, github_path, **ada).headers["etag"]
    assert badge(server, github_path, **ada, **{"if-none-match": tag}).status_code == 304
    assert badge(server, github_path).status_code == 404
    assert badge(server, f"{github_path}?key=wrong").status_code == 404
    assert badge(server, "/badge/acme/shop/other.svg", **ada).status_code == 404
    signed = f"{github_path}?key={sign_badge(server, 'acme/shop')}"
    assert words_of(badge(server, signed)) == "CI <&\"'> checks: passing"
    checkout.commit({"code": "1"})
    checkout.push()
    wait_until(lambda: "failing" in badge(server, github_path, **ada).text)

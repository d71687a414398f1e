"""A stranger's pull request, from the forge's signed webhook to its end: held, looked at, approved for one commit, and run with nothing to steal."""

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import msgspec
import pytest

from homeport.ports.vault import repository_scope
from homeport.run.facts import JobExpanded
from homeport.store.caches_folder import FolderCaches
from homeport.store.data_folder import DataFolder
from homeport.store.key_ring import KeyRing
from homeport.store.tables.audit import TableAudit
from homeport.store.vault import TableVault
from tests.support.forges.bench import token
from tests.support.forges.connected import Forge, connect, database_of, kind_of
from tests.support.forges.gitea import GiteaStandIn
from tests.support.forges.github import GitHubStandIn
from tests.support.forges.hooks import deliver_pull_request
from tests.support.forms import FormSender, sign_in
from tests.support.git_http import GitServer, git_server
from tests.support.jobs import SystemClock
from tests.support.pushing import Checkout, make_person
from tests.support.records import Records, records
from tests.support.serve import ServedProcess, served, wait_until

NAME = "octo/app"
OTHER = "octo/other"
FORK = "mallory/app"
FILE = ".github/workflows/ci.yml"
VALUE = "a value that nobody outside may have"


def workflow(server: ServedProcess) -> str:
    """It asks for everything that a job can be given."""
    return f"""\
name: CI
on: pull_request
permissions: write-all
jobs:
  build:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - env:
          KEY: ${{{{ secrets.KEY }}}}
          TOKEN: ${{{{ github.token }}}}
        run: |
          echo "key=[$KEY]"
          cat brought
          python3 - <<'END'
          import os, urllib.error, urllib.request
          address = "{server.url}/api/v3/repos/{NAME}/statuses/" + os.environ["GITHUB_SHA"]
          asked = urllib.request.Request(address, b'{{"state": "success"}}', {{"Authorization": "Bearer " + os.environ["TOKEN"]}})
          try:
              print("status", urllib.request.urlopen(asked).status)
          except urllib.error.HTTPError as error:
              print("status", error.code)
          END
      - uses: actions/cache/save@v4
        with: {{path: brought, key: poison}}
"""


@pytest.fixture(params=["github", "gitea"])
def forge(request: pytest.FixtureRequest) -> Iterator[Forge]:
    with GitHubStandIn() if request.param == "github" else GiteaStandIn() as made:
        yield made
    assert made.faults == []


@pytest.fixture
def hosting(tmp_path: Path) -> Iterator[GitServer]:
    with git_server(tmp_path / "hosted") as server:
        yield server


class PullRequest:
    """Number 7, from a fork; its commits are at the forge, where anybody can put them."""

    def __init__(self, server: ServedProcess, forge: Forge, hosting: GitServer) -> None:
        self.server = server
        self._forge = forge
        self._checkout = Checkout(hosting.root / "octo" / "app", "http://nowhere")
        self._base = self._checkout.commit({FILE: workflow(server), "brought": "nothing yet\n"})
        self._checkout.git("checkout", "--quiet", "-b", "patch")

    def push(self, words: str, action: str) -> str:
        """Another commit, which the forge tells; gives it."""
        head = self._checkout.commit({"brought": f"{words}\n"})
        self._checkout.git("update-ref", "refs/pull/7/head", head)
        answer = deliver_pull_request(
            self.server.url, kind_of(self._forge), NAME, self._base, head, fork=FORK, action=action
        )
        assert answer.status_code == 202, answer.text
        return head

    def held(self, kept: Records, number: int) -> str:
        """The run of the latest event of so many, which waits."""
        pulled = [each for each in kept.planned(NAME, 2 * number) if each.event.name == "pull_request"]
        assert len(pulled) == number
        (start,) = kept.starts(pulled[-1])
        assert (start.outcome, pulled[-1].event.actor) == ("started", "mallory")
        return start.run


def test_a_pull_request_from_a_fork_is_held_approved_and_run_without_secrets(
    tmp_path: Path, forge: Forge, hosting: GitServer
) -> None:
    with served(tmp_path / "data", "--internal-forge", "127.0.0.1") as server, records(server) as kept:
        connect(server, forge, hosting, token())
        kept.directory.add(msgspec.structs.replace(kept.repository(NAME), id=0, name="other", origin="own"))
        keep_secret(server, kept)
        pull = PullRequest(server, forge, hosting)
        first = pull.push("the first patch", "opened")
        run = pull.held(kept, 1)
        forge.wait_for(lambda: forge.states(FILE) == ["pending"])
        with (
            sign_in(server, "ada", roles={NAME: "maintainer"}) as ada,
            sign_in(server, "wim", roles={NAME: "writer", OTHER: "maintainer"}) as wim,
        ):
            look_at_what_waits(ada, wim, run, first)
            wim.get(f"/{OTHER}/actions/runs/{run}", 404)
            for verb in ("approve", "reject"):  # a maintainer, but of another repository
                wim.send(f"/{OTHER}/actions/runs/{run}/{verb}", {}, 404)
            assert not kept.runs.is_open(run)
            wim.send(f"/{NAME}/actions/runs/{run}/approve", {}, 403)
            assert ada.send_forged(f"/{NAME}/actions/runs/{run}/approve") == [403, 403, 403]
            assert not kept.runs.is_open(run)
            ada.send(f"/{NAME}/actions/runs/{run}/approve")
            assert kept.ending(run) == "success"
            assert ada.send(f"/{NAME}/actions/runs/{run}/approve").headers["location"] == f"/{NAME}/actions/runs/{run}"
            forge.wait_for(lambda: forge.states("build")[-1:] == ["success"])
            forge.wait_for(lambda: forge.states(FILE)[-1:] != ["pending"])

            log = read_log(server, run)
            assert "key=[]" in log
            assert "the first patch" in log
            assert re.search(r"^status 40[13]$", log, re.MULTILINE), log
            assert VALUE not in log
            expanded = [fact for fact in kept.runs.facts(run) if isinstance(fact, JobExpanded)]
            levels = {level for fact in expanded for leg in fact.legs for level in leg.permissions.values()}
            assert levels in ({"read"}, {"read", "none"})
            caches = FolderCaches(str(server.folder), NAME, SystemClock(), search_path="")
            assert list(caches.list()) == []

            # another commit of theirs waits again; it is turned down, and does not begin
            second = pull.push("the second patch", "synchronize")
            later = pull.held(kept, 2)
            assert second[:10] in ada.get(f"/{NAME}/actions/runs/{later}")
            ada.send(f"/{NAME}/actions/runs/{later}/reject")
            ada.send(f"/{NAME}/actions/runs/{later}/reject", {}, 409)
            assert "Rejected" in ada.get(f"/{NAME}/actions/runs/{later}")
            assert "waits for approval" not in ada.get("/")
            assert not kept.runs.is_open(later)
        log_of_rights = TableAudit(kept.database, b"k" * 32)
        decided = wait_until(
            lambda: [entry for entry in log_of_rights.list(limit=50) if entry.action.startswith("run.")]
        )
        assert [(entry.who, entry.action, entry.target) for entry in decided] == [
            ("ada", "run.rejected", f"run {later}"),
            ("ada", "run.approved", f"run {run}"),
        ]


def look_at_what_waits(ada: FormSender, wim: FormSender, run: str, head: str) -> None:
    """Who may approve is asked to, on the first page; who may not is told whom to ask."""
    assert "Pull request #7 by mallory" in ada.get("/")
    page = ada.get(f"/{NAME}/actions/runs/{run}")
    assert all(word in page for word in ("Approve and run", "Reject", head[:10], "build")), page.partition("<main")[2]
    page = wim.get(f"/{NAME}/actions/runs/{run}")
    assert "Approve and run" not in page
    assert "somebody with the role maintainer" in page


def keep_secret(server: ServedProcess, kept: Records) -> None:
    with database_of(server) as database:
        vault = TableVault(database, KeyRing(DataFolder(str(server.folder)).keys))
        vault.put_secret(repository_scope(kept.repository(NAME)), "KEY", VALUE, at=kept.clock.now())


def read_log(server: ServedProcess, run: str) -> str:
    """What its one job said, without times."""
    credential = make_person(server.folder, "root", is_administrator=True)
    headers = {"authorization": f"Bearer {credential}"}
    above = f"{server.url}/api/v3/repos/{NAME}/actions"
    with closing(httpx.Client(headers=headers, follow_redirects=True, timeout=60)) as client:
        (job,) = client.get(f"{above}/runs/{run}/jobs").json()["jobs"]
        text = client.get(f"{above}/jobs/{job['id']}/logs").text
    return "\n".join(line.partition(" ")[2] for line in text.splitlines())

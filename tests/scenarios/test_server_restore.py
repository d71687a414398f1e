"""The drill for a machine that is lost: a server is copied while it works, and goes on from the copy in another place."""

import hashlib
import io
import shutil
import subprocess
import sys
import zipfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from homeport.ports.vault import repository_scope
from homeport.store.data_folder import DataFolder
from homeport.store.key_ring import KeyRing
from homeport.store.tables.outbox import OUTBOX
from homeport.store.tables.reports import NEWS
from homeport.store.vault import TableVault
from tests.support.forges.bench import token
from tests.support.forges.connected import connect, database_of, publish, push
from tests.support.forges.github import GitHubStandIn
from tests.support.git_http import git_server
from tests.support.pushing import make_person
from tests.support.serve import ServedProcess, served, wait_until

INSIDE = ("--internal-forge", "127.0.0.1", "--parallel", "1")
WORD = "a word that nobody knows"
DIGEST = hashlib.sha256(WORD.encode()).hexdigest()


def workflow(gate: Path) -> str:
    """A job that keeps a file, tells a secret's digest, and ends when the gate is there."""
    return f"""\
name: CI
on: push
jobs:
  build:
    runs-on: ubuntu-latest
    steps:
      - env: {{WORD: "${{{{ secrets.WORD }}}}"}}
        run: |
          echo "digest $(printf %s "$WORD" | sha256sum | cut -d' ' -f1)"
          echo "made by $GITHUB_RUN_ID" > made
      - uses: actions/upload-artifact@v4
        with: {{name: made, path: made}}
      - run: |
          echo "$GITHUB_RUN_ID waits"
          until [ -e {gate} ]; do sleep 0.05; done
"""


class Lived:
    """A server of a repository at a forge, with three runs: one that has ended, one that is at work, one that waits for a runner."""

    def __init__(self, server: ServedProcess, forge: GitHubStandIn, folder: Path, hosting: Any) -> None:
        self.forge = forge
        self.gate = folder / "gate"
        self.token = make_person(server.folder, "ada", is_administrator=True)
        repository = connect(server, forge, hosting, token())
        with database_of(server) as database:
            vault = TableVault(database, KeyRing(DataFolder(str(server.folder)).keys))
            vault.put_secret(repository_scope(repository), "WORD", WORD, at=datetime.now(UTC))
        self.gate.touch()
        self.shas = []
        self.runs: list[int] = []
        for number in range(3):
            self.shas.append(publish(hosting, f"# {number}\n{workflow(self.gate)}"))
            push(server, forge, self.shas[-1])
            self.runs.append(self.await_run(server, self.shas[-1]))
            if number == 0:
                self.await_run_with(server, 0, conclusion="success")
                self.gate.unlink()
            elif number == 1:
                self.await_run_with(server, 1, status="in_progress")
                wait_until(lambda: f"{self.runs[1]} waits" in self.log(server, 1))
        wait_until(lambda: is_told(server))

    def ask(self, server: ServedProcess, method: str, path: str) -> httpx.Response:
        """The REST interface of the repository."""
        address = f"{server.url}/api/v3/repos/octo/app/{path}"
        headers = {"authorization": f"Bearer {self.token}"}
        return httpx.request(method, address, headers=headers, follow_redirects=True, timeout=60)

    def get(self, server: ServedProcess, path: str) -> Any:
        answer = self.ask(server, "GET", path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def await_run(self, server: ServedProcess, sha: str) -> int:
        found = wait_until(lambda: self.get(server, f"actions/runs?head_sha={sha}")["workflow_runs"])
        return int(found[0]["id"])

    def await_run_with(self, server: ServedProcess, number: int, **wanted: Any) -> None:
        def look() -> bool:
            run = self.get(server, f"actions/runs/{self.runs[number]}")
            return {name: run[name] for name in wanted} == wanted

        wait_until(look)

    def job(self, server: ServedProcess, number: int) -> Any:
        (job,) = self.get(server, f"actions/runs/{self.runs[number]}/jobs")["jobs"]
        return job

    def log(self, server: ServedProcess, number: int) -> str:
        answer = self.ask(server, "GET", f"actions/jobs/{self.job(server, number)['id']}/logs")
        return answer.text if answer.status_code == 200 else ""

    def artifacts(self, server: ServedProcess, number: int) -> list[bytes]:
        """What is in them, one an attempt."""
        found = self.get(server, f"actions/runs/{self.runs[number]}/artifacts")["artifacts"]
        zips = [self.ask(server, "GET", f"actions/artifacts/{each['id']}/zip").content for each in found]
        return [zipfile.ZipFile(io.BytesIO(content)).read("made") for content in zips]

    def told(self, number: int) -> list[str]:
        """The states that the forge has heard of a commit, in order; one that waits and one that is at work are both pending."""
        states = [each["state"] for each in self.forge.statuses if each["sha"] == self.shas[number]]
        return [state for state, before in zip(states, ["", *states], strict=False) if state != before]

    def told_twice(self) -> list[tuple[str, ...]]:
        """What the forge has heard more than once, word for word."""
        told = Counter(
            (each["sha"], each["state"], each["description"], each["target_url"]) for each in self.forge.statuses
        )
        return [words for words, times in told.items() if times > 1]


def is_told(server: ServedProcess) -> bool:
    """Whether nothing is left to say to the forge."""
    with database_of(server) as database, database.read() as connection:
        waiting = [
            connection.execute(select(func.count()).select_from(table).where(wanted)).scalar_one()
            for table, wanted in ((OUTBOX, OUTBOX.c.is_due == 1), (NEWS, NEWS.c.id > 0))
        ]
    return not any(waiting)


def homeport(*words: str) -> str:
    done = subprocess.run([sys.executable, "-m", "homeport", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stderr


@contextmanager
def elsewhere(tmp_path: Path, *words: str) -> Iterator[tuple[Lived, ServedProcess]]:
    """What was copied with these options from a server that worked, and is gone with all it had; served again at another place."""
    with GitHubStandIn() as forge, git_server(tmp_path / "hosted") as hosting:
        copy = tmp_path / "copy.tar"
        with served(tmp_path / "first", *INSIDE) as server:
            lived = Lived(server, forge, tmp_path, hosting)
            homeport("backup", "--data", str(server.folder), str(copy), *words)
            server.kill()
        if "--without-keys" in words:
            shutil.copytree(tmp_path / "first" / "keys", tmp_path / "keys")
        shutil.rmtree(tmp_path / "first")
        again = tmp_path / "second" / "place"
        said = homeport("restore", "--data", str(again), str(copy))
        if "--without-keys" in words:
            assert "put the folder `keys` back" in said
            shutil.copytree(tmp_path / "keys", again / "keys")
        with served(again, *INSIDE) as server:
            yield lived, server
        assert forge.faults == []


@pytest.mark.parametrize("words", [(), ("--without-keys", "--with-caches")])
def test_a_server_goes_on_elsewhere_from_a_copy_that_was_made_while_it_worked(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    with elsewhere(tmp_path, *words) as (lived, server):
        # what had ended is as it was
        assert [run["id"] for run in lived.get(server, "actions/runs")["workflow_runs"]] == lived.runs[::-1]
        assert f"digest {DIGEST}" in lived.log(server, 0)
        assert lived.artifacts(server, 0) == [f"made by {lived.runs[0]}\n".encode()]
        # what was at work has failed, and says why
        lived.await_run_with(server, 1, status="completed", conclusion="failure")
        (annotation,) = lived.get(server, f"check-runs/{lived.job(server, 1)['id']}/annotations")
        assert "the runner was not heard of any more" in annotation["message"]
        assert f"{lived.runs[1]} waits" in lived.log(server, 1)
        # what waited is carried out here, with the secret
        lived.gate.touch()
        lived.await_run_with(server, 2, conclusion="success")
        assert f"digest {DIGEST}" in lived.log(server, 2)
        # what failed can be done again
        assert lived.ask(server, "POST", f"actions/runs/{lived.runs[1]}/rerun").status_code == 201
        lived.await_run_with(server, 1, run_attempt=2, conclusion="success")
        assert lived.artifacts(server, 1) == [f"made by {lived.runs[1]}\n".encode()] * 2
        # each commit's statuses are those of one server that never died
        wait_until(lambda: is_told(server))
        assert [lived.told(number) for number in (0, 2)] == [["pending", "success"]] * 2
        again = lived.told(1)
        assert again[:2] == ["pending", "failure"]
        assert again[2:] in (["pending", "success"], ["success"]), "a re-run may be over before its begin was told"
        assert not lived.told_twice()
        # a delivery that was taken in before is known
        push(server, lived.forge, lived.shas[0])
        push(server, lived.forge, lived.shas[2])
        assert len(lived.get(server, "actions/runs")["workflow_runs"]) == 3

"""What is put together in memory for an answer is bounded, however much there is."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from homeport.git.hosted import make_hosted
from homeport.git.repository import GitRepository
from homeport.server.app import build_app
from homeport.store.data_folder import DataFolder
from homeport.store.tables.database import Database
from tests.support.addresses import open_server
from tests.support.asgi import client_of
from tests.support.past_runs import PastRuns
from tests.support.pushing import Checkout, make_person

WORKFLOW = "on: push\njobs: {a: {runs-on: ubuntu-latest, steps: [{run: make}]}, b: {runs-on: ubuntu-latest, steps: [{run: make}]}}\n"


@pytest.fixture
def client(tmp_path: Path) -> Iterator[httpx.Client]:
    """Of an administrator of a server that does not run. It has one run, each of whose two jobs has said a hundred lines."""
    data = DataFolder(str(tmp_path / "data"))
    with PastRuns(tmp_path / "data") as past:
        repository = past.add_repository("acme/shop")
        run = past.add_run(repository, WORKFLOW)
        for job in ("a", "b"):
            past.say(run, job, [("1", f"line {number:05}") for number in range(100)])
    make_hosted(data.repository(repository.id), "main")
    checkout = Checkout(tmp_path / "work", "http://nowhere")
    checkout.commit({"folder/large.bin": "x" * 1000, "folder/small.bin": "x" * 10})
    checkout.git("push", "--quiet", data.repository(repository.id), "main")
    database = Database(data.database_url)
    token = make_person(Path(data.path), "ada", is_administrator=True)
    with client_of(build_app(open_server(Path(data.path), database).parts), "http://ci.example") as made:
        made.headers["authorization"] = f"Bearer {token}"
        yield made
    database.close()


def test_of_what_many_jobs_have_said_a_build_shows_the_end(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [len(job["lines"]) for job in client.get("/logs/1").json()["jobs"]] == [100, 100]
    monkeypatch.setattr("homeport.server.legacy_logs._MOST_BYTES", 500)
    monkeypatch.setattr("homeport.server.legacy_logs._MOST_BYTES_OF_ALL", 700)
    first, second = client.get("/logs/1").json()["jobs"]
    assert first["lines"] == [f"line {number:05}" for number in range(50, 100)]
    assert second["lines"] == [f"line {number:05}" for number in range(80, 100)]
    assert first["total_lines"] == second["total_lines"] == 100


def test_a_file_that_is_too_large_is_not_read(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("homeport.server.api.contents._LARGEST_FILE", 500)
    read: list[str] = []
    show = GitRepository.show

    def note(self: GitRepository, revision: str, name: str) -> bytes | None:
        read.append(name)
        return show(self, revision, name)

    monkeypatch.setattr(GitRepository, "show", note)
    at = "/api/v3/repos/acme/shop/contents/folder"
    assert client.get(f"{at}/large.bin").status_code == 403
    assert client.get(f"{at}/small.bin").json()["size"] == 10
    assert [each["name"] for each in client.get(at).json()] == ["large.bin", "small.bin"]
    assert client.get(f"{at}/none.bin").status_code == 404
    assert read == ["folder/small.bin"]

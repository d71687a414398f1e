"""A repository on a served server whose workflow runs when it is pushed, seen through the REST interface."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from tests.support.pushing import Checkout, make_person
from tests.support.serve import ServedProcess, wait_until


class PushedRepository:
    """`acme/shop`, of Ada, who administers the server."""

    def __init__(self, server: ServedProcess, folder: Path, name: str = "acme/shop") -> None:
        self.server = server
        self.name = name
        self.token = make_person(server.folder, "ada", is_administrator=True, database_url=server.database_url)
        self.checkout = Checkout(folder / name.replace("/", "-"), f"{server.url}/{name}.git", "ada", self.token)

    def push(self, files: Mapping[str, str], workflow: str = "") -> int:
        """Commit and push; gives the id of the run that it starts."""
        written = {".github/workflows/ci.yml": workflow} if workflow else {}
        sha = self.checkout.commit({**files, **written})
        self.checkout.push()
        return self.await_run(sha)

    def await_run(self, sha: str) -> int:
        """The one run of a commit."""
        found = wait_until(lambda: self.get("actions/runs", head_sha=sha)["workflow_runs"])
        return int(found[0]["id"])

    def get(self, path: str, **query: Any) -> Any:
        """JSON of the REST interface, below the repository."""
        answer = self.ask("GET", path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Any request to the REST interface, below the repository."""
        address = f"{self.server.url}/api/v3/repos/{self.name}/{path}".rstrip("/")
        headers = {"authorization": f"Bearer {self.token}", **options.pop("headers", {})}
        return httpx.request(method, address, headers=headers, follow_redirects=True, timeout=60, **options)

    def await_conclusion(self, run: int) -> str:
        """How a run ended."""
        return str(wait_until(lambda: self.get(f"actions/runs/{run}")["conclusion"]))

    def jobs(self, run: int) -> dict[str, dict[str, Any]]:
        """The jobs of a run by name."""
        return {job["name"]: job for job in self.get(f"actions/runs/{run}/jobs")["jobs"]}

    def log(self, run: int, job: str) -> list[str]:
        """What a job printed so far, without times."""
        answer = self.ask("GET", f"actions/jobs/{self.jobs(run)[job]['id']}/logs")
        assert answer.status_code == 200, answer.text
        return [line.partition(" ")[2] for line in answer.text.splitlines()]

    def await_line(self, run: int, job: str, line: str) -> None:
        """Wait until a job has printed a line."""
        wait_until(lambda: job in self.jobs(run) and self.jobs(run)[job]["status"] != "queued")
        wait_until(lambda: line in self.log(run, job))

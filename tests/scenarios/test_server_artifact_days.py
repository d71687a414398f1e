"""How long artifacts of a server are kept is the repository's setting, also where that is more than GitHub's 90 days."""

from datetime import datetime
from pathlib import Path

import msgspec
import pytest

from tests.support.pushed import PushedRepository
from tests.support.records import records
from tests.support.serve import served

WORKFLOW = """\
on: push
jobs:
  keep:
    runs-on: ubuntu-latest
    steps:
      - run: echo "${{ github.retention_days }} days" | tee kept
      - uses: actions/upload-artifact@v4
        with: {name: as-usual, path: kept}
      - uses: actions/upload-artifact@v4
        with: {name: shorter, path: kept, retention-days: 9}
      - uses: actions/upload-artifact@v4
        with: {name: longer, path: kept, retention-days: 1000}
"""


@pytest.mark.parametrize("days", [20, 200])
def test_artifacts_are_kept_as_long_as_the_repository_says(tmp_path: Path, days: int) -> None:
    with served(tmp_path / "data") as server:
        repository = PushedRepository(server, tmp_path)
        repository.checkout.commit({"empty": ""})
        repository.checkout.push()
        with records(server) as kept:
            found = kept.repository(repository.name)
            settings = msgspec.structs.replace(found.settings, artifact_days=days)
            kept.directory.change(found.id, lambda known: msgspec.structs.replace(known, settings=settings))
        run = repository.push({}, WORKFLOW)
        assert repository.await_conclusion(run) == "success"
        assert f"{days} days" in repository.log(run, "keep")
        artifacts = repository.get(f"actions/runs/{run}/artifacts")["artifacts"]
        assert {each["name"]: days_of(each) for each in artifacts} == {"as-usual": days, "shorter": 9, "longer": days}


def days_of(artifact: dict[str, str]) -> int:
    return (datetime.fromisoformat(artifact["expires_at"]) - datetime.fromisoformat(artifact["created_at"])).days

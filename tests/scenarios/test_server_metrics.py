"""What monitoring asks a real server."""

import subprocess
from pathlib import Path

import httpx
from prometheus_client.parser import text_string_to_metric_families

from tests.support.parts import require_working
from tests.support.serve import served, wait_until


def read_metrics(url: str) -> dict[str, float]:
    """Values by name, labels summed up."""
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(httpx.get(f"{url}/metrics").text):
        for sample in family.samples:
            found[sample.name] = found.get(sample.name, 0) + sample.value
    return found


def test_requests_are_counted_by_how_they_were_answered(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        httpx.get(f"{server.url}/nobody/nothing")
        text = httpx.get(f"{server.url}/metrics").text
        assert 'homeport_request_seconds_count{method="GET",status="4xx"}' in text
        values = read_metrics(server.url)
        assert values["homeport_jobs_queued"] == 0
        assert values["process_resident_memory_bytes"] > 0


def test_a_server_that_can_work_says_so(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        assert httpx.get(f"{server.url}/healthz").text == "ok\n"
        ready = httpx.get(f"{server.url}/readyz")
        assert (ready.status_code, ready.json()) == (
            200,
            {"database": "ok", "disk": "ok", "engine": "ok", "runner": "ok"},
        )


def test_a_disk_that_is_nearly_full_is_said_before_it_is_full(tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    require_working(["mount", "-t", "tmpfs", "-o", "size=40m", "tmpfs", str(small)], "tests must be allowed to mount")
    try:
        with served(small / "data") as server:
            ready = httpx.get(f"{server.url}/readyz")
            assert ready.status_code == 503
            assert ready.json()["disk"].startswith("only ")
            assert httpx.get(f"{server.url}/healthz").status_code == 200
    finally:
        subprocess.run(["umount", "--lazy", str(small)], check=True)


def test_a_runner_that_does_not_come_up_is_said_with_its_reason_until_it_does(tmp_path: Path) -> None:
    lock = tmp_path / "data" / "runner" / "1" / "lock"
    lock.mkdir(parents=True)  # where the runner has a file
    with served(tmp_path / "data") as server:
        said = wait_until(lambda: find_problem(server.url))
        assert said.startswith("ends with 1 whenever it is started (3 times so far): IsADirectoryError:")
        assert str(tmp_path) not in said
        values = read_metrics(server.url)
        assert values["homeport_runners"] == 0
        assert values["homeport_runner_deaths_total"] >= 3
        assert "the built-in runner has ended with 1" in server.errors
        lock.rmdir()
        wait_until(lambda: not find_problem(server.url))
        assert read_metrics(server.url)["homeport_runners"] == 1


def find_problem(url: str) -> str:
    """What is said of the runner; empty where nothing is wrong with it."""
    ready = httpx.get(f"{url}/readyz")
    said = str(ready.json()["runner"])
    assert ready.status_code == (200 if said == "ok" else 503)
    return "" if said == "ok" else said

"""What monitoring asks a real server."""

import subprocess
from pathlib import Path

import httpx
from prometheus_client.parser import text_string_to_metric_families

from tests.support.parts import require_working
from tests.support.serve import served


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
        assert (ready.status_code, ready.json()) == (200, {"database": "ok", "disk": "ok", "engine": "ok"})


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

"""What becomes of a server whose disk is full for a while: it says so, refuses what it cannot remember, and goes on when there is room."""

import errno
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.parts import require_working
from tests.support.pushed import PushedRepository
from tests.support.serve import ServedProcess, served, wait_until

WORKFLOW = """\
on: push
jobs:
  count:
    runs-on: ubuntu-latest
    steps:
      - run: |
          echo "begin $GITHUB_RUN_ID" >> GATE.ledger
          seq -f 'early %g' 1 100
          until [ -e GATE ]; do sleep 0.05; done
          seq -f 'late %g' 1 20000
  after:
    needs: count
    runs-on: ubuntu-latest
    steps: [{run: 'echo "end $GITHUB_RUN_ID" >> GATE.ledger'}]
"""
QUICK = "on: push\njobs: {quick: {runs-on: ubuntu-latest, steps: [{run: 'true'}]}}\n"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small one."""
    small = tmp_path / "small"
    small.mkdir()
    require_working(["mount", "-t", "tmpfs", "-o", "size=200m", "tmpfs", str(small)], "tests must be allowed to mount")
    try:
        yield small
    finally:
        subprocess.run(["umount", "--lazy", str(small)], check=True)


def fill(disk: Path) -> Path:
    """A file that takes all the room there is, though others write meanwhile."""
    path = disk / "ballast"
    with path.open("wb", buffering=0) as file:
        size = 0
        while free := os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize:
            try:
                os.posix_fallocate(file.fileno(), size, free)
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
            else:
                size += free
    return path


def readiness(server: ServedProcess) -> dict[str, str]:
    answer = httpx.get(f"{server.url}/readyz", timeout=60)
    said: dict[str, str] = answer.json()
    assert (answer.status_code == 200) == (set(said.values()) == {"ok"})
    return said


def count_lines(log: list[str]) -> int:
    """What is there, each line once and in order, and what the log says is missing."""
    said = [line for line in log if line.startswith(("early", "late"))]
    assert said == sorted(set(said), key=lambda line: (line.split()[0], int(line.split()[1])))
    missing = sum(
        int(number.replace(",", "")) for number in re.findall(r"([\d,]+) lines are missing here", "\n".join(log))
    )
    return len(said) + missing


def test_runs_go_on_when_a_full_disk_has_room_again(tmp_path: Path, disk: Path) -> None:
    gate = tmp_path / "gate"
    with served(disk / "data") as server:
        repository = PushedRepository(server, tmp_path)
        quick = repository.push({}, QUICK)
        assert repository.await_conclusion(quick) == "success"
        run = repository.push({}, WORKFLOW.replace("GATE", str(gate)))
        repository.await_line(run, "count", "early 100")
        ballast = fill(disk)
        gate.touch()  # the job says more than there is room for, and ends
        wait_until(lambda: repository.ask("POST", f"actions/runs/{quick}/rerun").status_code == 503)
        wait_until(lambda: readiness(server)["engine"].startswith("stands still"))
        assert readiness(server)["disk"].startswith("only ")
        assert httpx.get(f"{server.url}/healthz").status_code == 200
        ballast.unlink()
        assert repository.await_conclusion(run) == "success"
        wait_until(lambda: set(readiness(server).values()) == {"ok"})
        assert count_lines(repository.log(run, "count")) == 20100
        assert (tmp_path / "gate.ledger").read_text().splitlines() == [f"begin {run}", f"end {run}"]
        other = repository.push({"more": "1"}, QUICK)
        assert repository.await_conclusion(other) == "success"
        for number in (run, other):
            commit = repository.get(f"actions/runs/{number}")["head_sha"]
            wait_until(lambda: repository.get(f"commits/{commit}/status")["state"] == "success")  # noqa: B023 - called at once

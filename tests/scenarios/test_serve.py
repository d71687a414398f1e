"""The real `homeport serve`: its life, its folder, its runner."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import httpx

from tests.support.pushed import PushedRepository
from tests.support.serve import served, wait_until


def test_a_server_answers_and_ends_when_told_to(tmp_path: Path) -> None:
    with served(tmp_path / "data") as server:
        assert httpx.get(f"{server.url}/healthz").text == "ok\n"
        assert server.sign_in.startswith(f"{server.url}/setup?token=")
        wait_until(server.runners)
        assert server.stop() == 0
        wait_until(lambda: not server.runners())


def test_what_is_not_there_is_said_as_a_problem(tmp_path: Path) -> None:
    with served(tmp_path / "data") as server:
        answer = httpx.get(f"{server.url}/there/is/nothing/at/all")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == 404


def test_a_folder_belongs_to_one_server(tmp_path: Path) -> None:
    with served(tmp_path / "data") as server:
        second = subprocess.run(
            [sys.executable, "-m", "homeport", "serve", "--data", str(tmp_path / "data"), "--listen", "127.0.0.1:0"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert second.returncode == 1
        assert f"is in use by the server at {server.url}" in second.stderr
        assert httpx.get(f"{server.url}/healthz").status_code == 200


def test_everything_that_is_kept_is_the_owners_alone(tmp_path: Path) -> None:
    with served(tmp_path / "data") as server:
        wait_until(server.runners)
        modes = {path: path.lstat().st_mode & 0o777 for path in (tmp_path / "data").rglob("*") if not path.is_symlink()}
    open_to_others = {
        str(path): oct(mode) for path, mode in modes.items() if mode & 0o077 and path.parent.name != "bin"
    }
    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700
    assert not {path for path in open_to_others if "/runner/manners/" not in path}


# --- jobs outlive the server ------------------------------------------------------------------------------------------


def counting(gate: Path) -> str:
    """A job that prints numbers, waits for a gate in the middle, and goes on in another step."""
    return f"""\
on: push
jobs:
  count:
    runs-on: ubuntu-latest
    steps:
      - run: |
          echo "attempt by $$" >> {gate}.starts
          for number in $(seq 1 200); do echo "number $number"; sleep 0.01; done
          until [ -e {gate} ]; do sleep 0.02; done
          for number in $(seq 201 400); do echo "number $number"; sleep 0.01; done
      - run: seq -f 'number %g' 401 500
"""


NUMBERS = [f"number {number}" for number in range(1, 501)]


def numbers(repository: PushedRepository, run: int) -> list[str]:
    return [line for line in repository.log(run, "count") if line.startswith("number ")]


def test_a_job_goes_on_while_its_server_is_killed_and_started_again_and_no_line_is_lost_or_doubled(
    tmp_path: Path,
) -> None:
    gate = tmp_path / "gate"
    with served(tmp_path / "data") as server:
        repository = PushedRepository(server, tmp_path)
        run = repository.push({}, counting(gate))
        for line in ("number 20", "number 90", "number 150"):
            repository.await_line(run, "count", line)
            server.kill()
            server.start()
        server.kill()
        gate.touch()
        server.start()
        assert repository.await_conclusion(run) == "success"
        assert numbers(repository, run) == NUMBERS
        assert len(server.runners()) == 1
    assert len(Path(f"{gate}.starts").read_text().splitlines()) == 1


def test_a_job_goes_on_over_a_restart_and_a_new_runner_takes_the_next(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    with served(tmp_path / "data") as server:
        repository = PushedRepository(server, tmp_path)
        run = repository.push({}, counting(gate))
        repository.await_line(run, "count", "number 20")
        (first,) = server.runners()
        server.restart()
        wait_until(lambda: len(server.runners()) == 2)
        other = repository.push({}, "on: push\njobs: {quick: {runs-on: ubuntu-latest, steps: [{run: 'true'}]}}\n")
        assert repository.await_conclusion(other) == "success"
        gate.touch()
        assert repository.await_conclusion(run) == "success"
        assert numbers(repository, run) == NUMBERS
        wait_until(lambda: first not in server.runners())
        assert len(server.runners()) == 1


def test_the_jobs_of_a_runner_that_is_killed_are_lost_and_others_go_on(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    with served(tmp_path / "data", "--parallel", "1") as server:
        repository = PushedRepository(server, tmp_path)
        run = repository.push({}, f"concurrency: one\n{counting(gate)}")
        repository.await_line(run, "count", "number 20")
        (runner,) = server.runners()
        os.kill(runner, signal.SIGKILL)
        assert repository.await_conclusion(run) == "failure"
        (annotation,) = repository.get(f"check-runs/{repository.jobs(run)['count']['id']}/annotations")
        assert "the runner was not heard of any more" in annotation["message"]
        other = repository.push(
            {}, "on: push\nconcurrency: one\njobs: {quick: {runs-on: ubuntu-latest, steps: [{run: 'true'}]}}\n"
        )
        assert repository.await_conclusion(other) == "success"
        # what the lost job had started was ended with it
        wait_until(lambda: not _processes_with(f"{gate}.starts"))


def _processes_with(words: str) -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            text = path.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            continue
        if words in text:
            found.append(text)
    return found


def test_a_runner_whose_data_folder_is_removed_ends_with_its_jobs(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    with served(tmp_path / "data") as server:
        repository = PushedRepository(server, tmp_path)
        run = repository.push({}, counting(gate))
        repository.await_line(run, "count", "number 20")
        runners = server.runners()
        server.kill()
        shutil.rmtree(tmp_path / "data", ignore_errors=True)
        wait_until(lambda: not any(_is_alive(number) for number in runners))
        wait_until(lambda: not _processes_with(f"{gate}.starts"))


def _is_alive(number: int) -> bool:
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False

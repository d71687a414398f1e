"""A server whose database is PostgreSQL's: it works as with SQLite, outlives the database's death, and is the only one there."""

import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.support.postgresql import postgresql
from tests.support.pushed import PushedRepository
from tests.support.serve import ServedProcess, served, wait_until

WORKFLOW = """\
name: A NUL \\0 and an emoji 🎈
on: push
jobs:
  build:
    runs-on: ubuntu-latest
    steps:
      - run: |
          echo "began"
          until [ -e GATE ]; do sleep 0.1; done
          echo "ended"
"""


def homeport(*words: str) -> str:
    """What a command prints."""
    done = subprocess.run([sys.executable, "-m", "homeport", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_run_outlives_its_server_and_its_database(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    with served(tmp_path / "data", "--database", postgresql().make_database()) as server:
        assert not (server.folder / "homeport.db").exists()
        pushed = PushedRepository(server, tmp_path)
        run = pushed.push({}, WORKFLOW.replace("GATE", str(gate)))
        pushed.await_line(run, "build", "began")
        server.kill()
        server.start()
        postgresql().kill()
        wait_until(lambda: httpx.get(f"{server.url}/readyz").status_code == 503)
        assert pushed.ask("GET", "actions/runs").status_code == 503
        postgresql().start()
        wait_until(lambda: httpx.get(f"{server.url}/readyz").status_code == 200)
        gate.touch()
        assert pushed.await_conclusion(run) == "success"
        assert [line for line in pushed.log(run, "build") if line in {"began", "ended"}] == ["began", "ended"]
        server.restart()
        assert pushed.get("actions/runs")["total_count"] == 1
        assert server.stop() == 0
        assert postgresql().query("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'", "postgres") == "0"


def test_a_database_has_one_server_and_commands_beside_it(tmp_path: Path) -> None:
    url = postgresql().make_database()
    with served(tmp_path / "data", "--database", url) as server:
        second = ServedProcess(tmp_path / "other", ("--database", url))
        with pytest.raises(AssertionError, match="another server works on this database"):
            second.start()
        assert "/setup" in homeport("user", "reset-link", "--data", str(server.folder), "--database", url)
        server.stop()
        second.start()
        second.clear()


def test_a_server_is_put_back_from_a_copy_of_its_database_and_one_of_its_folder(tmp_path: Path) -> None:
    url, again = postgresql().make_database(), postgresql().make_database()
    archive, dump = tmp_path / "copy.tar", tmp_path / "dump.sql"
    with served(tmp_path / "data", "--database", url) as server:
        pushed = PushedRepository(server, tmp_path)
        run = pushed.push({}, WORKFLOW.replace("GATE", str(tmp_path)))
        assert pushed.await_conclusion(run) == "success"
        dump.write_text(postgresql().dump(url))
        homeport("backup", "--data", str(server.folder), "--without-database", str(archive))
    homeport("restore", "--data", str(tmp_path / "again"), str(archive))
    postgresql().load(again, dump)
    with served(tmp_path / "again", "--database", again) as server:
        pushed.server = server
        assert pushed.await_conclusion(run) == "success"
        assert "ended" in pushed.log(run, "build")

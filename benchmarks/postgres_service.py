"""A PostgreSQL service on a machine without an engine. Bar: ready within 1.5 s; the floor is what a script would do: `initdb`, start, wait.

The first use of a server on a machine costs its `initdb` once more; every later job copies what that made.
"""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.harness import Row, repository, show_seconds
from benchmarks.steps import in_turn, step_seconds
from homeport.runner.services.account import find_account
from homeport.runner.services.ports import PortHolder
from homeport.runner.services.programs import Search

WORKFLOW = """\
on: push
jobs:
  one:
    runs-on: ubuntu-latest
    services:
      postgres:
        image: postgres
        env: {POSTGRES_USER: shop, POSTGRES_PASSWORD: secret, POSTGRES_DB: shop_test}
        ports: [5432]
        options: --health-cmd "pg_isready --username shop --dbname shop_test" --health-interval 2s
    steps:
      - run: echo hello
"""
BAR_SECONDS = 1.5


def rows() -> Iterator[Row]:
    """The comparison with the floor, and with the bar in seconds."""
    # Homeport is asked for the newest server that there is, and so is the floor
    servers = Search(os.environ["PATH"]).list_postgres()
    if not servers:
        raise SystemExit("this benchmark needs a PostgreSQL server: pip install 'homeport[services]'")
    newest = max(servers, key=_find_major)
    with repository(WORKFLOW) as (folder, environment):
        medians = in_turn(
            {
                "homeport": lambda: step_seconds(folder, environment, "--services", "native")[
                    "one", "__initialize_containers"
                ],
                "script": lambda: _initdb_and_start(newest),
            }
        )
    ours, floor = medians["homeport"], medians["script"]
    shown = f"initdb and start {show_seconds(floor)}"
    yield Row("a PostgreSQL service ready without an engine", show_seconds(ours), shown, ours / floor, 1)
    yield Row("the same, in seconds", show_seconds(ours), f"bar {BAR_SECONDS} s", ours, BAR_SECONDS)


def _find_major(folder: str) -> int:
    said = subprocess.run([f"{folder}/postgres", "--version"], capture_output=True, text=True, check=True).stdout
    return int(said.split()[2].partition(".")[0])


def _initdb_and_start(programs: str) -> float:
    """What a step of a script would do, with nothing synced to disk either."""
    account = find_account()
    held = PortHolder().hold(0, "the floor")
    base = Path(tempfile.mkdtemp(prefix="homeport-bench-", dir="/var/tmp"))
    data = base / "data"
    who = {} if account is None else {"user": account.uid, "group": account.gid, "extra_groups": ()}
    if account is not None:
        os.chown(base, account.uid, account.gid)
    settings = f"-F -p {held.number} -c listen_addresses=127.0.0.1 -k {base}"
    environment = {"PATH": f"{programs}:{os.defpath}", "LC_ALL": "C.UTF-8"}

    def run(*arguments: str) -> None:
        subprocess.run(
            arguments,
            cwd=base,
            env=environment,
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **who,  # type: ignore[call-overload]
        )

    try:
        started = time.perf_counter()
        run(f"{programs}/initdb", "-D", str(data), "-U", "shop", "--no-sync", "-A", "trust")
        run(f"{programs}/pg_ctl", "-D", str(data), "-o", settings, "-l", str(base / "log"), "-w", "start")
        seconds = time.perf_counter() - started
        run(f"{programs}/pg_ctl", "-D", str(data), "-m", "immediate", "-w", "stop")
    finally:
        held.release()
        shutil.rmtree(base)
    return seconds


if __name__ == "__main__":
    for row in rows():
        print(row.markdown())

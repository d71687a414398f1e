"""Starts the peer of the server's benchmarks: Buildbot 4.3 with GitHub's hook, SQLite, and workers in the master's own process."""

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from benchmarks.load import Target

SECRET = "a secret of the benchmark"
_CONFIGURATION = """\
from buildbot.plugins import changes, schedulers, steps, util, worker

factory = util.BuildFactory([steps.ShellCommand(command=["true"])])
BuildmasterConfig = {{
    "workers": [worker.LocalWorker(f"worker-{{number}}", max_builds=1) for number in range({workers})],
    "builders": [util.BuilderConfig(
        name="one", workernames=[f"worker-{{number}}" for number in range({workers})], factory=factory, collapseRequests=False
    )],
    "schedulers": [schedulers.AnyBranchScheduler(name="all", builderNames=["one"], treeStableTimer=None,
        change_filter=util.ChangeFilter(branch_re={branches!r}))],
    "change_source": [],
    "protocols": {{"null": {{}}}},
    "buildbotNetUsageData": None,
    "db": {{"db_url": "sqlite:///state.sqlite"}},
    "www": {{
        "port": "tcp:{port}:interface=127.0.0.1",
        "change_hook_dialects": {{"github": {{"secret": {secret!r}, "strict": True}}}},
    }},
    "title": "bench",
    "titleURL": "http://127.0.0.1:{port}/",
    "buildbotURL": "http://127.0.0.1:{port}/",
}}
"""


@contextmanager
def running_buildbot(port: int, *, workers: int = 4, builds: bool = True) -> Iterator[Target]:
    """A fresh master, until the end of the block; without `builds` a delivery is only stored. Its log is shown if it does not come up."""
    program = Path(sys.executable).parent / "buildbot"
    if not program.exists():
        raise SystemExit("this needs the peer: `make bench` installs it")
    with tempfile.TemporaryDirectory(prefix="homeport-bench-") as name:
        folder = Path(name)
        (folder / "master.cfg").write_text(
            _CONFIGURATION.format(port=port, secret=SECRET, workers=workers, branches=".*" if builds else "none")
        )
        environment = {"PATH": f"{program.parent}:{os.environ['PATH']}", "HOME": name}
        shutil.copy(folder / "master.cfg", folder / "master.cfg.sample")
        _run([str(program), "create-master", "--relocatable", name], environment)
        process = subprocess.Popen(
            [str(program), "start", "--nodaemon", name],
            env=environment,
            cwd=name,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            _await_answer(f"http://127.0.0.1:{port}/api/v2/builders", process, folder / "twistd.log")
            yield Target("127.0.0.1", port, "/change_hook/github", SECRET, name)
        finally:
            process.terminate()
            process.wait()


def count_finished(peer: Target) -> int:
    """How many builds have ended. Read from the master's database: asking the master would slow it down."""
    with closing(sqlite3.connect(f"file:{peer.folder}/state.sqlite?mode=ro", uri=True, timeout=30)) as database:
        found = database.execute("SELECT count(*) FROM builds WHERE complete_at IS NOT NULL").fetchone()
    return int(found[0])


def _run(command: list[str], environment: dict[str, str]) -> None:
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")


def _await_answer(address: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    raise SystemExit(f"the peer does not answer:\n{log.read_text()[-3000:] if log.exists() else ''}")

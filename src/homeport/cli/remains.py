"""Clears away what the jobs of a dead process left on the machine: their processes, then their folders."""

import os
import signal
from collections.abc import Mapping

from homeport.cli.clock import SystemClock
from homeport.runner.services.abandoned import list_abandoned
from homeport.store.folder import listed, remove_tree
from homeport.store.kept_workspaces import FolderKeptWorkspaces


def clear_remains(home: str, environment: Mapping[str, str] | None = None) -> list[str]:
    """End the processes and remove the folders of jobs whose Homeport is not alive any more; gives the folders.

    A job's folder is `work/<process id>-<number>`, and every process of a job that did not clear its environment has its HOME in
    there. Services have folders of their own (`runner/services/abandoned.py`). (Where `/proc` is not, only the folders go.)
    Folders that are kept for a re-run stay. Containers are known by their labels; with the user's `environment` an engine is looked for, if one was in use.
    """
    if environment is not None and listed(os.path.join(home, "engines")):
        from homeport.runner.containers.sweep import sweep  # noqa: PLC0415 - few runs use an engine

        sweep(home, environment)
    work = os.path.join(home, "work")
    kept = set(FolderKeptWorkspaces(home, SystemClock()).roots())
    folders = [os.path.join(work, name) for name in listed(work) if _is_dead(name.partition("-")[0])]
    dead = [folder for folder in folders if folder not in kept]
    dead += list_abandoned()
    if dead:
        _end_processes([f"HOME={folder}/".encode() for folder in dead])
    for folder in dead:
        _remove_groups(folder)
        remove_tree(folder)
    return dead


def _remove_groups(folder: str) -> None:
    """The control groups of a sandboxed job; its processes ended with Homeport."""
    path = os.path.join(folder, "_sandbox", "cgroups")
    if os.path.isfile(path):
        from homeport.runner.executors.sandbox.cgroups import remove_groups  # noqa: PLC0415 - after a crash only

        with open(path, encoding="utf-8") as file:  # noqa: PTH123 - pathlib is slow to import
            remove_groups(file.read().splitlines())


def _is_dead(process_id: str) -> bool:
    if not process_id.isdigit():
        return False
    try:
        os.kill(int(process_id), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


def _end_processes(marks: list[bytes]) -> None:
    for name in listed("/proc"):
        if name.isdigit() and int(name) != os.getpid() and _carries(name, marks):
            try:
                os.kill(int(name), signal.SIGKILL)
            except ProcessLookupError:
                continue  # it ended by itself


def _find_sandbox(words: list[bytes]) -> list[bytes]:
    """Of a bubblewrap that is still building: the home of the job, as its processes would have it."""
    return [b"HOME=" + word + b"/" for word in words if b"/work/" in word] if words[0].endswith(b"bwrap") else []


def _carries(process_id: str, marks: list[bytes]) -> bool:
    try:
        with open(f"/proc/{process_id}/environ", "rb") as file:  # noqa: PTH123 - pathlib is slow to import
            variables = file.read().split(b"\0")
        with open(f"/proc/{process_id}/cmdline", "rb") as file:  # noqa: PTH123 - pathlib is slow to import
            variables += _find_sandbox(file.read().split(b"\0"))
    except OSError:
        return False  # it ended, or is somebody else's
    return any(variable.startswith(mark) for variable in variables for mark in marks)

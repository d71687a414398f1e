"""`--watch`: runs again whenever a file of the working tree changes."""

import os
import select
from collections.abc import Callable, Mapping

from homeport.cli.console import Console
from homeport.cli.errors import INTERRUPTED, CommandError
from homeport.cli.interrupts import Interrupts
from homeport.cli.workspace import Workspace, find_workspace
from homeport.git.repository import GitError

_LOOK_MILLISECONDS = 400
_LEFT_OUT = frozenset({".git", "node_modules", "__pycache__", ".venv"})

Snapshot = Mapping[str, tuple[int, int]]
"""path → (time of change, size)"""


def watch(run: Callable[[], int], console: Console, interrupts: Interrupts) -> int:
    """Run, wait for a change, run again; changes while a run goes on count. Until interrupted: gives 130."""
    while True:
        before = take_snapshot(console)
        try:
            run()
        except CommandError as error:  # a mistake in a file may be mended by the next change
            console.say(f"homeport: {error.message}" + (f"\n  hint: {error.hint}" if error.hint else ""))
        if interrupts.count:
            return INTERRUPTED
        console.say("homeport: waiting for changes; ^C ends")
        changed = wait_for_change(before, console, interrupts)
        if not changed:
            return INTERRUPTED
        more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
        console.say(f"homeport: {changed[0]} changed{more}")


def wait_for_change(before: Snapshot, console: Console, interrupts: Interrupts) -> list[str]:
    """The paths that differ, once nothing has changed between two looks (an editor or a checkout may write many files one after the
    other); none where an interrupt came first.
    """
    last = before
    poll = select.poll()
    poll.register(interrupts.fileno(), select.POLLIN)
    while True:
        now = take_snapshot(console)
        if now != before and now == last:
            return sorted(path for path in {*now, *before} if now.get(path) != before.get(path))
        last = now
        if poll.poll(_LOOK_MILLISECONDS):
            return []


def take_snapshot(console: Console) -> Snapshot:
    """Every file that git would keep; where there is no git, every file but those of well-known caches."""
    workspace = find_workspace(console.folder, console.environment)
    snapshot = {}
    for path in _list_files(workspace):
        try:
            status = os.stat(os.path.join(workspace.folder, path))
        except OSError:
            continue
        snapshot[path] = (status.st_mtime_ns, status.st_size)
    return snapshot


def _list_files(workspace: Workspace) -> list[str]:
    if workspace.git is not None:
        try:
            start = f"{workspace.prefix}/" if workspace.prefix else ""
            return [path.removeprefix(start) for path in workspace.git.list_files(workspace.prefix)]
        except GitError as error:
            raise CommandError(str(error)) from error
    files = []
    for folder, folders, names in os.walk(workspace.folder):
        folders[:] = [name for name in folders if name not in _LEFT_OUT]
        files += [os.path.relpath(os.path.join(folder, name), workspace.folder) for name in names]
    return files

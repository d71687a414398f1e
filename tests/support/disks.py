"""File systems with room for next to nothing, for what happens on a full disk."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.parts import require_linux, require_root, require_working

_UNMOUNT = (
    'trap "" INT TERM HUP; read -r _; for _ in $(seq 50); do umount "$0" && exit; sleep 0.1; done; umount -l "$0"'
)
"""Waits for the end of its input. What holds the file system open is given five seconds, then it is detached."""


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """A file system of this size in a new folder. It is gone after the block, and also if the tests are killed within."""
    require_linux()
    require_root()
    folder.mkdir()
    require_working(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], "allow mounts")
    keeper = subprocess.Popen(
        ["sh", "-c", _UNMOUNT, str(folder)], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        yield folder
    finally:
        keeper.communicate()
    assert not folder.is_mount()

"""The wall around a service that stands beside a sandboxed job: who owns a database may run programs with it, and so leave the sandbox.

Behind it a service sees the system's programs and its own folder. It shares the machine's network, as it has to be reached. Source:
bubblewrap's manual.
"""

import os
from collections.abc import Callable, Iterator, Sequence

import msgspec

_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
_SETTINGS = (
    "passwd",
    "group",
    "localtime",
    "timezone",
    "ld.so.cache",
    "nsswitch.conf",
    "hosts",
    "alternatives",
    "ssl/certs",
)
_PRIVATE = (
    "--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try",
    "--die-with-parent", "--cap-drop", "ALL", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp",  # noqa: S108 - inside
)  # fmt: skip


class Wall(msgspec.Struct, frozen=True):
    """How it is built. `has_network` is whether the job itself reaches the machine's network."""

    program: str
    """bubblewrap"""
    has_network: bool = True

    def enclose(
        self, arguments: Sequence[str], folder: str, shown: Sequence[str], can_pass: Callable[[str], bool]
    ) -> list[str]:
        """A command behind the wall, in its own folder, which it may write; `shown` is for reading, as far as its user can reach it."""
        words = [self.program, *_PRIVATE]
        for path in _SYSTEM:
            if os.path.islink(path):
                words += ["--symlink", os.readlink(path), path]
            elif os.path.isdir(path):
                words += ["--ro-bind", path, path]
        readable = (*(f"/etc/{name}" for name in _SETTINGS), *_list_own(arguments[0]), *shown)
        for path in dict.fromkeys(readable):
            if os.path.exists(path) and can_pass(os.path.dirname(path)):
                words += ["--ro-bind", path, path]
        if folder != "/":
            words += ["--bind", folder, folder]
        return [*words, "--remount-ro", "/", "--chdir", folder, *arguments]


def _list_own(program: str) -> Iterator[str]:
    """What a program finds beside it: the installation that it belongs to, as it is called and as it is."""
    for path in (program, os.path.realpath(program)):
        folder = os.path.dirname(path)
        root = os.path.dirname(folder) if os.path.basename(folder) == "bin" else path
        if root not in _SYSTEM and root != "/":
            yield root
            yield f"{os.path.dirname(root)}.libs"

"""Starts bubblewrap for one job and has the supervisor inside answer, or says why neither can be had."""

import _socket
import os
import re
import signal
from collections.abc import Sequence
from contextlib import suppress
from importlib.machinery import SourceFileLoader

from homeport.runner.executors.sandbox.channel import Channel
from homeport.runner.executors.sandbox.system_calls import write_filter
from homeport.runner.executors.sandbox.walls import find_own_python, list_library_folders

_HELD_BACK = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGTSTP}
"""A ^C goes to all processes of a terminal's group; bubblewrap is to live on until its job has been ended in order"""
_CHILD = re.compile(rb'"child-pid":\s*(\d+)')
_SWITCHES = (
    ("/proc/sys/kernel/unprivileged_userns_clone", "0"),
    ("/proc/sys/user/max_user_namespaces", "0"),
)
INSTALL = "apt-get install bubblewrap   (or: dnf install bubblewrap, apk add bubblewrap, pacman -S bubblewrap)"
ALLOW = "sysctl -w kernel.unprivileged_userns_clone=1 kernel.apparmor_restrict_unprivileged_userns=0 user.max_user_namespaces=15000"


class Launched:
    """Bubblewrap with a supervisor in it, on its way. `await_ready` once, from whichever thread comes first."""

    def __init__(self, program: str, arguments: Sequence[str], supervisor: Sequence[str]) -> None:
        ours, theirs = _socket.socketpair()
        info_read, info_write = os.pipe()
        errors_read, errors_write = os.pipe()
        filter_read = _hold_filter()
        null = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        words = [program, *arguments, "--info-fd", "4"]
        words += ["--seccomp", "5"] if filter_read >= 0 else []
        try:
            self.pid = os.posix_spawn(
                program,
                [*words, "--", *supervisor],
                {},
                file_actions=_place(
                    {0: null, 1: errors_write, 2: errors_write, 3: theirs.fileno(), 4: info_write, 5: filter_read}
                ),
                setsigmask=_HELD_BACK,
            )
        except BaseException:
            ours.close()
            os.close(info_read)
            os.close(errors_read)
            raise
        finally:
            theirs.close()
            for descriptor in (info_write, errors_write, null, filter_read):
                if descriptor >= 0:
                    os.close(descriptor)
        self.channel = Channel(ours)
        self.init = -1
        """a descriptor of the first process inside"""
        self.init_pid = 0
        self._info, self._errors = info_read, errors_read

    def await_ready(self) -> int:
        """The process id, on this machine, of the first process inside. Raises `OSError` with bubblewrap's own words."""
        match = _CHILD.search(_read_all(self._info))
        os.close(self._info)
        self._info = -1
        if match is None:
            words = _read_all(self._errors).decode("utf-8", "replace").strip() or "it ended without a word"
            raise OSError(f"the sandbox cannot be built: {words} (if this machine forbids it: {ALLOW})")
        self.init_pid = int(match[1])
        try:
            self.init = os.pidfd_open(self.init_pid)
        except ProcessLookupError:
            words = _read_all(self._errors).decode("utf-8", "replace").strip()
            raise OSError(f"the sandbox ended at once: {words}") from None
        return self.init_pid

    def find_words(self) -> str:
        """What bubblewrap had to say so far."""
        os.set_blocking(self._errors, False)
        try:
            return os.read(self._errors, 4096).decode("utf-8", "replace").strip()
        except BlockingIOError:
            return ""

    def end(self) -> None:
        """End everything inside, and wait until it is gone. Safe to call when it is.

        Not before bubblewrap has told of its child: that one waits for it, and would for ever.
        """
        import select  # noqa: PLC0415 - at the end of a job

        if self._info >= 0:
            with suppress(OSError):  # it has failed, and says so to nobody any more
                self.await_ready()
        with suppress(ProcessLookupError):  # it ended by itself
            if self.init >= 0:
                signal.pidfd_send_signal(self.init, signal.SIGKILL)
                select.select([self.init], [], [])
            else:
                os.kill(self.pid, signal.SIGKILL)
        self.channel.close()
        with suppress(ChildProcessError):  # a job of the process executor has met it as an orphan
            os.waitpid(self.pid, 0)
        for descriptor in (self._info, self._errors, self.init):
            if descriptor >= 0:
                os.close(descriptor)


def find_refusal(program: str | None) -> tuple[str, str] | None:
    """Why sandboxes cannot be built here and the command that changes it, or None. What only a trial can tell, the first job does."""
    if program is None:
        return "there is no bubblewrap (bwrap) on this machine", INSTALL
    if os.getuid() != 0:
        for path, forbidding in _SWITCHES:
            if _read_switch(path) == forbidding:
                return f"this machine does not let ordinary users build sandboxes ({path} is {forbidding})", ALLOW
    return None


def _read_switch(path: str) -> str:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        return os.read(descriptor, 32).decode("ascii", "replace").strip()
    finally:
        os.close(descriptor)


def list_supervisor_words() -> list[str]:
    """The program inside, without anything that a user could have put into Python's way. Imported, it need not be compiled again: the
    loader writes what it compiled beside it, if it may, which the program inside may not.
    """
    folder = os.path.dirname(os.path.abspath(__file__))
    SourceFileLoader("supervisor", f"{folder}/supervisor.py").get_code("supervisor")
    code = "import sys; sys.path.append(sys.argv[1]); import supervisor; supervisor.main()"
    return [find_own_python(), "-I", "-S", "-c", code, folder]


def list_stage_words() -> list[str]:
    """What starts `walled/inside.py` inside."""
    code = "import sys; sys.path[:0] = sys.argv[1:]; from homeport.runner.walled.inside import main; main()"
    return [find_own_python(), "-I", "-S", "-c", code, *list_library_folders()]


def _place(wanted: dict[int, int]) -> "list[tuple[int, int, int]]":
    """Put descriptors to fixed numbers, when some of the numbers may be taken by others of them: by way of others above all."""
    present = {target: source for target, source in wanted.items() if source >= 0}
    high = max(*present.values(), *present) + 1
    actions = [(os.POSIX_SPAWN_DUP2, source, high + target) for target, source in present.items()]
    actions += [(os.POSIX_SPAWN_DUP2, high + target, target) for target in present]
    return [*actions, *((os.POSIX_SPAWN_CLOSE, high + target) for target in present)]  # type: ignore[list-item]


def _hold_filter() -> int:
    """A descriptor with the filter of system calls in it; -1 where there is none for this machine."""
    content = write_filter(os.uname().machine)
    if not content:
        return -1
    read_end, write_end = os.pipe()
    os.write(write_end, content)
    os.close(write_end)
    return read_end


def _read_all(descriptor: int) -> bytes:
    parts = []
    while part := os.read(descriptor, 4096):
        parts.append(part)
    return b"".join(parts)

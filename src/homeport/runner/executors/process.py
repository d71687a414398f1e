"""Carries out jobs as processes of this machine: each command in a process group of its own, all of them ended with the job.

A command's descendants are found even if they have left their group, session and environment: this process is made a child
subreaper (Linux), so every orphan of a job becomes its child. Elsewhere (macOS, untested) only the process groups are ended.
"""

import errno
import os
import signal
import sys
import threading
from collections.abc import Collection, Mapping
from itertools import count

from homeport.ports.executor import Command, JobPaths, Process
from homeport.ports.peer import JobOrder
from homeport.runner.environment import pick_variables
from homeport.runner.executors.drain import Drain
from homeport.runner.executors.leftovers import Leftovers
from homeport.runner.folders import make_folder, remove_tree
from homeport.runner.manners.shims import Shims
from homeport.runner.manners.variables import hosted_variables

_DEFAULT_SIGNALS = [
    signal.SIGINT,
    signal.SIGQUIT,
    signal.SIGTERM,
    signal.SIGHUP,
    signal.SIGPIPE,
    signal.SIGXFSZ,
    signal.SIGCHLD,
]
"""What this process may ignore or handle, and its commands must not inherit."""


class ProcessExecutor:
    """The `process` executor. Thread-safe.

    `work_folder` is where jobs get their folders, `tool_cache` the kept `RUNNER_TOOL_CACHE`; both are absolute. With `in_place` (an
    absolute path) it is the workspace of every job, and left alone afterwards. `shims` are what stands in for programs that hosted
    images have.
    """

    name = "process"

    def __init__(
        self,
        *,
        work_folder: str,
        tool_cache: str,
        host_environment: Mapping[str, str],
        pass_names: Collection[str] = (),
        in_place: str | None = None,
        shims: Shims | None = None,
    ) -> None:
        self._work_folder = work_folder
        self._tool_cache = tool_cache
        self._host = host_environment
        self._variables = pick_variables(host_environment, pass_names)
        self._in_place = in_place
        self._shims = shims
        self._leftovers = Leftovers()
        self._numbers = count(1)

    def open(self, order: JobOrder, root: str = "") -> "ProcessJobEnvironment":
        """Make the folders of a job, or take those that one before it left. Raises `OSError`."""
        is_new = not root
        root = root or self._make_root()
        repository = str(order.github.get("repository") or "workspace").rpartition("/")[2] or "workspace"
        paths = JobPaths(
            root=root,
            workspace=self._in_place or f"{root}/{repository}/{repository}",
            temp=f"{root}/_temp",
            home=f"{root}/_home",
            tool_cache=self._tool_cache,
            actions=f"{root}/_actions",
            commands=f"{root}/_temp/_runner_file_commands",
        )
        own = () if self._in_place else (os.path.dirname(paths.workspace), paths.workspace)
        if not is_new:
            from homeport.runner.executors.taken import take_again  # noqa: PLC0415 - few jobs go on in folders of others

            take_again(paths)
        for folder in (*own, paths.temp, paths.home, paths.actions, paths.commands, paths.tool_cache):
            make_folder(folder)
        variables = {**hosted_variables(self._host, paths), **self._variables}
        if self._shims is not None:
            variables["PATH"] = self._shims.extend_path(variables["PATH"], paths)
        return ProcessJobEnvironment(paths, variables, self._leftovers)

    def _make_root(self) -> str:
        """A short path: sockets below `RUNNER_TEMP` may have 107 bytes."""
        while True:
            root = f"{self._work_folder}/{os.getpid()}-{next(self._numbers)}"
            try:
                os.mkdir(root, 0o700)
            except FileExistsError:
                continue  # left by another process of this number
            except FileNotFoundError:
                make_folder(self._work_folder)
                os.mkdir(root, 0o700)
            return root


class ProcessJobEnvironment:
    """The surroundings of one job; used by the job's threads at the same time."""

    def __init__(self, paths: JobPaths, variables: Mapping[str, str], leftovers: Leftovers) -> None:
        tracking_id = f"github_{os.urandom(16).hex()}"
        self.paths = paths
        self.base_environment: Mapping[str, str] = {
            **variables,
            "HOME": paths.home,
            "RUNNER_TRACKING_ID": tracking_id,
        }
        self._leftovers = leftovers
        self._mark = leftovers.open_job(f"RUNNER_TRACKING_ID={tracking_id}".encode(), paths.root)
        self._drain = Drain()
        self._null = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)

    def start(self, command: Command) -> Process:
        """Start a command. Raises `OSError`: `FileNotFoundError` names the program or the working directory."""
        output, child_output = os.pipe()
        try:
            os.set_blocking(output, False)
            actions = [
                (os.POSIX_SPAWN_DUP2, self._null, 0),
                (os.POSIX_SPAWN_DUP2, child_output, 1),
                (os.POSIX_SPAWN_DUP2, child_output, 2),
            ]
            program = _find_program(command)
            with self._leftovers.lock, _WorkingDirectory(command.working_directory):
                pid = os.posix_spawn(
                    program,
                    command.arguments,
                    command.environment,
                    file_actions=actions,
                    setpgroup=0,
                    setsigmask=[],
                    setsigdef=_DEFAULT_SIGNALS,
                )
                self._leftovers.started(self._mark, pid)
        except ValueError as error:
            os.close(output)
            raise OSError(errno.EINVAL, f"its arguments or environment cannot be passed on: {error}") from error
        except BaseException:
            os.close(output)
            raise
        finally:
            os.close(child_output)
        return ProcessHandle(pid, output, self._drain, self._leftovers)

    def end_processes(self) -> tuple[str, ...]:
        """End what is left; called once."""
        return self._leftovers.end_job(self._mark)

    def close(self) -> None:
        """Release descriptors and remove the folders."""
        self.release()
        remove_tree(self.paths.root)

    def release(self) -> None:
        """Descriptors only."""
        self._drain.close()
        os.close(self._null)


class ProcessHandle:
    """A started command. Used by one thread."""

    def __init__(self, pid: int, output: int, drain: Drain, leftovers: Leftovers) -> None:
        self._pid = pid
        self._output = output
        self._drain = drain
        self._leftovers = leftovers
        self._code: int | None = None
        self._exit = _watch_exit(pid)

    def fileno(self) -> int:
        """The reading end of the output."""
        return self._output

    def exit_fileno(self) -> int:
        """Readable when the command has ended."""
        return self._exit

    def poll(self) -> int | None:
        """The exit code, negative for a signal."""
        if self._code is None:
            self._code = self._leftovers.reap(self._pid)
        return self._code

    def interrupt(self) -> None:
        """SIGINT to the group."""
        self._signal(signal.SIGINT)

    def terminate(self) -> None:
        """SIGTERM to the group."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL to the group."""
        self._signal(signal.SIGKILL)

    def close(self) -> None:
        """Release the descriptors; an output that background processes still hold is read on until the job ends."""
        os.close(self._exit)
        try:
            ended = os.read(self._output, 65536) == b""
        except BlockingIOError:
            ended = False
        if ended:
            os.close(self._output)
        else:
            self._drain.add(self._output)

    def _signal(self, number: int) -> None:
        if self._code is None:
            try:
                os.killpg(self._pid, number)
            except (ProcessLookupError, PermissionError):
                return


class _WorkingDirectory:
    """The working directory while a command is started, put back at once: the thread's own on Linux, elsewhere the process's."""

    _owners = threading.local()

    def __init__(self, path: str) -> None:
        self._path = path
        self._before = -1

    def __enter__(self) -> None:
        _own_directory(self._owners)
        before = os.open(".", os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.chdir(self._path)
        except OSError:
            os.close(before)
            raise
        self._before = before

    def __exit__(self, *_: object) -> None:
        os.fchdir(self._before)
        os.close(self._before)


def _own_directory(owner: threading.local) -> None:
    """Once for each thread."""
    if not hasattr(owner, "is_done"):
        owner.is_done = True
        if sys.platform == "linux":
            from homeport.runner.executors.linux import own_working_directory  # noqa: PLC0415 - Linux only

            own_working_directory()


def _find_program(command: Command) -> str:
    name = command.arguments[0]
    if "/" in name:
        return os.path.join(command.working_directory, name)
    for folder in command.environment.get("PATH", "").split(":"):
        path = os.path.join(folder or command.working_directory, name)
        if os.access(path, os.X_OK) and os.path.isfile(path):
            return path
    raise FileNotFoundError(2, "No such program in PATH", name)


def _watch_exit(pid: int) -> int:
    if hasattr(os, "pidfd_open"):
        return os.pidfd_open(pid)
    read_end, write_end = os.pipe()

    def wait() -> None:
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        os.close(write_end)

    threading.Thread(target=wait, name=f"wait-{pid}", daemon=True).start()
    return read_end

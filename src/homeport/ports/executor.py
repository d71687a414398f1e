"""How the commands of a job are carried out: as processes of this machine, in a sandbox, in a container."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol, runtime_checkable

import msgspec

from homeport.ports.peer import JobOrder


class JobPaths(msgspec.Struct, frozen=True):
    """The folders of one job, as paths of the machine. All exist, all are private to the job and all are removed after it,
    but `tool_cache` (kept) and `workspace` where the user asked to run in place.
    """

    root: str
    workspace: str
    """`GITHUB_WORKSPACE`: empty until checkout"""
    temp: str
    """`RUNNER_TEMP`"""
    home: str
    tool_cache: str
    """`RUNNER_TOOL_CACHE`"""
    actions: str
    """where the code of actions stands"""
    commands: str
    """the steps' command files and scripts"""


class Command(msgspec.Struct, frozen=True):
    """A program to start: absolute path or name looked up in `environment["PATH"]`, its arguments, and its whole environment."""

    arguments: tuple[str, ...]
    environment: dict[str, str]
    working_directory: str


class Process(Protocol):
    """A started command, in a process group of its own. Signals go to the whole group."""

    def fileno(self) -> int:
        """The reading end of its output: stdout and stderr in one pipe, non-blocking."""
        ...

    def exit_fileno(self) -> int:
        """Becomes readable when the command itself has ended (its background children may still hold the output open)."""
        ...

    def poll(self) -> int | None:
        """The exit code, negative for a signal, or None while it runs. Never blocks."""
        ...

    def interrupt(self) -> None:
        """SIGINT to the group; safe to call when it has ended."""
        ...

    def terminate(self) -> None:
        """SIGTERM to the group; safe to call when it has ended."""
        ...

    def kill(self) -> None:
        """SIGKILL to the group; safe to call when it has ended."""
        ...

    def close(self) -> None:
        """Release the descriptors. The command must have ended."""
        ...


class JobEnvironment(Protocol):
    """The surroundings of one job on one executor, from `Executor.open` to `close`."""

    @property
    def paths(self) -> JobPaths:
        """The job's folders."""
        ...

    @property
    def base_environment(self) -> Mapping[str, str]:
        """What every command of the job starts from: PATH, locale, proxies, certificates, package index settings, `--pass-env`."""
        ...

    def start(self, command: Command) -> Process:
        """Start a command. Raises `OSError` where it cannot be started (no such program, not executable)."""
        ...

    def end_processes(self) -> tuple[str, ...]:
        """End every process that the job started and that is still alive; the names of what they were. Nothing is started after."""
        ...

    def close(self) -> None:
        """Release what is held and remove the folders. `end_processes` must have been called. Raises `OSError`."""
        ...

    def release(self) -> None:
        """The same, in place of `close`, and leave the folders as they are: somebody keeps them."""
        ...


class Inside(Protocol):
    """A place behind a wall where the runner's own code can be run on a job's files."""

    @property
    def command(self) -> tuple[str, ...]:
        """The program and arguments that start `runner/walled/inside.py` there."""
        ...

    def start_with(self, command: Command, descriptors: Sequence[int]) -> Process:
        """As `JobEnvironment.start`; the command has the descriptors as 3, 4, … too."""
        ...


@runtime_checkable
class WalledJobEnvironment(JobEnvironment, Protocol):
    """Surroundings that keep their job from the rest of the machine. The runner must not follow the job's paths, links and programs
    outside of them: what it would do on the job's files it does through these methods.
    """

    @property
    def trusted_paths(self) -> JobPaths:
        """The same folders for the runner's own use: the tool cache is one that no job can write to."""
        ...

    def read_file(self, path: str, most: int) -> bytes:
        """A file as the job sees it. Raises `OSError`, also where it is not a file or has more than `most` bytes."""
        ...

    def open_inside(self, shown: Sequence[str]) -> AbstractContextManager[Inside]:
        """Where to run code of the runner's. With `shown` (paths that the job does not see, to be read only) that is a place of its own,
        and the job's processes stand still for as long.
        """
        ...

    def find_breaches(self) -> tuple[str, ...]:
        """Which limits of the job were hit since this was asked last, as words for the user."""
        ...


class Executor(Protocol):
    """A way to carry out jobs. Thread-safe: jobs open at the same time."""

    @property
    def name(self) -> str:
        """`process`, `sandbox` or `container`."""
        ...

    def open(self, order: JobOrder, root: str = "") -> JobEnvironment:
        """Prepare the surroundings of a job: new ones, or, with `root`, those that a job before it left by `release` (`JobPaths.root`).

        Raises `OSError` where the disk or a limit forbids it, or what is at `root` is not what was left.
        """
        ...

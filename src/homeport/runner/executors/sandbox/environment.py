"""The surroundings of one sandboxed job: its commands are started by the supervisor inside, and all end with it."""

import errno
import os
import signal
import threading
from collections.abc import Mapping, Sequence
from itertools import count

from homeport.ports.executor import Command, JobPaths, Process
from homeport.runner.executors.drain import Drain
from homeport.runner.executors.sandbox.channel import Channel, read_record
from homeport.runner.executors.sandbox.launch import Launched
from homeport.runner.executors.sandbox.wards import Wards
from homeport.runner.folders import remove_tree


class SandboxJobEnvironment:
    """The `JobEnvironment` of a sandboxed job; used by the job's threads at the same time."""

    def __init__(
        self,
        paths: JobPaths,
        base_environment: Mapping[str, str],
        launched: Launched,
        wards: Wards,
    ) -> None:
        self.paths = paths
        self.base_environment = base_environment
        self._launched = launched
        self._wards = wards
        self._drain = Drain()
        self._numbers = count(1)
        self._lock = threading.Lock()
        self._is_ready = False
        self._is_ended = False

    def start(self, command: Command) -> Process:
        """Start a command inside. Raises `OSError`: `FileNotFoundError` names the program or the working directory."""
        return self.start_with(command, ())

    def start_with(self, command: Command, descriptors: Sequence[int]) -> "SandboxProcess":
        """The same; the command has `descriptors` as 3, 4, … too."""
        self._await_ready()
        number = next(self._numbers)
        output, child_output = os.pipe()
        status, child_status = os.pipe()
        try:
            os.set_blocking(output, False)
            request = ("start", number, list(command.arguments), dict(command.environment), command.working_directory)
            self._launched.channel.send((*request, len(descriptors)), (child_output, child_status, *descriptors))
        except OSError as error:
            os.close(output)
            os.close(status)
            raise self._explain_end(error) from error
        finally:
            os.close(child_output)
            os.close(child_status)
        try:
            self._check_started(status, command)
        except BaseException:
            os.close(output)
            os.close(status)
            raise
        os.set_blocking(status, False)
        return SandboxProcess(number, output, status, self._drain, self._launched.channel)

    def pause(self) -> None:
        """Stop all commands where they are."""
        self._launched.channel.send(("signal-all", int(signal.SIGSTOP)))

    def go_on(self) -> None:
        """Let them run again."""
        self._launched.channel.send(("signal-all", int(signal.SIGCONT)))

    def find_breaches(self) -> tuple[str, ...]:
        """Which limits were hit since this was asked last."""
        with self._lock:
            return self._wards.find_breaches()

    def end_processes(self) -> tuple[str, ...]:
        """End the namespace, and with it everything in it."""
        from homeport.runner.executors import linux  # noqa: PLC0415 - at the end of a job

        with self._lock:
            if self._is_ended:
                return ()
            self._is_ended = True
        self._wards.end()
        names: list[str] = []
        if self._launched.init_pid:
            found = (linux.find_status(pid) for pid in linux.list_children(self._launched.init_pid))
            names = [status.name for status in found if status is not None and not status.is_zombie]
        self._launched.end()
        return tuple(names)

    def close(self) -> None:
        """Release descriptors, remove groups and folders."""
        self._drain.close()
        try:
            self._wards.close()
        finally:
            remove_tree(self.paths.root)

    def _await_ready(self) -> None:
        with self._lock:
            if self._is_ended:
                raise OSError(errno.ESRCH, "the job's sandbox has ended")
            if not self._is_ready:
                self._wards.begin(self._launched.await_ready(), self._end_commands)
                self._is_ready = True

    def _end_commands(self) -> None:
        try:
            self._launched.channel.send(("signal-all", int(signal.SIGKILL)))
        except OSError:
            return  # it has ended by itself

    def _check_started(self, status: int, command: Command) -> None:
        record = read_record(status)
        if record is None:
            raise self._explain_end(OSError(errno.ESRCH, "the job's sandbox has ended"))
        kind, number = record
        if kind == "D":
            raise OSError(number, os.strerror(number), command.working_directory)
        if kind != "S":
            raise OSError(number, os.strerror(number), command.arguments[0])

    def _explain_end(self, error: OSError) -> OSError:
        words = "; ".join((*self.find_breaches(), *filter(None, [self._launched.find_words()])))
        return OSError(errno.ESRCH, f"the job's sandbox has ended: {words}") if words else error


class SandboxProcess:
    """A command inside. Used by one thread."""

    def __init__(self, number: int, output: int, status: int, drain: Drain, channel: Channel) -> None:
        self._number = number
        self._output = output
        self._status = status
        self._drain = drain
        self._channel = channel
        self._code: int | None = None

    def fileno(self) -> int:
        """The reading end of the output."""
        return self._output

    def exit_fileno(self) -> int:
        """Readable when the command has ended."""
        return self._status

    def poll(self) -> int | None:
        """The exit code, negative for a signal: that of SIGKILL where the sandbox has ended."""
        if self._code is None:
            try:
                record = read_record(self._status)
            except BlockingIOError:
                return None
            self._code = -signal.SIGKILL if record is None else os.waitstatus_to_exitcode(record[1])
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
        os.close(self._status)
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
                self._channel.send(("signal", self._number, int(number)))
            except OSError:
                return

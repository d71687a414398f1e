"""One sandbox at work: starts commands through its supervisor, and ends with all that is in it."""

import errno
import os
import select
import signal
import threading
from collections.abc import Callable, Sequence
from itertools import count

from homeport.ports.executor import Command
from homeport.runner.executors.drain import Drain
from homeport.runner.executors.sandbox.channel import Channel, read_record
from homeport.runner.executors.sandbox.launch import Launched, list_stage_words

_ANSWER_SECONDS = 60
"""No supervisor takes that long; a job that makes its own stand still must not make the runner do so"""


class Cell:
    """Thread-safe. `prepare` is called with the first process's id before that starts any other; `explain` says why it may have ended."""

    def __init__(
        self, launched: Launched, drain: Drain, prepare: Callable[[int], None], explain: Callable[[], Sequence[str]]
    ) -> None:
        self._launched = launched
        self._drain = drain
        self._prepare = prepare
        self._explain = explain
        self._numbers = count(1)
        self._lock = threading.Lock()
        self._is_ready = False
        self._is_ended = False

    @property
    def command(self) -> tuple[str, ...]:
        """What starts the runner's own code inside."""
        return tuple(list_stage_words())

    @property
    def init_pid(self) -> int:
        """The first process, as this machine numbers it; 0 where it is not known yet."""
        return self._launched.init_pid

    def start_with(self, command: Command, descriptors: Sequence[int]) -> "SandboxProcess":
        """Start a command, with these descriptors as 3, 4, … Raises `OSError`."""
        number = next(self._numbers)
        words = ("start", number, list(command.arguments), dict(command.environment), command.working_directory)
        output, status = self._request((*words, len(descriptors)), descriptors)
        try:
            self._check_started(status, command)
        except BaseException:
            os.close(output)
            os.close(status)
            raise
        return SandboxProcess(number, output, status, self._drain, self._launched.channel)

    def read_file(self, path: str, most: int) -> bytes:
        """A file as it is seen inside. Raises `OSError`."""
        output, status = self._request(("read", path, most), ())
        parts: list[bytes] = []
        try:
            kind, number = self._await_record(status)
            if kind != "S":
                raise OSError(number, os.strerror(number), path)
            while sum(map(len, parts)) <= most:
                if not _await(output):
                    raise OSError(errno.ETIMEDOUT, "the sandbox does not answer", path)
                part = os.read(output, 1 << 20)
                if not part:
                    return b"".join(parts)
                parts.append(part)
            raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), path)
        finally:
            os.close(output)
            os.close(status)

    def signal_all(self, number: int) -> None:
        """Send a signal to every process inside but the supervisor."""
        try:
            self._launched.channel.send(("signal-all", int(number)))
        except OSError:
            return  # it has ended by itself

    def end(self) -> None:
        """End everything inside; nothing is started afterwards. Safe to repeat."""
        with self._lock:
            is_first, self._is_ended = not self._is_ended, True
        if is_first:
            self._launched.end()

    def _request(self, words: tuple[object, ...], descriptors: Sequence[int]) -> tuple[int, int]:
        """The reading ends of an output and of a status pipe, neither of which blocks."""
        self._await_ready()
        output, child_output = os.pipe()
        status, child_status = os.pipe()
        try:
            os.set_blocking(output, False)
            os.set_blocking(status, False)
            self._launched.channel.send(words, (child_output, child_status, *descriptors))
        except OSError as error:
            os.close(output)
            os.close(status)
            raise self._explain_end(error) from error
        finally:
            os.close(child_output)
            os.close(child_status)
        return output, status

    def _await_ready(self) -> None:
        with self._lock:
            if self._is_ended:
                raise OSError(errno.ESRCH, "the job's sandbox has ended")
            if not self._is_ready:
                self._prepare(self._launched.await_ready())
                self._is_ready = True

    def _check_started(self, status: int, command: Command) -> None:
        kind, number = self._await_record(status)
        if kind == "D":
            raise OSError(number, os.strerror(number), command.working_directory)
        if kind != "S":
            raise OSError(number, os.strerror(number), command.arguments[0])

    def _await_record(self, status: int) -> tuple[str, int]:
        if not _await(status):
            raise OSError(errno.ETIMEDOUT, "the sandbox does not answer")
        record = read_record(status)
        if record is None:
            raise self._explain_end(OSError(errno.ESRCH, "the job's sandbox has ended"))
        return record

    def _explain_end(self, error: OSError) -> OSError:
        words = "; ".join((*self._explain(), *filter(None, [self._launched.find_words()])))
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
                return  # it has ended with its sandbox


def _await(descriptor: int) -> bool:
    poller = select.poll()
    poller.register(descriptor, select.POLLIN)
    return bool(poller.poll(_ANSWER_SECONDS * 1000))

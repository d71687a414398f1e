"""Runs inside the wall as the first process of a job's namespace: starts commands on request, tells how they ended, reaps orphans.

The program of its own that it is (`python -I -S`) imports as little as it can: it is started for every job. Requests come over the
socket at descriptor 3: four bytes of length and a `marshal`led tuple, with descriptors beside it.

    ("start", number, arguments, environment, working directory, count)   with output, status and `count` more, which become 3, 4, …
    ("read", path, most)                                                  a file, with output and status: written to output
    ("signal", number, signal)                                            to the command's process group
    ("signal-all", signal)                                                to every process of the job

What is told goes into the status pipe of each command, in records of 16 bytes: `S` it runs, `P` or `D` with an error number (the
program or the working directory is at fault), `X` with its wait status. The end of the socket is the end of the job: when the first
process of a namespace ends, the kernel ends all others.
"""

import _ctypes
import _signal  # type: ignore[import-not-found]
import _socket
import marshal
import os
import select
import sys

_CONTROL = 3
_LENGTH_BYTES = 4
_MOST_DESCRIPTORS = 16
_RESET = (_signal.SIGPIPE, _signal.SIGXFSZ)
"""What Python ignores and a command must not"""

_PR_SET_DUMPABLE = 4
_LANDLOCK_CREATE, _LANDLOCK_RESTRICT = 444, 446
_LANDLOCK_VERSION_FLAG = 1
_LANDLOCK_SCOPES_SINCE = 6
_SCOPE_ABSTRACT_SOCKETS, _SCOPE_SIGNALS = 1, 2
_CHILD_SCORE, _OWN_SCORE = b"500", b"0"
"""Where memory runs out, the kernel ends a command before it ends this program"""


class Supervisor:
    """The commands of one job."""

    def __init__(self) -> None:
        self._socket = _socket.socket(fileno=_CONTROL)
        os.set_inheritable(_CONTROL, False)
        self._buffer = b""
        self._descriptors: list[int] = []
        self._running: dict[int, tuple[int, int]] = {}
        """process id → number and status pipe"""
        self._pids: dict[int, int] = {}
        self._null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
        self._score = _open_score()
        self._wake_read, self._wake_write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        _signal.set_wakeup_fd(self._wake_write, warn_on_full_buffer=False)
        _signal.signal(_signal.SIGCHLD, _note)
        _signal.pthread_sigmask(_signal.SIG_SETMASK, [])

    def serve(self) -> None:
        """Until the other end is closed."""
        poller = select.poll()
        poller.register(_CONTROL, select.POLLIN)
        poller.register(self._wake_read, select.POLLIN)
        while True:
            ready = [descriptor for descriptor, _ in poller.poll()]
            if self._wake_read in ready:
                self._drain()
            self._reap()
            if _CONTROL in ready and not self._receive():
                return

    def _drain(self) -> None:
        try:
            while os.read(self._wake_read, 512):
                pass
        except BlockingIOError:
            return

    def _receive(self) -> bool:
        """Take what has come, and carry out what is complete; whether more may come."""
        space = _socket.CMSG_SPACE(4 * _MOST_DESCRIPTORS)
        data, ancillary, _, _ = self._socket.recvmsg(1 << 16, space, _socket.MSG_CMSG_CLOEXEC)
        for level, kind, content in ancillary:
            if level == _socket.SOL_SOCKET and kind == _socket.SCM_RIGHTS:
                self._descriptors += memoryview(content[: len(content) // 4 * 4]).cast("i").tolist()
        self._buffer += data
        while len(self._buffer) >= _LENGTH_BYTES:
            end = _LENGTH_BYTES + int.from_bytes(self._buffer[:_LENGTH_BYTES], "big")
            if len(self._buffer) < end:
                break
            request, self._buffer = marshal.loads(self._buffer[_LENGTH_BYTES:end]), self._buffer[end:]  # noqa: S302 - the runner's
            self._carry_out(request)
        return bool(data)

    def _carry_out(self, request: tuple) -> None:  # type: ignore[type-arg]
        match request:
            case ("start", number, arguments, environment, folder, count):
                output, status, *passed = self._descriptors[: count + 2]
                del self._descriptors[: count + 2]
                self._start(number, (arguments, environment, folder), output, status, passed)
            case ("read", path, most):
                output, status = self._descriptors[:2]
                del self._descriptors[:2]
                self._read(path, most, output, status)
            case ("signal", number, signal):
                pid = self._pids.get(number)
                if pid is not None:
                    _signal_to(os.killpg, pid, signal)
            case ("signal-all", signal):
                _signal_to(os.kill, -1, signal)

    def _start(self, number: int, command: tuple, output: int, status: int, passed: list[int]) -> None:  # type: ignore[type-arg]
        errors_read, errors_write = os.pipe2(os.O_CLOEXEC)
        try:
            self._set_score(_CHILD_SCORE)
            pid = os.fork()
        except OSError as error:
            _tell(status, b"P", error.errno or 0)
            pid = -1
        if pid == 0:
            self._become(command, output, passed, errors_write)
        self._set_score(_OWN_SCORE)
        for descriptor in (errors_write, output, *passed):
            os.close(descriptor)
        report = os.read(errors_read, 16) if pid > 0 else b""
        os.close(errors_read)
        if pid < 0 or report:
            if report:
                os.waitpid(pid, 0)
                os.write(status, report)
            os.close(status)
            return
        self._running[pid] = (number, status)
        self._pids[number] = pid
        _tell(status, b"S", 0)

    def _read(self, path: str, most: int, output: int, status: int) -> None:
        """In a process of its own, which may wait for whoever reads."""
        try:
            pid = os.fork()
        except OSError as error:
            _tell(status, b"P", error.errno or 0)
            pid = -1
        if pid == 0:
            try:
                source = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
                found = os.fstat(source)
                if found.st_mode & 0o170000 != 0o100000 or found.st_size > most:
                    _tell(status, b"P", 27 if found.st_size > most else 22)
                    os._exit(1)
                _tell(status, b"S", 0)
                while os.sendfile(output, source, None, most):
                    pass
            except OSError as error:
                _tell(status, b"P", error.errno or 0)
            finally:
                os._exit(0)
        os.close(output)
        os.close(status)

    def _become(self, command: tuple, output: int, passed: list[int], errors: int) -> None:  # type: ignore[type-arg]
        arguments, environment, folder = command
        kind = b"D"
        try:
            os.setpgid(0, 0)
            for signal in _RESET:
                _signal.signal(signal, _signal.SIG_DFL)
            os.chdir(folder)
            kind = b"P"
            program = _find_program(arguments[0], folder, environment)
            for target, source in enumerate((self._null, output, output, *passed)):
                os.dup2(source, target)
            os.execve(program, arguments, environment)  # noqa: S606
        except OSError as error:
            _tell(errors, kind, error.errno or 0)
        except ValueError:
            _tell(errors, kind, 22)
        finally:
            os._exit(127)

    def _set_score(self, score: bytes) -> None:
        if self._score >= 0:
            try:
                os.pwrite(self._score, score, 0)
            except OSError:
                self._score = -1

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            known = self._running.pop(pid, None)
            if known is not None:
                number, pipe = known
                del self._pids[number]
                _tell(pipe, b"X", status)
                os.close(pipe)


def _note(*_: object) -> None:
    """A child has ended: the wake-up descriptor says so."""


def _open_score() -> int:
    try:
        return os.open("/proc/self/oom_score_adj", os.O_WRONLY | os.O_CLOEXEC)
    except OSError:
        return -1


def _tell(pipe: int, kind: bytes, value: int) -> None:
    try:
        os.write(pipe, kind + b"%015d" % value)
    except OSError:
        return


def _signal_to(send: object, target: int, signal: int) -> None:
    try:
        send(target, signal)  # type: ignore[operator]
    except OSError:
        return


def _find_program(name: str, folder: str, environment: dict[str, str]) -> str:
    if "/" in name:
        return os.path.join(folder, name)
    for place in environment.get("PATH", "").split(":"):
        path = os.path.join(place or folder, name)
        if os.access(path, os.X_OK) and os.path.isfile(path):
            return path
    raise FileNotFoundError(2, "No such program in PATH", name)


def _fence() -> None:
    """Be no other process's prey, and keep all of the job from abstract sockets of the machine, where the kernel can (Landlock, 6.12).

    Such sockets belong to a network namespace, not to a file system: without this the job could talk to daemons through them.
    """
    library = _ctypes.dlopen(None, 0)  # type: ignore[arg-type]
    _ctypes.call_function(_ctypes.dlsym(library, "prctl"), (_PR_SET_DUMPABLE, 0, 0, 0, 0))
    call = _ctypes.dlsym(library, "syscall")
    if _ctypes.call_function(call, (_LANDLOCK_CREATE, None, 0, _LANDLOCK_VERSION_FLAG)) < _LANDLOCK_SCOPES_SINCE:
        return
    rules = bytes(16) + (_SCOPE_ABSTRACT_SOCKETS | _SCOPE_SIGNALS).to_bytes(8, sys.byteorder)
    ruleset = _ctypes.call_function(call, (_LANDLOCK_CREATE, rules, len(rules), 0))
    if ruleset >= 0:
        _ctypes.call_function(call, (_LANDLOCK_RESTRICT, ruleset, 0))
        os.close(ruleset)


def main() -> None:
    """Close what nobody meant to pass on, then serve."""
    os.closerange(_CONTROL + 1, os.sysconf("SC_OPEN_MAX"))
    null = os.open("/dev/null", os.O_RDWR)
    supervisor = Supervisor()
    _fence()
    for descriptor in (1, 2):
        os.dup2(null, descriptor)
    os.close(null)
    supervisor.serve()
    os._exit(0)

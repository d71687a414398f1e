"""Commands and containers as the runner knows processes: one pipe of output, a descriptor that tells the end, signals that arrive.

An engine sends output in frames (Docker docs, "Engine API: ContainerAttach, stream format": kind, three zeros, size, payload). A thread
for each command takes them apart, asks for the exit code when the stream has ended, and tells whoever waits.
"""

import contextlib
import os
import signal
import socket
import threading
import time
from collections.abc import Callable

from homeport.runner.containers.engine import Engine
from homeport.runner.containers.errors import EngineError

_HEADER = 8
_LOOK_SECONDS = 2.0
"""How long a stream may be silent before the engine is asked whether the command still runs: something else may hold its output open."""
_LOST = 125
"""What `docker` itself exits with where the engine fails"""


class StreamedProcess:
    """What both have in common. `find_end` gives the exit code, or None while it runs."""

    def __init__(self, stream: socket.socket, find_end: Callable[[], int | None], name: str) -> None:
        self._output, self._write = os.pipe()
        os.set_blocking(self._output, False)
        self._ended, self._end = os.pipe()
        self._code: int | None = None
        self._stream = stream
        self._find_end = find_end
        self._is_open = True
        self._thread = threading.Thread(target=self._pump, name=f"container-{name}", daemon=True)
        self._thread.start()

    def fileno(self) -> int:
        """The reading end of the output."""
        return self._output

    def exit_fileno(self) -> int:
        """Readable when it has ended."""
        return self._ended

    def poll(self) -> int | None:
        """The exit code; 128 and more for a signal, as the engine says it."""
        return self._code

    def close(self) -> None:
        """Release the descriptors; the thread ends by itself with the stream."""
        self._is_open = False
        os.close(self._output)
        os.close(self._ended)

    def _pump(self) -> None:
        try:
            code = self._read_all()
        except (EngineError, OSError) as error:
            self._say(f"##[error]The container engine was lost: {error}\n".encode())
            code = _LOST
        self._stream.close()
        self._code = code
        os.close(self._write)
        os.close(self._end)

    def _read_all(self) -> int:
        """Until the stream ends, or the command has and only others hold it."""
        self._stream.settimeout(_LOOK_SECONDS)
        data = b""
        while True:
            try:
                part = self._stream.recv(65536)
            except TimeoutError:
                if (code := self._find_end()) is not None:
                    return code
                continue
            if not part:
                break
            data = self._take_frames(data + part)
        pause = 0.01
        while (code := self._find_end()) is None:  # it has closed its output, and goes on
            time.sleep(pause)
            pause = min(pause * 2, _LOOK_SECONDS)
        return code

    def _take_frames(self, data: bytes) -> bytes:
        """Pass on what is complete; gives the rest."""
        position = 0
        while len(data) - position >= _HEADER:
            size = int.from_bytes(data[position + 4 : position + _HEADER], "big")
            end = position + _HEADER + size
            if end > len(data):
                break
            self._say(data[position + _HEADER : end])
            position = end
        return data[position:]

    def _say(self, data: bytes) -> None:
        view = memoryview(data)
        while view and self._is_open:
            try:
                view = view[os.write(self._write, view) :]
            except BrokenPipeError:  # nobody reads any more; what comes is thrown away
                self._is_open = False


class ExecutedProcess(StreamedProcess):
    """A command in a running container (`docker exec`). It leads a session and a process group of its own, as runc and crun make it."""

    def __init__(self, engine: Engine, container: str, command: str, stream: socket.socket) -> None:
        self._engine = engine
        self._container = container
        self._command = command
        super().__init__(stream, self._find_code, command[:12])

    def _find_code(self) -> int | None:
        is_running, code, _ = self._engine.find_command(self._command)
        return None if is_running or code is None else code

    def interrupt(self) -> None:
        """SIGINT to the group."""
        self._signal(signal.SIGINT)

    def terminate(self) -> None:
        """SIGTERM to the group."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL to the group."""
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        """From outside where that is allowed, else by a `kill` in the container."""
        with contextlib.suppress(EngineError, ProcessLookupError):
            is_running, _, pid = self._engine.find_command(self._command)
            if not is_running or self._code is not None:
                return
            inner = _find_inner_pid(pid)
            if inner is None:
                return
            try:
                os.killpg(pid, number)
            except PermissionError:
                name = number.name.removeprefix("SIG")
                _, stream = self._engine.execute(
                    self._container, ("kill", "-s", name, "--", f"-{inner}"), folder="/", user="0"
                )
                with stream:
                    while stream.recv(4096):
                        continue


def _find_inner_pid(pid: int) -> int | None:
    """A process's number in its own namespace; None where it is in none of a container, so none that may be signalled."""
    try:
        with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:  # noqa: PTH123 - pathlib is slow to import
            numbers = next((line.split()[1:] for line in file if line.startswith("NSpid:")), [])
    except OSError:
        return None
    return int(numbers[-1]) if len(numbers) > 1 else None


class ContainerProcess(StreamedProcess):
    """A container whose first process is the command (`docker run`)."""

    def __init__(self, engine: Engine, container: str, stream: socket.socket) -> None:
        self._engine = engine
        self._container = container
        super().__init__(stream, self._find_code, container[:12])

    def _find_code(self) -> int | None:
        found = self._engine.inspect(self._container)
        return None if found.is_running else found.exit_code

    def interrupt(self) -> None:
        """SIGINT to its first process, as `docker run` passes it on."""
        self._kill("SIGINT")

    def terminate(self) -> None:
        """SIGTERM to its first process."""
        self._kill("SIGTERM")

    def kill(self) -> None:
        """SIGKILL: the whole container ends with its first process."""
        self._kill("SIGKILL")

    def _kill(self, name: str) -> None:
        with contextlib.suppress(EngineError):
            self._engine.kill(self._container, name)

"""The runner's side of a conversation with the inside of a job's wall, for one task."""

import os
import select
import socket
from collections.abc import Callable, Mapping

import msgspec

from homeport.ports.executor import Command, Inside, Process
from homeport.runner.host import ActionError
from homeport.runner.stop import StepStop
from homeport.runner.walled.conversation import (
    Answer,
    Ask,
    ConversationError,
    Done,
    Failed,
    Frames,
    Task,
    decode_ask,
    encode,
)

_SEND_SECONDS = 60
_MOST_WORDS = 4096

Heed = Callable[[Ask, Callable[[], int]], Answer | None]
"""Does what the inside asks; the second gives the descriptor that came with it. None where there is no answer to give."""


class StageStoppedError(Exception):
    """The step had to end meanwhile."""


class Conversation:
    """One task, from start to end. Used by the step's thread, which it does not leave waiting for the inside alone."""

    def __init__(self, stop: StepStop, inside: Inside, heed: Heed) -> None:
        self._stop = stop
        self._inside = inside
        self._heed = heed
        self._words = b""

    def carry_out(self, task: Task, environment: Mapping[str, str]) -> str:
        """The value of `Done`. Raises `ActionError`, `OSError`, `StageStoppedError`, and what `heed` raises."""
        ours, theirs = socket.socketpair()
        try:
            command = Command(self._inside.command, dict(environment), "/")
            process = self._inside.start_with(command, (theirs.fileno(),))
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        ours.settimeout(_SEND_SECONDS)
        frames = Frames(ours)
        try:
            _send(ours, encode(task))
            last = self._listen(ours, frames, process)
        except (ConversationError, msgspec.DecodeError) as error:
            raise ActionError(f"the action inside of the sandbox says what makes no sense: {error}") from error
        except (BrokenPipeError, ConnectionResetError, TimeoutError):
            last = None
        finally:
            frames.close()
            _end(process)
        return self._conclude(last)

    def _listen(self, ours: socket.socket, frames: Frames, process: Process) -> "Done | Failed | None":
        """Answer until the last word; None where there is none."""
        poller = select.poll()
        for descriptor in (ours.fileno(), process.fileno(), *self._stop.descriptors):
            poller.register(descriptor, select.POLLIN)
        while True:
            ready = [descriptor for descriptor, _ in poller.poll(int(self._stop.wait_seconds * 1000) + 1)]
            if process.fileno() in ready and not self._read_words(process.fileno()):
                poller.unregister(process.fileno())
            if ours.fileno() in ready:
                received = frames.receive()
                if received is None:
                    return None
                for frame in received:
                    message = decode_ask(frame)
                    if isinstance(message, Done | Failed):
                        return message
                    answer = self._heed(message, frames.take_descriptor)
                    if answer is not None:
                        _send(ours, encode(answer))
            for descriptor in ready:
                if descriptor not in {ours.fileno(), process.fileno()}:
                    poller.unregister(descriptor)
            _pass_signal(process, self._stop)

    def _read_words(self, output: int) -> bool:
        """Keep the end of what the program prints, which is nothing unless it breaks."""
        try:
            data = os.read(output, 65536)
        except BlockingIOError:
            return True
        self._words = (self._words + data)[-_MOST_WORDS:]
        return bool(data)

    def _conclude(self, last: "Done | Failed | None") -> str:
        if self._stop.find_cause() is not None and not isinstance(last, Done):
            raise StageStoppedError
        match last:
            case Done(value):
                return value
            case Failed("os", message):
                raise OSError(message)
            case Failed("fault", message):
                raise ActionError(f"Homeport failed inside of the sandbox: {message}")
            case Failed(_, message):
                raise ActionError(message)
            case None:
                words = self._words.decode("utf-8", "replace").strip()
                raise ActionError(
                    f"the action inside of the sandbox ended before it was done{': ' + words if words else ''}"
                )


def _send(end: socket.socket, content: bytes) -> None:
    end.sendall(len(content).to_bytes(4, "big") + content)


def _pass_signal(process: Process, stop: StepStop) -> None:
    match stop.find_signal():
        case "interrupt":
            process.interrupt()
        case "terminate":
            process.terminate()
        case "kill":
            process.kill()
        case None:
            return


def _end(process: Process) -> None:
    """Nothing of a stage outlives it."""
    process.kill()
    poller = select.poll()
    poller.register(process.exit_fileno(), select.POLLIN)
    while process.poll() is None:
        poller.poll()
    process.close()

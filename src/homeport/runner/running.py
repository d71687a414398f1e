"""Waits for a started command: reads what it prints, and makes it stop when its step has to."""

import os
import select
from typing import Protocol

from homeport.ports.clock import Clock
from homeport.ports.executor import Process
from homeport.runner.stop import StepStop

_CHUNK = 64 * 1024
_LAST_READS = 64
"""A background process may go on printing while its step ends; its step does not wait for it."""


class Sink(Protocol):
    """Where output goes."""

    @property
    def due_at(self) -> float | None:
        """When `send` should be called at the latest, on the monotonic clock."""
        ...

    def feed(self, data: bytes) -> None:
        """A chunk of output."""
        ...

    def send(self) -> None:
        """Hand over what was held back."""
        ...


def await_process(process: Process, sink: Sink, stop: StepStop, clock: Clock) -> tuple[int, bool]:
    """The exit code of a command, negative for a signal, and whether nobody holds its output open any more.

    It ends when the command itself has ended and its output is read.
    """
    output, ended = process.fileno(), process.exit_fileno()
    poller = select.poll()
    poller.register(output, select.POLLIN)
    poller.register(ended, select.POLLIN)
    for descriptor in stop.descriptors:
        poller.register(descriptor, select.POLLIN)
    try:
        while True:
            if (due_at := sink.due_at) is not None and clock.monotonic() >= due_at:
                sink.send()
            ready = [descriptor for descriptor, _ in poller.poll(_find_timeout(sink, stop, clock))]
            if output in ready and not _read(output, sink):
                poller.unregister(output)
            if ended in ready and (code := process.poll()) is not None:
                return code, _read_rest(output, sink)
            for descriptor in ready:
                if descriptor not in (output, ended):  # it has said what it has to say
                    poller.unregister(descriptor)
            _send_signal(process, stop)
    finally:
        process.close()


def _find_timeout(sink: Sink, stop: StepStop, clock: Clock) -> int:
    """In milliseconds, rounded up."""
    seconds = stop.wait_seconds
    if (due_at := sink.due_at) is not None:
        seconds = min(seconds, max(0.0, due_at - clock.monotonic()))
    return int(seconds * 1000) + 1


def _read(output: int, sink: Sink) -> bool:
    """Whether more may come."""
    try:
        data = os.read(output, _CHUNK)
    except BlockingIOError:
        return True
    if data:
        sink.feed(data)
    return bool(data)


def _read_rest(output: int, sink: Sink) -> bool:
    """Read what is there; whether that was all."""
    for _ in range(_LAST_READS):
        try:
            data = os.read(output, _CHUNK)
        except BlockingIOError:
            return False
        if not data:
            return True
        sink.feed(data)
    return False


def _send_signal(process: Process, stop: StepStop) -> None:
    match stop.find_signal():
        case "interrupt":
            process.interrupt()
        case "terminate":
            process.terminate()
        case "kill":
            process.kill()
        case None:
            return

"""Reaches a run through a FIFO in its folder.

A FIFO, not a socket: its path may be as long as the file system allows, a write of one request is atomic, opening one tells whether
somebody reads it, and nothing has to be imported for it. There is no answer; whether a request was heeded stands in the journal.
"""

import errno
import os
from collections.abc import Sequence

import msgspec

from homeport.ports.control import CancelRun, Request
from homeport.store.folder import make_folder, unlink, unusable

_LONGEST_TEXT = 150


class FolderControls:
    """A `Controls` in the folder store. Only the owner of the folder can write to its FIFOs."""

    def __init__(self, home: str) -> None:
        self._runs = os.path.join(home, "runs")

    def open(self, run: str) -> "FolderInbox":
        """Make the FIFO anew: one that a dead process left behind is of no use."""
        make_folder(os.path.join(self._runs, run))
        return FolderInbox(self._path(run))

    def send(self, run: str, request: Request) -> bool:
        """One non-blocking write."""
        data = msgspec.json.encode(_shortened(request)) + b"\n"
        try:
            descriptor = os.open(self._path(run), os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            if error.errno in (errno.ENXIO, errno.ENOENT, errno.ENOTDIR):
                return False
            raise unusable(self._path(run), error) from error
        try:
            os.write(descriptor, data)
        except BrokenPipeError:
            return False
        except BlockingIOError:
            return True  # thousands of requests wait unread: one more says nothing new
        finally:
            os.close(descriptor)
        return True

    def _path(self, run: str) -> str:
        return os.path.join(self._runs, run, "control")


class FolderInbox:
    """An `Inbox`: the reading end."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._rest = b""
        unlink(path)
        try:
            os.mkfifo(path, 0o600)
            # Opened for writing too, so that it never reads as ended when a sender has gone.
            self._descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise unusable(path, error) from error

    def fileno(self) -> int:
        """The FIFO."""
        return self._descriptor

    def receive(self) -> Sequence[Request]:
        """Every whole line; one that is no request is passed over, since nobody could be told."""
        data = self._rest
        try:
            while block := os.read(self._descriptor, 65536):
                data += block
        except BlockingIOError:
            pass
        *lines, self._rest = data.split(b"\n")
        return [request for line in lines if (request := _decode(line)) is not None]

    def close(self) -> None:
        """Remove the FIFO, so that senders find nobody."""
        if self._descriptor >= 0:
            unlink(self._path)
            os.close(self._descriptor)
            self._descriptor = -1


def _decode(line: bytes) -> Request | None:
    try:
        request: Request = msgspec.json.decode(line, type=Request)
    except msgspec.DecodeError:
        return None
    return request


def _shortened(request: Request) -> Request:
    if isinstance(request, CancelRun):
        return msgspec.structs.replace(request, by=request.by[:_LONGEST_TEXT], reason=request.reason[:_LONGEST_TEXT])
    return request

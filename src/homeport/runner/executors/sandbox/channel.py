"""Speaks to the supervisor inside of the wall: requests with descriptors out, fixed records back. What comes back is never trusted.

`socket` takes longer to import than a sandbox to build; what it is made of (`_socket`) is enough here.
"""

import _socket
import errno
import marshal
import os
import struct
import threading
from collections.abc import Sequence
from typing import Any

RECORD_BYTES = 16
_MOST_BYTES = 64 * 1024 * 1024


class Channel:
    """The runner's end of a supervisor's socket. Thread-safe."""

    def __init__(self, end: _socket.socket) -> None:
        self._socket = end
        self._lock = threading.Lock()

    def send(self, request: tuple[Any, ...], descriptors: Sequence[int] = ()) -> None:
        """Send a request. Raises `OSError` where nobody is there any more."""
        content = marshal.dumps(request)
        if len(content) > _MOST_BYTES:
            raise OSError(errno.E2BIG, os.strerror(errno.E2BIG))
        message = memoryview(len(content).to_bytes(4, "big") + content)
        with self._lock:
            rights = (_socket.SOL_SOCKET, _socket.SCM_RIGHTS, struct.pack(f"{len(descriptors)}i", *descriptors))
            beside = [rights] if descriptors else []
            sent = self._socket.sendmsg([message], beside, _socket.MSG_NOSIGNAL)
            while sent < len(message):
                sent += self._socket.send(message[sent:], _socket.MSG_NOSIGNAL)

    def close(self) -> None:
        """Hang up, which ends the supervisor."""
        with self._lock:
            self._socket.close()


def read_record(descriptor: int) -> tuple[str, int] | None:
    """The next record of a status pipe, None where there will be none. Raises `BlockingIOError` where there is none yet, `OSError`
    for what no supervisor writes.
    """
    record = os.read(descriptor, RECORD_BYTES)
    if not record:
        return None
    kind, number = record[:1].decode("latin-1"), record[1:]
    if len(record) != RECORD_BYTES or kind not in "SPDX" or not number.isdigit():
        raise OSError(errno.EPROTO, "the sandbox's supervisor said what makes no sense")
    return kind, int(number)

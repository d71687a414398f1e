"""Compresses and expands streams: by the `zstd` program where the machine has one, else as gzip by zlib."""

import fcntl
import os
import signal
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Literal

from homeport.archive.destination import CorruptArchiveError, write_all

_BLOCK = 1 << 20
_PIPE_BYTES = 1 << 20
_BUFFER = 256 << 10
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_GZIP_MAGIC = b"\x1f\x8b"
_HELD_BACK = (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP, signal.SIGTSTP)

Method = Literal["zstd", "gzip"]


def find_program(name: str, search_path: str) -> str | None:
    """The absolute path of an executable on a PATH."""
    for folder in search_path.split(os.pathsep):
        candidate = os.path.join(folder, name)
        if os.path.isabs(candidate) and os.access(candidate, os.X_OK) and os.path.isfile(candidate):
            return candidate
    return None


@contextmanager
def compressing(target: int, zstd: str | None) -> Iterator[Callable[["bytes | memoryview"], None]]:
    """Write compressed to an open, empty file: gives what takes the bytes. Complete when the block ends without an error."""
    if zstd is None:
        packer = zlib.compressobj(1, zlib.DEFLATED, 31)
        yield lambda data: write_all(target, packer.compress(data))
        write_all(target, packer.flush())
        return
    with _zstd_into(zstd, target) as pipe:
        yield lambda data: write_all(pipe, data)


@contextmanager
def expanding(path: str, zstd: str | None) -> Iterator[Callable[[int], "bytes | memoryview"]]:
    """Read a compressed file: gives a `read(size)` of the expanded bytes, which are good until the next call.

    A stream that is damaged or cut off raises `CorruptArchiveError`, at the latest when the block ends. Raises `OSError` where the
    file needs `zstd` and there is none.
    """
    source = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        magic = os.pread(source, 4, 0)
        if magic.startswith(_GZIP_MAGIC):
            expand = _gzip_reader(source)
            yield expand
            while expand(_BLOCK):
                pass
        elif magic == _ZSTD_MAGIC:
            if zstd is None:
                raise OSError(f"{path} is compressed with zstd, which is not on this machine's PATH")
            with _zstd_from(zstd, source) as read:
                yield read
        else:
            raise CorruptArchiveError("the archive is compressed in no way that is understood")
    finally:
        os.close(source)


def _gzip_reader(source: int) -> Callable[[int], bytes]:
    unpacker = zlib.decompressobj(31)
    packed = b""

    def read(size: int) -> bytes:
        nonlocal packed
        while not unpacker.eof:
            packed = packed or os.read(source, _BLOCK)
            if not packed:
                raise CorruptArchiveError("the archive is cut off")
            try:
                data = unpacker.decompress(packed, size)
            except zlib.error as error:
                raise CorruptArchiveError(f"the archive is damaged: {error}") from error
            packed = unpacker.unconsumed_tail
            if data:
                return data
        return b""

    return read


@contextmanager
def _zstd_into(program: str, target: int) -> Iterator[int]:
    reading, writing = _pipe()
    process = _spawn((program, "-q", "-c", "-T0", "-3"), stdin=reading, stdout=target)
    os.close(reading)
    try:
        yield writing
    finally:
        os.close(writing)
        code = _wait(process)
    if code:
        raise OSError(f"zstd ended with exit code {code}")


@contextmanager
def _zstd_from(program: str, source: int) -> Iterator[Callable[[int], memoryview]]:
    reading, writing = _pipe()
    process = _spawn((program, "-q", "-d", "-c", "--long=31"), stdin=source, stdout=writing)
    os.close(writing)
    complete = False
    # one buffer for all: to get a new one for each block costs more than to fill it, above all in a thread
    buffer = memoryview(bytearray(_BUFFER))
    try:
        yield lambda size: buffer[: os.readv(reading, [buffer[:size]])]
        while os.read(reading, _BLOCK):
            pass
        complete = True
    finally:
        os.close(reading)
        code = _wait(process)
    if complete and code:
        raise CorruptArchiveError("the archive is damaged or cut off")


def _pipe() -> tuple[int, int]:
    reading, writing = os.pipe()
    _widen(writing)
    return reading, writing


def _widen(pipe: int) -> None:
    """Let more bytes wait in the pipe, where the system can (Linux): fewer switches between the two processes."""
    setting = getattr(fcntl, "F_SETPIPE_SZ", None)
    if setting is not None:
        try:
            fcntl.fcntl(pipe, setting, _PIPE_BYTES)
        except OSError:  # a user's total may be limited
            return


def _spawn(arguments: tuple[str, ...], *, stdin: int, stdout: int) -> int:
    """Start a program that heeds no signal from the terminal: an interrupt must not cut an archive. It stays in Homeport's own process
    group: what does not is taken for a job's.
    """
    actions = [
        (os.POSIX_SPAWN_DUP2, stdin, 0),
        (os.POSIX_SPAWN_DUP2, stdout, 1),
        (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
    ]
    environment: Mapping[str, str] = {}
    return os.posix_spawn(arguments[0], arguments, environment, file_actions=actions, setsigmask=_HELD_BACK)


def _wait(process: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])

"""What a stage inside of the wall and the runner outside say to each other: frames of four bytes of length and MessagePack.

The inside asks, the outside answers what has an answer, in order. The outside trusts nothing of it: values are decoded by their types,
sizes are bounded, and what a stage may ask is no more than what its job may do.
"""

import os
import socket
from typing import Any, Literal

import msgspec

from homeport.ports.artifacts import Artifact
from homeport.ports.caches import CacheEntry
from homeport.ports.executor import JobPaths
from homeport.run.facts import Level

LONGEST = 64 * 1024 * 1024


class ConversationError(Exception):
    """The other side says what makes no sense, or has hung up."""


class _Ask(msgspec.Struct, frozen=True, tag=True):
    """The inside speaks."""


class Log(_Ask, frozen=True):
    """Print lines."""

    text: str


class Annotate(_Ask, frozen=True):
    """Print a message and raise an annotation."""

    severity: Level
    message: str


class Put(_Ask, frozen=True):
    """`output`, `variable`, `path`, `state`, `summary`, `mask`, `matcher`."""

    kind: Literal["output", "variable", "path", "state", "summary", "mask", "matcher"]
    name: str
    value: str = ""


class Resolved(_Ask, frozen=True):
    """A `VersionResolved` fact."""

    kind: Literal["action", "tool", "cache"]
    name: str
    version: str
    detail: str


class Uploaded(_Ask, frozen=True):
    """An `ArtifactUploaded` fact."""

    name: str
    artifact_id: str
    size: int
    digest: str


class Run(_Ask, frozen=True):
    """Answered with (exit code, what it printed: only where `quietly`)."""

    arguments: tuple[str, ...]
    environment: dict[str, str] | None
    working_directory: str | None
    quietly: bool


class FindStop(_Ask, frozen=True):
    """Answered with (reason or None, whether it is forced)."""


class ListArtifacts(_Ask, frozen=True):
    """Answered with the artifacts."""

    run: str
    attempt: int | None
    records: bool


class PutArtifact(_Ask, frozen=True):
    """Comes with a descriptor of the file. Answered with the `Artifact`."""

    name: str
    media_type: str
    retention_days: int
    overwrite: bool
    is_record: bool


class FetchArtifact(_Ask, frozen=True):
    """Answered with the path of a copy, which the asker removes."""

    id: str


class FindCache(_Ask, frozen=True):
    """Answered with the `CacheEntry`, or None."""

    key: str
    restore_keys: tuple[str, ...]
    version: str
    scopes: tuple[str, ...]


class FetchCache(_Ask, frozen=True):
    """Answered with the path of a copy, which the asker removes."""

    entry: CacheEntry


class PutCache(_Ask, frozen=True):
    """Comes with a descriptor of the archive. Answered with the entry, or None where the key is taken."""

    key: str
    version: str


class Done(_Ask, frozen=True):
    """The last word of a stage that went well; `value` is that of a question that has one."""

    value: str = ""


class Failed(_Ask, frozen=True):
    """The last word of one that did not: `action` is an `ActionError`, `os` an `OSError`, `evaluation` a mistake in an expression,
    `fault` one of Homeport's own.
    """

    kind: Literal["action", "os", "evaluation", "fault"]
    message: str


Ask = (
    Log
    | Annotate
    | Put
    | Resolved
    | Uploaded
    | Run
    | FindStop
    | ListArtifacts
    | PutArtifact
    | FetchArtifact
    | FindCache
    | FetchCache
    | PutCache
    | Done
    | Failed
)


class Stage(msgspec.Struct, frozen=True, tag=True):
    """What the inside is to do: a stage of a native action. All else that an `ActionHost` has and that does not change."""

    module: str
    stage: Literal["pre", "main", "post"]
    inputs: dict[str, str]
    environment: dict[str, str]
    github: dict[str, Any]
    paths: JobPaths
    state: dict[str, str]
    job_status: Literal["success", "failure", "cancelled"]
    run: str
    job: str
    source: str
    in_place: bool
    is_bare: bool
    repository: str | None
    """what `Sources.find_repository` says of the repository that the step asks for"""


class HashFiles(msgspec.Struct, frozen=True, tag=True):
    """`hashFiles`; `Done` has the hash."""

    arguments: tuple[str, ...]
    workspace: str
    home: str


class DeclareSubjects(msgspec.Struct, frozen=True, tag=True):
    """Look at the files that a step declared in `GITHUB_ARTIFACTS`; `Done` has the subjects, as JSON."""

    text: str
    known: bytes
    workspace: str


Task = Stage | HashFiles | DeclareSubjects


class Answer(msgspec.Struct, frozen=True):
    """`error` is None, or which kind of trouble `value` is the message of."""

    value: Any
    error: Literal["os", "store", "taken", "digest", "value"] | None = None


encode = msgspec.msgpack.encode
decode_task = msgspec.msgpack.Decoder(Task).decode
decode_ask = msgspec.msgpack.Decoder(Ask).decode
decode_answer = msgspec.msgpack.Decoder(Answer).decode
_convert = msgspec.convert


def as_artifact(value: object) -> Artifact:
    """An answer's value."""
    return _convert(value, Artifact)


def as_artifacts(value: object) -> list[Artifact]:
    """An answer's value."""
    return _convert(value, list[Artifact])


def as_entry(value: object) -> CacheEntry | None:
    """An answer's value."""
    return _convert(value, CacheEntry | None)


class Line:
    """One end, for the side that may wait: whole frames out and in. Used by one thread."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end

    def send(self, content: bytes, descriptor: int = -1) -> None:
        """A frame, and a descriptor with it. Raises `OSError`."""
        message = memoryview(len(content).to_bytes(4, "big") + content)
        if descriptor >= 0:
            message = message[socket.send_fds(self._end, [message], [descriptor]) :]
        if message:
            self._end.sendall(message)

    def receive(self) -> bytes:
        """The next frame. Raises `ConversationError` where there is none any more."""
        return self._exactly(int.from_bytes(self._exactly(4), "big"))

    def _exactly(self, size: int) -> bytes:
        parts: list[bytes] = []
        while size:
            part = self._end.recv(min(size, 1 << 20))
            if not part:
                raise ConversationError("the runner has hung up")
            parts.append(part)
            size -= len(part)
        return b"".join(parts)


class Frames:
    """One end, for the side that must not wait for the other: takes what has come, and gives the frames that are whole."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._buffer = bytearray()
        self._descriptors: list[int] = []

    def receive(self) -> "list[bytes] | None":
        """The frames that are whole by now; None at the end. Raises `ConversationError`, `OSError`."""
        data, descriptors, _, _ = socket.recv_fds(self._end, 1 << 18, 4)
        self._descriptors += descriptors
        if not data:
            return None
        self._buffer += data
        frames = []
        while len(self._buffer) >= 4:
            size = int.from_bytes(self._buffer[:4], "big")
            if size > LONGEST:
                raise ConversationError(f"a message of {size} bytes")
            if len(self._buffer) < 4 + size:
                break
            frames.append(bytes(self._buffer[4 : 4 + size]))
            del self._buffer[: 4 + size]
        return frames

    def take_descriptor(self) -> int:
        """The descriptor that came with a frame; the caller closes it. Raises `ConversationError`."""
        if not self._descriptors:
            raise ConversationError("a file was announced, and none came")
        return self._descriptors.pop(0)

    def close(self) -> None:
        """Let go of the end, and of descriptors that nobody took."""
        for descriptor in self._descriptors:
            os.close(descriptor)
        self._end.close()

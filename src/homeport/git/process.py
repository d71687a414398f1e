"""Starts git as a program, in a way that a hostile repository cannot turn into running something else.

The repository is named by environment variables, so git searches for nothing and asks nobody who owns it. Its own configuration may
name programs (fsmonitor, filters, external diffs, pagers, hooks): each is switched off by settings that come later than its own.
"""

import errno
import os
import select
from collections.abc import Mapping, Sequence

import msgspec

_READ_SIZE = 1 << 16
_MISSING = (b" missing", b" ambiguous")
_SETTINGS = (
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.quotePath=false",
    "gc.auto=0",
    "log.showSignature=false",
    "protocol.allow=never",
    "submodule.recurse=false",
)
_FIXED = ("--no-optional-locks", "--no-pager", *(word for setting in _SETTINGS for word in ("-c", setting)))
_KEPT = frozenset({"GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM", "GIT_EXEC_PATH"})


class GitError(Exception):
    """Git is missing, or refused; the message has its own words."""


class GitProcess:
    """One git command under way. `finish` must be called once, from the thread that started it."""

    __slots__ = ("_command", "_errors", "_output", "_process")

    def __init__(self, work_tree: str, arguments: Sequence[str], environment: Mapping[str, str]) -> None:
        self._command = arguments[0]
        if any("\0" in argument for argument in arguments):
            raise GitError(f"git {self._command}: a name holds a NUL")
        self._output, output = os.pipe()
        self._errors, errors = os.pipe()
        try:
            self._process = os.posix_spawn(
                find_program(environment),
                ["git", "-C", work_tree, *_FIXED, *arguments],
                environment,
                file_actions=[
                    (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                    (os.POSIX_SPAWN_DUP2, output, 1),
                    (os.POSIX_SPAWN_DUP2, errors, 2),
                ],
            )
        except OSError as error:
            os.close(self._output)
            os.close(self._errors)
            raise GitError(f"git cannot be started: {error.strerror}") from error
        finally:
            os.close(output)
            os.close(errors)

    def finish(self, *, allowed: Sequence[int] = (0,)) -> bytes:
        """Wait for the end and give the output. Raises `GitError` where the exit code is none of `allowed`."""
        output, errors = _read_both(self._output, self._errors)
        code = os.waitstatus_to_exitcode(os.waitpid(self._process, 0)[1])
        if code not in allowed:
            words = errors.decode("utf-8", "replace").strip() or f"exit code {code}"
            raise GitError(f"git {self._command}: {words}")
        return output


class FoundObject(msgspec.Struct, frozen=True):
    """An object with its content. `kind` is git's word (`commit`, `tree`, `blob`, `tag`)."""

    sha: str
    kind: str
    content: bytes


class ObjectReader:
    """A git process that waits for the next question. Not to be shared by threads; `close` must be called. Raises `GitError`.

    It sees objects that come while it lives, and refs as they are at each question. Source: git's documentation, "git-cat-file"
    (`--batch`).
    """

    def __init__(self, work_tree: str, environment: Mapping[str, str]) -> None:
        questions, self._questions = os.pipe()
        self._answers, answers = os.pipe()
        self._unread = b""
        try:
            self._process = os.posix_spawn(
                find_program(environment),
                ["git", "-C", work_tree, *_FIXED, "cat-file", "--batch"],
                environment,
                file_actions=[
                    (os.POSIX_SPAWN_DUP2, questions, 0),
                    (os.POSIX_SPAWN_DUP2, answers, 1),
                    (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
                ],
            )
        except OSError as error:
            os.close(self._questions)
            os.close(self._answers)
            raise GitError(f"git cannot be started: {error.strerror}") from error
        finally:
            os.close(questions)
            os.close(answers)

    def find(self, name: str) -> FoundObject | None:
        """What a name stands for (`<sha>`, `<sha>^{commit}`, `<sha>:<path>`); None where there is no such thing."""
        question = name.encode("utf-8", "surrogateescape")
        if b"\n" in question or b"\0" in question:
            return None
        try:
            os.write(self._questions, question + b"\n")
        except OSError as error:
            raise GitError(f"git cat-file has ended: {error.strerror}") from error
        head = self._read_line()
        if head.endswith(_MISSING):
            return None
        words = head.split()
        if len(words) != 3 or not words[2].isdigit():
            raise GitError(f"git cat-file: {head.decode('utf-8', 'replace')}")
        content = self._read(int(words[2]) + 1)[:-1]
        return FoundObject(words[0].decode(), words[1].decode(), content)

    def close(self) -> None:
        """Let git end, and wait for it."""
        os.close(self._questions)
        os.close(self._answers)
        os.waitpid(self._process, 0)

    def _read_line(self) -> bytes:
        while b"\n" not in self._unread:
            self._fill()
        line, _, self._unread = self._unread.partition(b"\n")
        return line

    def _read(self, size: int) -> bytes:
        parts, rest = [self._unread[:size]], size - len(self._unread[:size])
        self._unread = self._unread[size:]
        while rest:
            part = self._receive(min(rest, _READ_SIZE))
            parts.append(part)
            rest -= len(part)
        return b"".join(parts)

    def _fill(self) -> None:
        self._unread += self._receive(_READ_SIZE)

    def _receive(self, size: int) -> bytes:
        data = os.read(self._answers, size)
        if not data:
            raise GitError("git cat-file has ended: the repository cannot be read")
        return data


def git_environment(
    environment: Mapping[str, str], git_dir: str, work_tree: str, filters: Sequence[str]
) -> dict[str, str]:
    """The environment of git commands: the caller's, without the variables by which git's own hooks point it elsewhere.

    `filters` are the names of the filters that the repository's own configuration defines: they are switched off.
    """
    kept = {name: value for name, value in environment.items() if not name.startswith("GIT_") or name in _KEPT}
    settings = [
        (f"filter.{name}.{key}", value)
        for name in filters
        for key, value in (("clean", ""), ("smudge", ""), ("process", ""), ("required", "false"))
    ]
    numbered: dict[str, str] = {"GIT_CONFIG_COUNT": str(len(settings))} if settings else {}
    for number, (key, value) in enumerate(settings):
        numbered[f"GIT_CONFIG_KEY_{number}"] = key
        numbered[f"GIT_CONFIG_VALUE_{number}"] = value
    return {
        **kept,
        **numbered,
        "GIT_DIR": git_dir,
        "GIT_WORK_TREE": work_tree,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_LITERAL_PATHSPECS": "1",
        "LC_ALL": "C",
    }


def find_program(environment: Mapping[str, str]) -> str:
    """Git by the PATH that was handed in, not by that of this process; a relative folder in it is passed over."""
    for folder in environment.get("PATH", os.defpath).split(os.pathsep):
        program = os.path.join(folder, "git")
        if os.path.isabs(program) and os.access(program, os.X_OK):
            return program
    raise FileNotFoundError(errno.ENOENT, "there is no program 'git' in PATH")


def _read_both(output: int, errors: int) -> tuple[bytes, bytes]:
    """Read two pipes to their ends, whichever fills first."""
    parts: dict[int, list[bytes]] = {output: [], errors: []}
    poller = select.poll()
    for descriptor in parts:
        poller.register(descriptor, select.POLLIN)
    open_pipes = len(parts)
    while open_pipes:
        for descriptor, _ in poller.poll():
            data = os.read(descriptor, _READ_SIZE)
            if data:
                parts[descriptor].append(data)
            else:
                poller.unregister(descriptor)
                os.close(descriptor)
                open_pipes -= 1
    return b"".join(parts[output]), b"".join(parts[errors])

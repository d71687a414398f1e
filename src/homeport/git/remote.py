"""The doorway to repositories elsewhere: asks over HTTP what a ref stands for, and brings the files of one commit.

Git is started without anybody's configuration, hooks, helpers or prompts, and may speak one protocol only: that of the address. It can
be interrupted, and has a time limit. Credentials come from the address' host in `~/.netrc`, which runs nothing.
"""

import os
import select
import signal
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from time import monotonic
from typing import Literal

import msgspec

from homeport.git.process import find_program

ASK_SECONDS = 60.0
FETCH_SECONDS = 900.0
_TICK_MILLISECONDS = 100
_GRACE_SECONDS = 2.0
_READ_SIZE = 1 << 16
_MOST_OUTPUT = 1 << 26
_SCHEMES = ("http", "https")
_FIXED = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.askPass=",
    "credential.helper=",
    "gc.auto=0",
    "maintenance.auto=false",
    "protocol.allow=never",
    "submodule.recurse=false",
    "tar.umask=0022",
    "http.lowSpeedLimit=1000",
    "http.lowSpeedTime=60",
)
_KEPT = frozenset(
    {"PATH", "HOME", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_CAINFO", "GIT_SSL_CAPATH", "GIT_EXEC_PATH"}
)
_DEFAULTS = [signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE]

Trouble = Literal["missing", "no-ref", "unreachable", "failed"]


class RemoteGitError(Exception):
    """Git could not do it. `trouble`: there is no such repository (or it is not for us) · it has no such ref or commit · nobody
    answers · anything else.
    """

    def __init__(self, message: str, trouble: Trouble) -> None:
        super().__init__(message)
        self.trouble = trouble


class RemoteGitStoppedError(Exception):
    """It was not wanted any more."""


class FoundRef(msgspec.Struct, frozen=True):
    """A ref by its full name, and the commit that it leads to (for an annotated tag, not the tag itself)."""

    name: str
    commit: str


class RemoteGit:
    """Git for repositories elsewhere. Thread-safe: it keeps nothing. All methods raise `RemoteGitError` and `RemoteGitStoppedError`."""

    def __init__(
        self,
        environment: Mapping[str, str],
        is_stopped: Callable[[], bool],
        settings: Mapping[str, str] | None = None,
        *,
        ask_seconds: float = ASK_SECONDS,
        fetch_seconds: float = FETCH_SECONDS,
    ) -> None:
        """`settings` are more of git's settings; they may be secret: no list of processes shows them. What takes longer than it may is
        given up as `unreachable`.
        """
        self._ask_seconds = ask_seconds
        self._fetch_seconds = fetch_seconds
        numbered = list(enumerate((settings or {}).items()))
        self._environment = {
            **{name: value for name, value in environment.items() if name in _KEPT or name.lower().endswith("_proxy")},
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_NO_LAZY_FETCH": "1",
            "LC_ALL": "C",
            **({"GIT_CONFIG_COUNT": str(len(numbered))} if numbered else {}),
            **{f"GIT_CONFIG_KEY_{number}": key for number, (key, _) in numbered},
            **{f"GIT_CONFIG_VALUE_{number}": value for number, (_, value) in numbered},
        }
        self._is_stopped = is_stopped

    def find_refs(self, url: str, names: Collection[str]) -> list[FoundRef]:
        """Those of the full names that the repository has, in the order of `names`."""
        asked = [word for name in names for word in (name, f"{name}^{{}}")]
        output = self._run(["ls-remote", "--quiet", "--", url, *asked], url, self._ask_seconds)
        found: dict[str, str] = {}
        for line in output.decode("utf-8", "replace").splitlines():
            commit, _, name = line.partition("\t")
            found[name] = commit
        peeled = {name: found.get(f"{name}^{{}}") or found.get(name) for name in names}
        return [FoundRef(name, commit) for name, commit in peeled.items() if commit]

    def fetch(self, url: str, wanted: str, git_dir: str, *, is_sha256: bool = False) -> str:
        """Bring one commit (a full ref or a full id), without its history, into a new bare repository; gives its id."""
        _make_bare(git_dir, is_sha256=is_sha256)
        words = ["fetch", "--quiet", "--depth=1", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head"]
        self._run([*words, "--", url, f"+{wanted}:refs/homeport/fetched"], url, self._fetch_seconds, git_dir)
        words = ["rev-parse", "--verify", "--quiet", "refs/homeport/fetched^{commit}"]
        return self._run(words, "", self._ask_seconds, git_dir).decode("ascii", "replace").strip()

    def list_refs(self, url: str, patterns: Sequence[str]) -> dict[str, str]:
        """The refs that match (`refs/heads/*`), by full name: for an annotated tag the tag object."""
        output = self._run(["ls-remote", "--quiet", "--refs", "--", url, *patterns], url, self._ask_seconds)
        pairs = (line.split("\t", 1) for line in output.decode("utf-8", "replace").splitlines())
        return {ref: sha for sha, ref in pairs}

    def fetch_refs(self, url: str, refspecs: Sequence[str], git_dir: str) -> None:
        """Bring refs (`+refs/heads/main:refs/heads/main`) with their history into a repository that is there."""
        words = ["fetch", "--quiet", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head", "--force"]
        self._run([*words, "--", url, *refspecs], url, self._fetch_seconds, git_dir)

    def borrow(self, objects: str, git_dir: str, *, is_sha256: bool = False) -> None:
        """Make a bare repository with the objects of another one, but without its configuration, which may name programs."""
        _make_bare(git_dir, is_sha256=is_sha256)
        os.mkdir(os.path.join(git_dir, "objects", "info"), 0o700)
        _write(os.path.join(git_dir, "objects", "info", "alternates"), f"{objects}\n")

    def archive(self, git_dir: str, commit: str, file: str) -> None:
        """Write the files of a commit as a tar archive, as a forge hands it out (`export-ignore` and `export-subst` hold)."""
        self._run(["archive", "--format=tar", f"--output={file}", commit], "", self._fetch_seconds, git_dir)

    def find_commit(self, git_dir: str, names: Sequence[str]) -> FoundRef | None:
        """The first of these names (refs or ids) that leads to a commit of a repository on this machine."""
        for name in names:
            words = ["rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}"]
            commit = (
                self._run(words, "", self._ask_seconds, git_dir, allowed=(0, 1, 128)).decode("ascii", "replace").strip()
            )
            if commit:
                return FoundRef(name, commit)
        return None

    def _run(
        self,
        words: Sequence[str],
        url: str,
        seconds: float,
        git_dir: str = "",
        *,
        allowed: Sequence[int] = (0,),
    ) -> bytes:
        scheme = url.partition("://")[0].lower()
        if url and scheme not in _SCHEMES:
            raise RemoteGitError(f"{scheme or url}: only {' and '.join(_SCHEMES)} are spoken", "failed")
        settings = [*_FIXED, *([f"protocol.{scheme}.allow=always"] if url else [])]
        environment = {**self._environment, **({"GIT_DIR": git_dir} if git_dir else {})}
        command = ["git", "--no-pager", *(word for setting in settings for word in ("-c", setting)), *words]
        code, output, errors = _await(_Child(command, environment), self._is_stopped, monotonic() + seconds)
        if code == -signal.SIGINT:
            raise RemoteGitStoppedError  # ^C in a terminal reaches git too
        if code not in allowed:
            text = errors.decode("utf-8", "replace").strip()
            raise RemoteGitError(_last_words(text) or f"git {words[0]} ended with code {code}", _judge(text))
        return output


class _Child:
    """A started git. `close` ends it, if it has not ended."""

    def __init__(self, command: list[str], environment: Mapping[str, str]) -> None:
        self.code: int | None = None
        self.output, output = os.pipe()
        self.errors, errors = os.pipe()
        try:
            self._pid = os.posix_spawn(
                find_program(environment),
                command,
                environment,
                file_actions=[
                    (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                    (os.POSIX_SPAWN_DUP2, output, 1),
                    (os.POSIX_SPAWN_DUP2, errors, 2),
                ],
                setpgroup=0,
                setsigdef=_DEFAULTS,
            )
        except OSError as error:
            os.close(self.output)
            os.close(self.errors)
            raise RemoteGitError(f"git cannot be started: {error.strerror}", "failed") from error
        finally:
            os.close(output)
            os.close(errors)

    def has_ended(self) -> bool:
        if self.code is None:
            pid, status = os.waitpid(self._pid, os.WNOHANG)
            if pid:
                self.code = os.waitstatus_to_exitcode(status)
        return self.code is not None

    def close(self) -> None:
        """Git is asked first, so that it removes its temporary files. The helper that speaks HTTP it leaves behind: that one is ended too."""
        os.close(self.output)
        os.close(self.errors)
        if self.has_ended():
            return
        ends_at = monotonic() + _GRACE_SECONDS
        self._signal(signal.SIGTERM)
        while not self.has_ended():
            if monotonic() > ends_at:
                self._signal(signal.SIGKILL)
            select.select([], [], [], 0.01)
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._pid, number)


def _await(child: _Child, is_stopped: Callable[[], bool], ends_at: float) -> tuple[int, bytes, bytes]:
    parts: dict[int, list[bytes]] = {child.output: [], child.errors: []}
    poller = select.poll()
    for descriptor in parts:
        poller.register(descriptor, select.POLLIN)
    open_pipes = set(parts)
    try:
        while open_pipes or not child.has_ended():
            for descriptor, _ in poller.poll(_TICK_MILLISECONDS if open_pipes else 5):
                data = os.read(descriptor, _READ_SIZE)
                if data and sum(map(len, parts[descriptor])) < _MOST_OUTPUT:
                    parts[descriptor].append(data)
                else:
                    poller.unregister(descriptor)
                    open_pipes.discard(descriptor)
            if is_stopped():
                raise RemoteGitStoppedError
            if monotonic() > ends_at:
                raise RemoteGitError("it took too long", "unreachable")
    finally:
        output, errors = (b"".join(parts[descriptor]) for descriptor in (child.output, child.errors))
        child.close()
    assert child.code is not None
    return child.code, output, errors


def _make_bare(git_dir: str, *, is_sha256: bool) -> None:
    """What `git init --bare` makes, without starting it."""
    for folder in ("", "objects", "refs"):
        os.mkdir(os.path.join(git_dir, folder), 0o700)
    config = "[core]\n\trepositoryformatversion = 0\n\tbare = true\n"
    if is_sha256:
        config = config.replace("= 0", "= 1") + "[extensions]\n\tobjectformat = sha256\n"
    for name, text in (("HEAD", "ref: refs/heads/main\n"), ("config", config)):
        _write(os.path.join(git_dir, name), text)


def _write(path: str, text: str) -> None:
    with open(path, "wb") as file:  # noqa: PTH123 - pathlib is slow to import
        file.write(os.fsencode(text))


_MISSING = ("not found", "could not read username", "authentication failed", "does not exist", "error: 401")
_NO_REF = (
    "not our ref",
    "couldn't find remote ref",
    "unadvertised object",
    "no such remote ref",
    "mismatched algorithms",
)
_UNREACHABLE = (
    "could not resolve",
    "couldn't connect",
    "failed to connect",
    "connection",
    "timed out",
    "timeout",
    "network",
    "ssl",
    "certificate",
    "error: 5",
    "error: 429",
    "early eof",
    "operation too slow",
    "transfer closed",
    "empty reply",
    "proxy",
)


def _judge(text: str) -> Trouble:
    """What git's words mean (they are the same in every release of the last years, and always English: `LC_ALL=C`)."""
    if any(word in text.lower() for word in _NO_REF):
        return "no-ref"
    lower = "".join(text.lower().split("'")[::2])  # addresses and names stand in quotes
    if any(word in lower for word in _MISSING):
        return "missing"
    return "unreachable" if any(word in lower for word in _UNREACHABLE) else "failed"


def _last_words(text: str) -> str:
    """The line that says why: git's `fatal: ` before what follows from it."""
    lines = [line for line in text.splitlines() if line]
    fatal = [line.removeprefix("fatal: ") for line in lines if line.startswith("fatal: ")]
    return fatal[0] if fatal else (lines[-1] if lines else "")

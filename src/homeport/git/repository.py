"""The doorway to git: a repository on this machine, read and never changed.

Each question costs at most one start of git (2 to 3 ms); what git's files say plainly is read from them. Answers are about the
moment of asking: nothing is kept. No question runs a program that the repository's own configuration names.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import msgspec

from homeport.event import Commit
from homeport.git.discovery import Layout, find_layout, find_setting, includes_files, read_config
from homeport.git.objects import list_names, parse_commit, parse_log, read_loose_commit
from homeport.git.process import FoundObject, GitError, GitProcess, ObjectReader, git_environment
from homeport.git.refs import Head, is_id, read_head, read_link, read_ref, uses_files

__all__ = ["Change", "GitError", "GitRepository", "Head", "NamedObject", "TreeEntry", "find_repository"]

_ABSENT = (0, 1, 128)
"""Exit codes of a question whose answer may be that there is no such thing."""
_LOG_FORMAT = "tformat:%H%x00%T%x00%P%x00%an%x00%ae%x00%ad%x00%cn%x00%ce%x00%cd%x00%B"
_DIFF = ("diff", "--name-only", "-z", "--no-renames", "--no-ext-diff", "--no-textconv", "--ignore-submodules=dirty")
_UNTRACKED = ("ls-files", "-z", "--others", "--exclude-standard")


class Change(msgspec.Struct, frozen=True):
    """One path that differs from HEAD: `code` is git's two letters (index, working tree), `??` where git does not know it."""

    code: str
    path: str


class TreeEntry(msgspec.Struct, frozen=True):
    """What a folder of a commit holds: `kind` is git's word (`blob`, `tree`, `commit` for a submodule); only blobs have a size."""

    mode: str
    kind: str
    sha: str
    size: int
    name: str


class NamedObject(msgspec.Struct, frozen=True):
    """A ref and what it names; `commit` is what an annotated tag points to in the end, else the same."""

    ref: str
    kind: str
    sha: str
    commit: str


class PendingStatus:
    """A status that git is working on. `finish` must be called, once."""

    __slots__ = ("_process",)

    def __init__(self, process: GitProcess) -> None:
        self._process = process

    def finish(self) -> list[Change]:
        """Wait for it. Raises `GitError`."""
        return [Change(entry[:2], entry[3:]) for entry in _split_paths(self._process.finish())]


class GitRepository:
    """A repository with a working tree. Paths are relative to its root, with forward slashes. Not to be shared by threads.

    Every method may raise `GitError`: git is missing, or the repository is broken.
    """

    def __init__(self, layout: Layout, environment: Mapping[str, str]) -> None:
        self._layout = layout
        self._config = read_config(layout)
        self._plain = not includes_files(self._config)
        self._files = self._plain and uses_files(self._config)
        self._reader: ObjectReader | None = None
        self._readings = 0
        self._environment = git_environment(environment, layout.git_dir, layout.work_tree, ())
        filters = self._find_filters()
        if filters:
            self._environment = git_environment(environment, layout.git_dir, layout.work_tree, filters)

    @property
    def root(self) -> str:
        """The top of the working tree, absolute."""
        return self._layout.work_tree

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Inside, everything that is asked about single objects is answered by one git, which is started for the first question."""
        self._readings += 1
        try:
            yield
        finally:
            self._readings -= 1
            if not self._readings:
                self._close_reader()

    # --- names -------------------------------------------------------------------------------------------------------

    def head(self) -> Head:
        """What is checked out."""
        if self._files:
            return read_head(self._layout)
        ref = self._text(["symbolic-ref", "--quiet", "HEAD"], allowed=_ABSENT)
        return Head(ref or None, self.resolve("HEAD"))

    def find_ref(self, ref: str) -> str | None:
        """The object that a full ref names: for an annotated tag the tag, not its commit (`resolve` gives that)."""
        if self._files:
            return read_ref(self._layout, ref)
        return self._text(["rev-parse", "--verify", "--quiet", "--end-of-options", ref], allowed=_ABSENT) or None

    def find_link(self, ref: str) -> str | None:
        """The ref that a symbolic ref such as `refs/remotes/origin/HEAD` stands for."""
        if self._files:
            return read_link(self._layout, ref)
        return self._text(["symbolic-ref", "--quiet", ref], allowed=_ABSENT) or None

    def resolve(self, revision: str) -> str | None:
        """The commit that a revision means (`main`, `HEAD~2`, a tag: the commit it points to); None where it means none."""
        if "\0" in revision:
            return None  # no program can be told so
        if is_id(revision) and read_loose_commit(self._layout, revision) is not None:
            return revision
        question = f"{revision}^{{commit}}"
        if self._readings:
            found = self._find(question)
            return None if found is None else found.sha
        text = self._text(["rev-parse", "--verify", "--quiet", "--end-of-options", question], allowed=_ABSENT)
        return text if is_id(text) else None

    def tags_at(self, sha: str) -> list[str]:
        """The names of the tags that point at a commit, annotated ones too, by version with the newest first."""
        words = ["for-each-ref", "--format=%(refname)", "--sort=-version:refname", f"--points-at={sha}", "refs/tags"]
        return [ref.removeprefix("refs/tags/") for ref in self._text(words).splitlines()]

    def list_refs(self, prefix: str) -> list[NamedObject]:
        """The refs below a prefix (`refs/heads/`), or the one that is called so, by name."""
        form = "%(refname)%00%(objecttype)%00%(objectname)%00%(*objectname)"
        lines = self._text(["for-each-ref", f"--format={form}", "--", prefix]).splitlines()
        return [NamedObject(ref, kind, sha, peeled or sha) for ref, kind, sha, peeled in (x.split("\0") for x in lines)]

    def find_remote(self, name: str = "origin") -> str | None:
        """The URL of a remote."""
        if self._plain:
            if "[remote" not in self._config:
                return None
            found = find_setting(self._config, f'remote "{name}"', "url")
            if found is not None:
                return found
        return self._text(["config", "--get", f"remote.{name}.url"], allowed=(0, 1)) or None

    def list_remotes(self) -> dict[str, str]:
        """The URLs of all remotes, by name."""
        lines = self._text(["config", "--get-regexp", r"^remote\..*\.url$"], allowed=(0, 1)).splitlines()
        pairs = (line.split(" ", 1) for line in lines if " " in line)
        return {name.removeprefix("remote.").removesuffix(".url"): url for name, url in pairs}

    def find_user(self) -> tuple[str, str]:
        """`user.name` and `user.email` as git would use them now, empty where they are not set."""
        lines = self._text(["config", "--get-regexp", r"^user\.(name|email)$"], allowed=(0, 1)).splitlines()
        values = dict(line.split(" ", 1) for line in lines if " " in line)
        return values.get("user.name", ""), values.get("user.email", "")

    # --- commits -----------------------------------------------------------------------------------------------------

    def read_commit(self, sha: str) -> Commit | None:
        """A commit by its full id; None where there is none."""
        if not is_id(sha):
            return None
        commit = read_loose_commit(self._layout, sha)
        if commit is not None:
            return commit
        if self._readings:
            found = self._find(sha)
            return parse_commit(sha, found.content) if found is not None and found.kind == "commit" else None
        body = self._run(["cat-file", "commit", sha], allowed=_ABSENT)
        return parse_commit(sha, body) if body else None

    def log(self, base: str | None, head: str, *, limit: int) -> list[Commit]:
        """The commits of `head` that `base` does not have, oldest first: the newest `limit` of them."""
        revisions = [head] if base is None else [head, f"^{base}"]
        words = ["log", "-z", f"--max-count={limit}", "--date=raw", f"--format={_LOG_FORMAT}", "--end-of-options"]
        return parse_log(self._run([*words, *revisions]))[::-1]

    def merge_base(self, one: str, other: str) -> str | None:
        """The best common ancestor of two commits; None where they have none."""
        return self._text(["merge-base", "--end-of-options", one, other], allowed=(0, 1)) or None

    def count_commits(self, base: str, head: str, *, limit: int) -> int:
        """How many commits `head` has that `base` does not have; counting ends at the limit."""
        words = ["rev-list", "--count", f"--max-count={limit}", "--end-of-options", head, f"^{base}"]
        return int(self._text(words))

    # --- files -------------------------------------------------------------------------------------------------------

    def status(self, folder: str = "", *, each_file: bool = False) -> list[Change]:
        """What differs from HEAD, in the index or in the working tree, in one folder or in all; ignored files are left out.

        A new folder is one entry, unless `each_file` is asked for; a repository inside this one always is (with a slash at its end).
        """
        return self.start_status(folder, each_file=each_file).finish()

    def start_status(self, folder: str = "", *, each_file: bool = False) -> "PendingStatus":
        """Ask for the status, and do something else meanwhile: it is the one question that looks at every file."""
        words = [
            "status",
            "--porcelain=v1",
            "-z",
            f"--untracked-files={'all' if each_file else 'normal'}",
            "--no-renames",
            "--ignore-submodules=dirty",
            *(["--", folder] if folder else []),
        ]
        return PendingStatus(self._start(words))

    def changed_paths(self, base: str, head: str | None = None) -> list[str]:
        """The paths that differ between two commits, or between a commit and the working tree with its new files, sorted.

        A renamed file counts under both names. `base` may be the empty tree.
        """
        if head is not None:
            return _split_paths(self._run([*_DIFF, "--end-of-options", base, head, "--"]))
        untracked = self._start(_UNTRACKED)
        try:
            tracked = self._run([*_DIFF, "--end-of-options", base, "--"])
        finally:
            new = untracked.finish()
        return sorted({*_split_paths(tracked), *_split_paths(new)})

    def list_files(self, folder: str = "") -> list[str]:
        """The files that git would keep: tracked and new ones, not the ignored. One that was deleted is still listed.

        A submodule is listed as the path of its folder; so is another repository inside this one, with a slash at its end.
        """
        words = ["ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *([folder] if folder else [])]
        return list(dict.fromkeys(_split_paths(self._run(words))))

    def list_tree(self, revision: str, folder: str) -> list[str]:
        """The files directly in a folder of a commit; empty where the commit has no such folder."""
        if self._readings and _is_plain(folder):
            found = self._find(f"{revision}:{folder}")
            names = list_names(found.content, len(found.sha) // 2) if found is not None and found.kind == "tree" else []
            return [f"{folder}/{name}" for name in names]
        words = ["ls-tree", "-z", "--name-only", "--full-tree", "--end-of-options", revision, f"{folder.rstrip('/')}/"]
        return _split_paths(self._run(words))

    def read_tree(self, revision: str, folder: str) -> list[TreeEntry]:
        """What is directly in a folder of a commit (empty: its root), by name; empty where the commit has no such folder."""
        words = ["ls-tree", "-z", "-l", "--full-tree", "--end-of-options", revision]
        entries = _split_paths(self._run([*words, *([f"{folder.rstrip('/')}/"] if folder else [])]))
        return [_parse_entry(entry) for entry in entries]

    def show(self, revision: str, name: str) -> bytes | None:
        """The content of a file in a commit, as it is stored; None where the commit has no such file."""
        if self._readings and _is_plain(name):
            found = self._find(f"{revision}:{name}")
            return found.content if found is not None and found.kind == "blob" else None
        output = self._start(["cat-file", "blob", f"{revision}:{name}"])
        try:
            return output.finish()
        except GitError:
            return None

    # --- asking git --------------------------------------------------------------------------------------------------

    def _start(self, words: Sequence[str]) -> GitProcess:
        return GitProcess(self._layout.work_tree, words, self._environment)

    def _find(self, name: str) -> FoundObject | None:
        if self._reader is None:
            self._reader = ObjectReader(self._layout.work_tree, self._environment)
        try:
            return self._reader.find(name)
        except GitError:
            self._close_reader()
            raise

    def _close_reader(self) -> None:
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.close()

    def _run(self, words: Sequence[str], *, allowed: Sequence[int] = (0,)) -> bytes:
        return self._start(words).finish(allowed=allowed)

    def _text(self, words: Sequence[str], *, allowed: Sequence[int] = (0,)) -> str:
        return self._run(words, allowed=allowed).decode("utf-8", "replace").rstrip("\n")

    def _find_filters(self) -> list[str]:
        """The filters that this repository itself defines. Those of the user's own configuration are trusted (`git-lfs`)."""
        if self._plain and "[filter" not in self._config.lower():
            return []
        words = ["config", "--local", "--includes", "-z", "--name-only", "--get-regexp", r"^filter\."]
        names = _split_paths(self._run(words, allowed=(0, 1)))
        return sorted({name.partition(".")[2].rpartition(".")[0] for name in names})


def find_repository(folder: str, environment: Mapping[str, str]) -> GitRepository | None:
    """The repository whose working tree holds a folder; None where there is none.

    `environment` is what git gets (PATH, HOME, locale); variables that would point it to another repository are left out.
    """
    layout = find_layout(folder)
    return None if layout is None else GitRepository(layout, environment)


def _parse_entry(entry: str) -> TreeEntry:
    """`<mode> <kind> <sha> <size>`, a tab, the path."""
    head, _, path = entry.partition("\t")
    mode, kind, sha, size = head.split()
    return TreeEntry(mode, kind, sha, int(size) if size.isdigit() else 0, path.rpartition("/")[2])


def _is_plain(path: str) -> bool:
    """Whether git takes it for a path below the root: `./` and `../` are relative to where it is called."""
    return not {"", ".", ".."}.intersection(path.split("/"))


def _split_paths(output: bytes) -> list[str]:
    return [name.decode("utf-8", "surrogateescape") for name in output.split(b"\0") if name]

"""Writes the git folder of a working copy: its own HEAD, refs and settings, the original's objects.

Objects are borrowed (`objects/info/alternates`), so nothing is copied and nothing that the copy does can reach the original (but for the
time stamp of an object that both come to have, which git renews). Source: git's documentation, "gitrepository-layout", "git-replace",
"git-config" (`url.<base>.insteadOf`).
"""

import hashlib
import os
import zlib

import msgspec

from homeport.git.discovery import Layout
from homeport.git.refs import is_id
from homeport.runner.actions.working_copy.source import SourceTree, Target
from homeport.runner.folders import make_folder, write_file


class Checkout(msgspec.Struct, frozen=True, kw_only=True):
    """What a working copy's git folder says."""

    sha: str | None
    """the commit of HEAD; None where there is no commit yet"""
    branch: str | None = None
    """the branch to be on; None: HEAD is detached"""
    refs: dict[str, str] = {}
    shallow: tuple[str, ...] = ()
    url: str = ""
    """what `origin` is called; fetching from it reads the original on this machine instead"""
    work_tree: str = ""
    """where the working tree is, for a git folder that is not in it (a submodule's)"""


def write_git_folder(target: Target, source: SourceTree, checkout: Checkout) -> None:
    """Write a git folder to where none stands. Raises `OSError`."""
    layout = source.layout
    folder = target.git_dir
    for name in ("objects/info", "objects/pack", "refs/heads", "refs/tags", "info"):
        make_folder(os.path.join(folder, name))
    if layout is not None:
        objects = os.path.join(layout.common_dir, "objects")
        _write(folder, "objects/info/alternates", _quote_alternate(objects) + "\n")
    _write(folder, "config", _configuration(checkout, layout))
    refs = dict(checkout.refs)
    if checkout.branch is None:
        _write(folder, "HEAD", f"{checkout.sha}\n")
    else:
        _write(folder, "HEAD", f"ref: refs/heads/{checkout.branch}\n")
        if checkout.sha is not None:
            refs[f"refs/heads/{checkout.branch}"] = checkout.sha
    if checkout.sha is not None and source.prefix:
        refs[f"refs/replace/{checkout.sha}"] = _write_replacement(folder, source, checkout.sha)
    _write(folder, "packed-refs", "".join(f"{sha} {ref}\n" for ref, sha in sorted(refs.items())))
    if checkout.shallow:
        _write(folder, "shallow", "".join(f"{sha}\n" for sha in sorted(set(checkout.shallow))))


def _write_replacement(folder: str, source: SourceTree, sha: str) -> str:
    """A commit that stands for HEAD where only a part of the repository is the working copy: the same but for its tree.

    So `git rev-parse HEAD` names the real commit, and `git status` and `git diff` compare with that part alone.
    """
    commit = source.ask(["cat-file", "commit", sha])
    tree = source.ask(["rev-parse", "--verify", "--quiet", f"{sha}:{source.prefix}"], allowed=(0, 1, 128)).strip()
    algorithm = "sha1" if len(sha) == 40 else "sha256"
    if not is_id(tree):
        tree = _write_object(folder, "tree", b"", algorithm)
    head, separator, message = commit.partition("\n\n")
    body = "\n".join([f"tree {tree}", *_without_signature(head.split("\n")[1:])]) + separator + message
    return _write_object(folder, "commit", body.encode("utf-8", "surrogateescape"), algorithm)


def _without_signature(lines: list[str]) -> list[str]:
    """The headers but the signature, which another tree makes untrue."""
    kept: list[str] = []
    within = False
    for line in lines:
        within = line.startswith("gpgsig") or (within and line.startswith(" "))
        if not within:
            kept.append(line)
    return kept


def _write_object(folder: str, kind: str, body: bytes, algorithm: str) -> str:
    content = b"%s %d\0" % (kind.encode(), len(body)) + body
    digest = hashlib.new(algorithm, content, usedforsecurity=False).hexdigest()
    place = os.path.join(folder, "objects", digest[:2])
    make_folder(place)
    write_file(os.path.join(place, digest[2:]), zlib.compress(content))
    return digest


def _configuration(checkout: Checkout, layout: Layout | None) -> str:
    wide = checkout.sha is not None and len(checkout.sha) > 40
    lines = ["[core]", f"\trepositoryformatversion = {int(wide)}", "\tfilemode = true", "\tbare = false"]
    lines.append("\tlogallrefupdates = true")
    if checkout.work_tree:
        lines.append(f"\tworktree = {quote(checkout.work_tree)}")
    if wide:
        lines += ["[extensions]", "\tobjectformat = sha256"]
    lines += ["[gc]", "\tauto = 0"]
    if checkout.url:
        lines += [
            '[remote "origin"]',
            f"\turl = {quote(checkout.url)}",
            "\tfetch = +refs/heads/*:refs/remotes/origin/*",
        ]
        if layout is not None:
            lines += [f"[url {quote(layout.common_dir)}]", f"\tinsteadOf = {quote(checkout.url)}"]
            lines += [f"[url {quote(checkout.url)}]", f"\tpushInsteadOf = {quote(checkout.url)}"]
    if checkout.branch is not None:
        lines += [f"[branch {quote(checkout.branch)}]", "\tremote = origin", f"\tmerge = refs/heads/{checkout.branch}"]
    return "\n".join([*lines, ""])


def quote(text: str) -> str:
    """A value or a section's name as git's configuration files have it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _quote_alternate(path: str) -> str:
    """A path with a line feed, or one that begins with a quote or a hash, is quoted as a C string."""
    return quote(path) if "\n" in path or path[:1] in {'"', "#"} else path


def _write(folder: str, name: str, text: str) -> None:
    path = os.path.join(folder, name)
    if os.path.lexists(path):
        os.unlink(path)
    write_file(path, text.encode("utf-8", "surrogateescape"))
    os.chmod(path, 0o644)

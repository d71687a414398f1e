"""Reads commits (a loose one straight from its file, others from git's output) and the names in trees.

Source: git's documentation, "gitformat-loose" and "git-cat-file" (zlib; header, headers of the commit, message), "git-mktree" (trees).
"""

import zlib
from datetime import datetime, timedelta, timezone
from os import path

from homeport.event import Commit, Signature
from homeport.git.discovery import Layout, read_bytes

_MAX_COMMIT = 1 << 20


def read_loose_commit(layout: Layout, sha: str) -> Commit | None:
    """A commit that is stored in a file of its own; None where it is packed, borrowed, or no commit."""
    data = read_bytes(path.join(layout.common_dir, "objects", sha[:2], sha[2:]))
    if data is None:
        return None
    try:
        content = zlib.decompressobj().decompress(data, _MAX_COMMIT)
    except zlib.error:
        return None
    kind, _, body = content.partition(b"\0")
    return parse_commit(sha, body) if kind.startswith(b"commit ") and len(content) < _MAX_COMMIT else None


def parse_commit(sha: str, body: bytes) -> Commit:
    """The content of a commit object."""
    head, _, message = body.partition(b"\n\n")
    parents: list[str] = []
    headers: dict[str, str] = {}
    for line in head.split(b"\n"):
        name, _, value = line.decode("utf-8", "replace").partition(" ")
        if name == "parent":
            parents.append(value)
        elif name:  # the lines that continue a signature begin with a space
            headers.setdefault(name, value)
    return Commit(
        sha,
        headers.get("tree", ""),
        tuple(parents),
        _parse_signature(headers.get("author", "")),
        _parse_signature(headers.get("committer", "")),
        _decode(message, headers.get("encoding")),
    )


def parse_log(output: bytes) -> list[Commit]:
    """Commits as ten fields each, ended by NULs: id, tree, parents, author and committer (name, address, raw date), message."""
    fields = output.decode("utf-8", "replace").split("\0")[:-1]
    return [_parse_fields(fields[start : start + 10]) for start in range(0, len(fields), 10)]


def list_names(tree: bytes, width: int) -> list[str]:
    """What is directly in a tree; `width` is how many bytes an id has."""
    names: list[str] = []
    offset = 0
    while offset < len(tree):
        end = tree.index(b"\0", offset)
        names.append(tree[offset:end].partition(b" ")[2].decode("utf-8", "surrogateescape"))
        offset = end + 1 + width
    return names


def _parse_fields(fields: list[str]) -> Commit:
    sha, tree, parents, *people, message = fields
    author, committer = (
        Signature(name, email, _format_time(*when.split(" ", 1))) for name, email, when in (people[:3], people[3:])
    )
    return Commit(sha, tree, tuple(parents.split()), author, committer, message.rstrip("\n"))


def _parse_signature(text: str) -> Signature:
    """`Name <address> seconds offset`."""
    name, _, rest = text.partition(" <")
    email, _, when = rest.rpartition("> ")
    seconds, _, offset = when.partition(" ")
    return Signature(name, email, _format_time(seconds, offset))


def _format_time(seconds: str, offset: str) -> str:
    try:
        minutes = int(offset[1:3]) * 60 + int(offset[3:5])
        zone = timezone(timedelta(minutes=-minutes if offset.startswith("-") else minutes))
        return datetime.fromtimestamp(int(seconds), zone).isoformat()
    except (ValueError, OverflowError, OSError):
        return "1970-01-01T00:00:00+00:00"


def _decode(message: bytes, encoding: str | None) -> str:
    try:
        return message.decode(encoding or "utf-8", "replace").rstrip("\n")
    except LookupError:
        return message.decode("utf-8", "replace").rstrip("\n")

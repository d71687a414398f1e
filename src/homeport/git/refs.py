"""Reads branches, tags and HEAD straight from git's files: cheaper than starting git, and complete for the `files` storage of refs.

Source: git's documentation, "gitrepository-layout" (HEAD, refs, packed-refs).
"""

from os import path

import msgspec

from homeport.git.discovery import Layout, read_small_file
from homeport.language.late_pattern import late_pattern

_ID = late_pattern(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_MAX_LINKS = 5


class Head(msgspec.Struct, frozen=True):
    """What is checked out: `ref` is None where HEAD is detached, `sha` where the branch has no commit yet."""

    ref: str | None
    sha: str | None


def is_id(text: str) -> bool:
    """Whether a text is a full object id (SHA-1 or SHA-256)."""
    return _ID.fullmatch(text) is not None


def uses_files(config: str) -> bool:
    """Whether refs are kept in files: with another storage (`reftable`) only git itself can read them."""
    return "refstorage" not in config.lower()


def read_head(layout: Layout) -> Head:
    """What HEAD says."""
    text = (read_small_file(path.join(layout.git_dir, "HEAD")) or "").strip()
    if not text.startswith("ref:"):
        return Head(None, text if is_id(text) else None)
    ref = text.removeprefix("ref:").strip()
    return Head(ref, read_ref(layout, ref))


def read_ref(layout: Layout, ref: str) -> str | None:
    """The object that a full ref names (a tag object for an annotated tag), None where there is no such ref."""
    for _ in range(_MAX_LINKS):
        if not _is_safe(ref):
            return None
        text = read_small_file(path.join(layout.common_dir, ref))
        if text is None:
            return _read_packed(layout).get(ref)
        text = text.strip()
        if not text.startswith("ref:"):
            return text if is_id(text) else None
        ref = text.removeprefix("ref:").strip()
    return None


def read_link(layout: Layout, ref: str) -> str | None:
    """The ref that a symbolic ref such as `refs/remotes/origin/HEAD` stands for; None where it is no symbolic one."""
    text = read_small_file(path.join(layout.common_dir, ref)) if _is_safe(ref) else None
    return text.removeprefix("ref:").strip() if text is not None and text.startswith("ref:") else None


def _is_safe(ref: str) -> bool:
    return ref.startswith("refs/") and ".." not in ref.split("/") and "\0" not in ref


def _read_packed(layout: Layout) -> dict[str, str]:
    text = read_small_file(path.join(layout.common_dir, "packed-refs")) or ""
    pairs = (line.split(" ", 1) for line in text.splitlines() if line[:1] not in {"#", "^", ""})
    return {pair[1]: pair[0] for pair in pairs if len(pair) == 2}

"""Files, commits and refs of a repository, as far as clients need them (docs: "… repository contents", "… commits", "… Git database")."""

import hashlib

import msgspec

from homeport.event import Commit as StoredCommit
from homeport.git.repository import GitRepository
from homeport.rest.commits import (
    Branch,
    Commit,
    ContentFile,
    GitRef,
    ShortBranch,
    Tag,
    show_branch,
    show_commit,
    show_entry,
    show_file,
    show_ref,
    show_short_branch,
    show_tag,
)
from homeport.server.api.answers import Answer, ApiRefusalError, Page
from homeport.server.api.call import Call, Permission
from homeport.server.api.commits import resolve
from homeport.server.api.endpoint import Endpoint, Nothing, endpoint

READ = Permission("reader", "contents")
_REPOSITORY = "/repos/{owner}/{repo}"
_RAW = "application/vnd.github.raw"
_UNSAFE = frozenset({"", ".", ".."})
"""what no file or folder in a commit is called: git refuses to look there"""
_MOST_COMMITS = 1_000
_LARGEST_FILE = 100 << 20


class RefQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which state of the repository is meant; empty: that of the default branch."""

    ref: str = ""


class CommitsQuery(Page, frozen=True, kw_only=True):
    """Where a list of commits begins."""

    sha: str = ""


def get_contents(call: Call, query: RefQuery) -> Answer:
    """A file with what is in it, or what a folder holds."""
    git, ref = _open(call), query.ref or call.repository.default_branch
    sha = _resolve(git, ref)
    path = call.text("path").strip("/")
    if path and ("\0" in path or not _UNSAFE.isdisjoint(path.split("/"))):
        call.refuse_unknown()
    if path and _is_file(git, sha, path):
        content = git.show(sha, path)
        return call.refuse_unknown() if content is None else _answer_file(call, path, content, ref)
    entries = git.read_tree(sha, path)
    if not entries:
        call.refuse_unknown()
    above = f"{path}/" if path else ""
    shown = [
        show_entry(above + entry.name, entry.mode, entry.kind, entry.sha, entry.size, ref, call.entry, call.links)
        for entry in entries
    ]
    return Answer(body=shown)


def get_root_contents(call: Call, query: RefQuery) -> Answer:
    """What the top folder holds."""
    git, ref = _open(call), query.ref or call.repository.default_branch
    entries = git.read_tree(_resolve(git, ref), "")
    shown = [
        show_entry(entry.name, entry.mode, entry.kind, entry.sha, entry.size, ref, call.entry, call.links)
        for entry in entries
    ]
    return Answer(body=shown)


def get_commit(call: Call, _: Nothing) -> Answer:
    """A commit, by its id or by a ref's name; only its id where the caller wants no more."""
    git = _open(call)
    sha = _resolve(git, call.text("ref"))
    if "application/vnd.github.sha" in call.accepts or "application/vnd.github.v3.sha" in call.accepts:
        return Answer(text=sha.encode(), media_type="application/vnd.github.sha; charset=utf-8")
    return Answer(body=show_commit(_read(call, git, sha), call.entry, call.links))


def list_commits(call: Call, query: CommitsQuery) -> Answer:
    """The newest first; at most the last thousand."""
    git = _open(call)
    sha = _resolve(git, query.sha or call.repository.default_branch)
    found = git.log(None, sha, limit=min(query.offset + query.size + 1, _MOST_COMMITS))[::-1]
    shown = [show_commit(commit, call.entry, call.links) for commit in query.cut(found)]
    return call.page(shown, query, len(found))


def get_ref(call: Call, _: Nothing) -> Answer:
    """One ref, by its whole name without `refs/`."""
    wanted = _read_ref(call)
    for found in _open(call).list_refs(wanted):
        if found.ref == wanted:
            return Answer(body=show_ref(found.ref, found.kind, found.sha, call.entry, call.links))
    return call.refuse_unknown()


def list_matching_refs(call: Call, _: Nothing) -> Answer:
    """The refs whose names begin so."""
    wanted = _read_ref(call)
    folder = wanted.rpartition("/")[0] + "/"
    found = [each for each in _open(call).list_refs(folder) if each.ref.startswith(wanted)]
    return Answer(body=[show_ref(each.ref, each.kind, each.sha, call.entry, call.links) for each in found])


def list_branches(call: Call, query: Page) -> Answer:
    """By name."""
    found = _open(call).list_refs("refs/heads/")
    shown = [
        show_short_branch(each.ref.removeprefix("refs/heads/"), each.sha, call.entry, call.links)
        for each in query.cut(found)
    ]
    return call.page(shown, query, len(found))


def get_branch(call: Call, _: Nothing) -> Answer:
    """One branch with its commit."""
    git, name = _open(call), call.text("branch")
    sha = git.find_ref(f"refs/heads/{name}")
    if sha is None:
        raise ApiRefusalError(404, "Branch not found")
    return Answer(body=show_branch(name, _read(call, git, sha), call.entry, call.links))


def list_tags(call: Call, query: Page) -> Answer:
    """By name, the last first."""
    found = _open(call).list_refs("refs/tags/")[::-1]
    shown = [
        show_tag(each.ref.removeprefix("refs/tags/"), each.commit, call.entry, call.links) for each in query.cut(found)
    ]
    return call.page(shown, query, len(found))


def _read_ref(call: Call) -> str:
    ref = call.text("ref")
    return call.refuse_unknown() if "\0" in ref else f"refs/{ref}"


def _open(call: Call) -> GitRepository:
    git = call.parts.find_git(call.repository)
    if git is None:
        raise ApiRefusalError(409, "Git Repository is empty.")
    return git


def _resolve(git: GitRepository, ref: str) -> str:
    sha = resolve(git, ref)
    if sha is None:
        raise ApiRefusalError(404, f"No commit found for the ref {ref[:200]}")
    return sha


def _read(call: Call, git: GitRepository, sha: str) -> StoredCommit:
    commit = git.read_commit(sha)
    return call.refuse_unknown() if commit is None else commit


def _is_file(git: GitRepository, sha: str, path: str) -> bool:
    """Also whether it may be read into memory at all."""
    folder, _, name = path.rpartition("/")
    found = next((each for each in git.read_tree(sha, folder) if each.name == name), None)
    if found is not None and found.size > _LARGEST_FILE:
        raise ApiRefusalError(403, "This file is larger than 100 MB: fetch it with git.")
    return found is not None and found.kind == "blob"


def _answer_file(call: Call, path: str, content: bytes, ref: str) -> Answer:
    if any(kind in call.accepts for kind in (_RAW, "application/vnd.github.v3.raw")):
        return Answer(text=content, media_type=f"{_RAW}; charset=utf-8")
    sha = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
    return Answer(body=show_file(path, sha, content, ref, call.entry, call.links))


ENDPOINTS: tuple[Endpoint, ...] = (
    endpoint(
        "GET",
        f"{_REPOSITORY}/contents",
        "repos/get-content-root",
        "List the top folder",
        get_root_contents,
        RefQuery,
        permission=READ,
    ),
    endpoint(
        "GET",
        f"{_REPOSITORY}/contents/{{path:path}}",
        "repos/get-content",
        "Get a file, or list a folder",
        get_contents,
        RefQuery,
        permission=READ,
        answer=ContentFile,
    ),
    endpoint(
        "GET",
        f"{_REPOSITORY}/commits",
        "repos/list-commits",
        "List commits",
        list_commits,
        CommitsQuery,
        permission=READ,
        answer=tuple[Commit, ...],
    ),
    endpoint(
        "GET",
        f"{_REPOSITORY}/git/ref/{{ref:path}}",
        "git/get-ref",
        "Get a ref",
        get_ref,
        Nothing,
        permission=READ,
        answer=GitRef,
    ),
    endpoint(
        "GET",
        f"{_REPOSITORY}/git/matching-refs/{{ref:path}}",
        "git/list-matching-refs",
        "List the refs that begin so",
        list_matching_refs,
        Nothing,
        permission=READ,
        answer=tuple[GitRef, ...],
    ),
    endpoint(
        "GET",
        f"{_REPOSITORY}/branches",
        "repos/list-branches",
        "List branches",
        list_branches,
        Page,
        permission=READ,
        answer=tuple[ShortBranch, ...],
    ),
    endpoint(
        "GET",
        f"{_REPOSITORY}/branches/{{branch:path}}",
        "repos/get-branch",
        "Get a branch",
        get_branch,
        Nothing,
        permission=READ,
        answer=Branch,
    ),
    endpoint(
        "GET",
        f"{_REPOSITORY}/tags",
        "repos/list-tags",
        "List tags",
        list_tags,
        Page,
        permission=READ,
        answer=tuple[Tag, ...],
    ),
    endpoint(
        "GET",
        f"{_REPOSITORY}/commits/{{ref:path}}",
        "repos/get-commit",
        "Get a commit",
        get_commit,
        Nothing,
        permission=READ,
        answer=Commit,
    ),
)
"""The last comes last: a ref may have slashes, so it takes whatever begins as it does (`…/commits/{ref}/status` comes before)."""

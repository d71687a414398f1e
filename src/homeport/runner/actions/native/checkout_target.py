"""What a checkout is to put where: the reading of its inputs against the event and the repository of this machine.

Source: actions/checkout `src/input-helper.ts`, `src/ref-helper.ts` (which ref, commit and branch), README.
"""

import os
from typing import Literal

import msgspec

from homeport.git.refs import is_id
from homeport.runner.actions.native.inputs import get_lines, get_text, is_true
from homeport.runner.actions.working_copy import CopyRequest, SourceTree
from homeport.runner.host import ActionError, ActionHost

_NO_COMMIT = frozenset("0")


class Wanted(msgspec.Struct, frozen=True):
    """`ref` is what the output of that name says; `commit` None is a repository without commits, or none at all."""

    ref: str
    commit: str | None
    branch: str | None
    full_ref: str
    """where the ref is kept in the working copy, for tags and pull requests"""
    ref_object: str
    """what `full_ref` names: the tag's own object, for an annotated tag"""


def read_repository(host: ActionHost) -> str:
    """The repository's `owner/name`. Raises `ActionError` for what is none."""
    name = get_text(host, "repository") or str(host.github.get("repository") or "")
    parts = name.split("/")
    is_plain = len(parts) == 2 and all(part.strip(".") and not part.startswith("-") for part in parts)
    if not is_plain or any(character.isspace() or character in "?#@:\\%" for character in name):
        raise ActionError(f"Invalid repository '{name}'. Expected format {{owner}}/{{repo}}.")
    return name


def is_running_one(host: ActionHost, name: str) -> bool:
    """Whether a repository is the one that the run belongs to, on its own server."""
    own = str(host.github.get("repository") or "")
    server = get_text(host, "github-server-url").rstrip("/")
    return name.lower() == own.lower() and server in {"", str(host.github.get("server_url") or "").rstrip("/")}


def find_folder(host: ActionHost) -> str:
    """Where the working copy goes. Raises `ActionError` for a path outside the workspace, through a link too: it will be emptied."""
    workspace = os.path.normpath(host.paths.workspace)
    folder = os.path.normpath(os.path.join(workspace, get_text(host, "path") or "."))
    above = os.path.realpath(os.path.dirname(folder))
    real = os.path.realpath(workspace)
    if folder != workspace and not (
        folder.startswith(workspace + "/") and (above == real or above.startswith(real + "/"))
    ):
        raise ActionError(f"Repository path '{folder}' is not under '{workspace}'")
    return folder


def find_wanted(host: ActionHost, source: SourceTree) -> Wanted:
    """The commit to check out, and as what. Raises `ActionError` where there is no such ref."""
    given = get_text(host, "ref")
    if given in {"", host.github.get("ref")}:
        ref, commit = str(host.github.get("ref") or ""), str(host.github.get("sha") or "")
        if ref and not ref.startswith("refs/"):
            ref = f"refs/heads/{ref}"
        return _describe(source, ref, commit)
    if is_id(given.lower()):
        return Wanted("", _get_commit(source, given.lower()), None, "", "")
    return _find_named(source, given)


def _describe(source: SourceTree, ref: str, commit: str) -> Wanted:
    if source.layout is None:
        return Wanted(ref, None, None, "", "")
    branch = ref.removeprefix("refs/heads/") if ref.startswith("refs/heads/") else None
    if not commit or _NO_COMMIT.issuperset(commit) or (source.head.sha is None and not source.is_bare):
        return Wanted(ref, None, branch or _short(source.head.ref), "", "")
    full_ref = ""
    if ref.startswith("refs/pull/"):
        full_ref = f"refs/remotes/pull/{ref.removeprefix('refs/pull/')}"
    elif ref.startswith("refs/tags/"):
        full_ref = ref
    found = source.list_refs(ref).get(ref, "") if ref.startswith("refs/tags/") else ""
    ref_object = found if found and source.resolve(found) == commit else commit
    return Wanted(ref, _get_commit(source, commit), branch, full_ref, ref_object)


def _find_named(source: SourceTree, given: str) -> Wanted:
    """A branch of this machine, else one that it last saw on its remote, else a tag; or the full ref that is written."""
    if source.layout is None:
        raise ActionError(f"'{source.folder}' is not a git repository, so it has no '{given}' to check out")
    candidates = _list_candidates(given)
    found = source.list_refs(*candidates)
    for ref in candidates:
        if ref in found:
            commit = source.resolve(ref)
            if commit is None:
                raise ActionError(f"'{given}' does not name a commit")
            if ref.startswith("refs/tags/"):
                return Wanted(given, commit, None, ref, found[ref])
            if ref.startswith("refs/heads/"):
                return Wanted(given, commit, ref.removeprefix("refs/heads/"), "", "")
            if ref.startswith("refs/remotes/origin/"):
                return Wanted(given, commit, ref.removeprefix("refs/remotes/origin/"), "", "")
            return Wanted(given, commit, None, "", "")
    raise ActionError(f"A branch or tag with the name '{given}' could not be found")


def _list_candidates(given: str) -> list[str]:
    if given.startswith("refs/heads/"):
        return [given, f"refs/remotes/origin/{given.removeprefix('refs/heads/')}"]
    if given.startswith("refs/"):
        return [given]
    return [f"refs/heads/{given}", f"refs/remotes/origin/{given}", f"refs/tags/{given}"]


def _get_commit(source: SourceTree, sha: str) -> str:
    commit = sha if sha == source.head.sha else source.resolve(sha)
    if commit is None:
        place = "on the server" if source.is_bare else f"on this machine ({source.folder})"
        raise ActionError(f"the commit {sha} is not in the repository {place}")
    return commit


def _short(ref: str | None) -> str | None:
    return ref.removeprefix("refs/heads/") if ref and ref.startswith("refs/heads/") else None


def build_request(host: ActionHost, source: SourceTree, wanted: Wanted, name: str) -> CopyRequest:
    """How the working copy is made."""
    patterns = get_lines(host, "sparse-checkout")
    sparse = () if get_text(host, "filter") else tuple(patterns)
    return CopyRequest(
        sha=wanted.commit,
        with_changes=wanted.commit == source.head.sha and not source.is_bare,
        branch=wanted.branch,
        ref=wanted.full_ref,
        ref_sha=wanted.ref_object,
        depth=find_depth(host),
        tags=is_true(host, "fetch-tags"),
        url=f"{host.github.get('server_url')}/{name}",
        submodules=find_submodules(host),
        lfs=is_true(host, "lfs"),
        sparse=sparse,
        cone=is_true(host, "sparse-checkout-cone-mode"),
        leave_out=(host.paths.root,),
    )


def find_depth(host: ActionHost) -> int:
    """`Math.floor(Number(…))`; what is no number, or is negative, is 0: the whole history."""
    text = get_text(host, "fetch-depth") or "1"
    try:
        depth = int(float(text))
    except (ValueError, OverflowError):
        return 0
    return max(depth, 0)


def find_submodules(host: ActionHost) -> Literal["no", "yes", "recursive"]:
    """Which submodules are wanted."""
    match get_text(host, "submodules").lower():
        case "recursive":
            return "recursive"
        case "true":
            return "yes"
        case _:
            return "no"

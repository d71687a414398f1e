"""Makes a working copy of a folder of this machine: what git would put there, and what no commit holds yet.

The files of the commit are written by `git read-tree` from borrowed objects while another git looks for what has changed; then the
changes are laid over. A folder that is in no repository is copied whole.
"""

import os
from collections.abc import Sequence
from typing import Literal

import msgspec

from homeport.git.process import GitError
from homeport.git.repository import Change
from homeport.runner.actions.file_copies import copy_folder
from homeport.runner.actions.working_copy.git_folder import Checkout, write_git_folder
from homeport.runner.actions.working_copy.history import collect_refs, find_boundary
from homeport.runner.actions.working_copy.lfs import fill_pointers
from homeport.runner.actions.working_copy.overlay import Overlay, apply_changes
from homeport.runner.actions.working_copy.source import (
    SourceTree,
    Target,
    WorkingCopyError,
    run_in_copy,
    start_in_copy,
)
from homeport.runner.actions.working_copy.sparse import find_wanted, set_patterns
from homeport.runner.actions.working_copy.submodules import Submodule, add_submodules
from homeport.runner.folders import make_folder, remove_tree

_NOTHING = Overlay(0, 0, ())


class CopyRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What is wanted. `sha` None is a repository without commits, or no repository."""

    sha: str | None
    with_changes: bool
    """bring along what no commit holds; only where `sha` is what the original has checked out"""
    branch: str | None = None
    """the branch to be on; None: HEAD is detached"""
    ref: str = ""
    """a further full ref that names the commit (or the annotated tag that does)"""
    ref_sha: str = ""
    depth: int = 1
    tags: bool = False
    url: str = ""
    submodules: Literal["no", "yes", "recursive"] = "no"
    lfs: bool = False
    sparse: tuple[str, ...] = ()
    cone: bool = True
    leave_out: tuple[str, ...] = ()
    """paths that are not copied where the folder is in no repository"""
    clean: bool = False
    """throw away first what an earlier working copy in this folder holds beyond its commit"""
    work_tree: str = ""


class CopyReport(msgspec.Struct, frozen=True, kw_only=True):
    """What was done."""

    files: int = 0
    """for a folder that is in no repository: how many were copied"""
    overlay: Overlay = _NOTHING
    submodules: int = 0
    pointers: int = 0


def make_working_copy(source: SourceTree, target: Target, request: CopyRequest, search_path: str) -> CopyReport:
    """Fill a folder that is empty, or that holds nothing but a kept `.git/index` and the files that it knows.

    Raises `WorkingCopyError` for what cannot be done as asked, `OSError`.
    """
    try:
        if source.layout is None:
            leave_out = {os.path.join(source.folder, ".git"), *request.leave_out}
            return CopyReport(files=copy_folder(source.folder, target.folder, leave_out))
        return _copy_repository(source, target, request, search_path)
    except GitError as error:
        raise WorkingCopyError(str(error)) from error


def _copy_repository(source: SourceTree, target: Target, request: CopyRequest, search_path: str) -> CopyReport:
    write_git_folder(target, source, _describe(source, request))
    if request.clean:
        run_in_copy(target, ["clean", "-ffdxq"], search_path)
    if request.sparse:
        set_patterns(target, request.sparse, cone=request.cone, search_path=search_path)
    changes: Sequence[Change] = ()
    if request.sha is None:
        changes = source.changes() if request.with_changes else ()
    else:
        writing = start_in_copy(target, ["read-tree", "--reset", "-u", request.sha], search_path)
        try:
            changes = source.changes() if request.with_changes else ()
        finally:
            writing.finish()
    overlay = _lay_over(source, target, request, changes, search_path)
    pointers = fill_pointers(target, source, search_path) if request.lfs else 0
    submodules = _copy_submodules(source, target, request, search_path) if request.submodules != "no" else 0
    return CopyReport(overlay=overlay, submodules=submodules, pointers=pointers)


def _describe(source: SourceTree, request: CopyRequest) -> Checkout:
    refs: dict[str, str] = {}
    boundary: tuple[str, ...] = ()
    if request.sha is not None:
        refs = collect_refs(source, branches=request.depth <= 0, tags=request.tags or request.depth <= 0)
        boundary = find_boundary(source, request.sha, request.depth)
        if request.branch is not None:
            refs[f"refs/remotes/origin/{request.branch}"] = request.sha
        if request.ref:
            refs[request.ref] = request.ref_sha or request.sha
    return Checkout(
        sha=request.sha,
        branch=request.branch,
        refs=refs,
        shallow=boundary,
        url=request.url,
        work_tree=request.work_tree,
    )


def _lay_over(
    source: SourceTree, target: Target, request: CopyRequest, changes: Sequence[Change], search_path: str
) -> Overlay:
    if not changes:
        return _NOTHING
    if request.sparse:
        is_wanted = find_wanted(target, changes, source.prefix, search_path)
        return apply_changes(changes, source.folder, source.prefix, target.folder, is_wanted)
    return apply_changes(changes, source.folder, source.prefix, target.folder, lambda _: True)


def _copy_submodules(source: SourceTree, target: Target, request: CopyRequest, search_path: str) -> int:
    def copy(inner: SourceTree, inner_target: Target, submodule: Submodule) -> None:
        head = inner.head.sha
        sha = head if request.with_changes and head is not None else submodule.sha
        remove_tree(inner_target.git_dir)
        remove_tree(inner_target.folder)
        make_folder(inner_target.folder)
        wanted = msgspec.structs.replace(
            request,
            sha=sha,
            with_changes=request.with_changes and sha == head,
            branch=None,
            ref="",
            ref_sha="",
            url=submodule.url,
            submodules=request.submodules if request.submodules == "recursive" else "no",
            sparse=(),
            clean=False,
            work_tree=os.path.relpath(inner_target.folder, inner_target.git_dir),
        )
        make_working_copy(inner, inner_target, wanted, search_path)

    return add_submodules(target, source, search_path, copy)

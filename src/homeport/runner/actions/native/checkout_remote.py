"""Checks out a repository that is fetched: another than the running one, or one on another server.

Everything is fetched into a folder beside before the workspace is touched, so a ref that does not exist, a server that does not answer
and a token that is refused leave the job as it was. Source: actions/checkout `src/git-source-provider.ts`, `src/ref-helper.ts`,
`src/git-command-manager.ts` (which commands, with which arguments).
"""

import errno
import os
from collections.abc import Callable

import msgspec

from homeport.git.refs import is_id
from homeport.runner.actions.file_copies import copy_folder
from homeport.runner.actions.native.checkout_git import JobGit, Remote
from homeport.runner.actions.native.checkout_target import find_depth, find_submodules
from homeport.runner.actions.native.inputs import get_lines, get_text, is_true
from homeport.runner.actions.working_copy import Target
from homeport.runner.folders import make_folder, remove_tree
from homeport.runner.host import ActionError, ActionHost

_ALL = ("+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*")


class FetchedRef(msgspec.Struct, frozen=True):
    """What is to be fetched and checked out. `ref` is what the output of that name says."""

    ref: str
    wanted: str
    """a full ref, or a commit's id"""
    kept_as: str
    """where the ref is kept in the working copy; empty: nowhere"""
    branch: str = ""


def find_server(host: ActionHost) -> str:
    """The server whose repositories are meant, without a slash at the end."""
    return (get_text(host, "github-server-url") or str(host.github.get("server_url") or "")).rstrip("/")


def find_remote(host: ActionHost, name: str) -> Remote:
    """Where a repository is: where `--action-source` says, else on the server. Raises `ActionError`."""
    server = find_server(host)
    url = f"{server}/{name}"
    given = get_text(host, "github-server-url")
    found = "" if given else host.sources.find_repository(name, get_text(host, "ref"))
    if found is None:
        raise ActionError(f"the repository '{name}' is in none of the folders of '--action-source'")
    address = found or url
    scheme = address.partition("://")[0]
    if "://" in address and scheme not in {"http", "https", "file"}:
        raise ActionError(f"'{address}' cannot be fetched from: only http, https and folders of this machine can")
    return Remote(name, server, url, address)


def check_out_remote(host: ActionHost, remote: Remote, target: Target, make_room: Callable[[], bool]) -> None:
    """Fetch, make room in the target (`make_room` says whether files of an earlier working copy stayed), write the files."""
    beside = os.path.join(host.paths.temp, f"checkout-{os.urandom(8).hex()}")
    make_folder(beside)
    try:
        git = JobGit(host, remote, beside)
        if os.path.isdir(remote.address) and not _is_repository(remote.address):
            _copy_plain(host, remote, target, make_room)
            return
        fetched = _fetch(host, remote, git)
        is_kept = make_room()
        try:
            _move_in(os.path.join(beside, ".git"), target)
            _write_files(host, git.at(target.folder), fetched, is_kept=is_kept)
        except BaseException:
            _clear(target.folder)
            raise
        commit = git.at(target.folder).ask("log", "-1", "--format=%H") or ""
        host.set_output("ref", fetched.ref)
        host.set_output("commit", commit)
        host.resolved("tool", f"repository {remote.name}", commit, fetched.ref)
        host.log(f"'{commit}'")
    finally:
        remove_tree(beside)


def _is_repository(folder: str) -> bool:
    """A working tree or a bare repository."""
    bare = (os.path.join(folder, name) for name in ("HEAD", "objects", "refs"))
    return os.path.lexists(os.path.join(folder, ".git")) or all(os.path.exists(path) for path in bare)


def _copy_plain(host: ActionHost, remote: Remote, target: Target, make_room: Callable[[], bool]) -> None:
    make_room()
    _clear(target.folder)
    files = copy_folder(remote.address, target.folder, ())
    host.log(f"{remote.address} is not a git repository: copied as it stands ({files} files)")
    host.set_output("ref", get_text(host, "ref"))
    host.set_output("commit", "")


def _fetch(host: ActionHost, remote: Remote, git: JobGit) -> FetchedRef:
    host.log("##[group]Initializing the repository")
    git.run("init", "--quiet", "--template=", "--initial-branch=main", ".")
    git.run("remote", "add", "origin", remote.url)
    git.run("config", "--local", "gc.auto", "0")
    if remote.address != remote.url:
        git.run("config", "--local", f"url.{remote.address}.insteadOf", remote.url)
        git.run("config", "--local", f"url.{remote.url}.pushInsteadOf", remote.url)
    host.log("##[endgroup]")
    fetched = _find_ref(host, git)
    host.log("##[group]Fetching the repository")
    words = ["--prune", "--no-recurse-submodules"]
    wanted_filter = get_text(host, "filter") or ("blob:none" if get_lines(host, "sparse-checkout") else "")
    if wanted_filter:
        words.append(f"--filter={wanted_filter}")
    exact = f"+{fetched.wanted}:{fetched.kept_as}" if fetched.kept_as else fetched.wanted
    depth = find_depth(host)
    if depth > 0:
        tags = [] if is_true(host, "fetch-tags") else ["--no-tags"]
        kept_tags = [_ALL[1]] if is_true(host, "fetch-tags") else []
        git.run("fetch", *tags, *words, f"--depth={depth}", "origin", exact, *kept_tags)
    else:
        git.run("fetch", *words, "origin", *_ALL)
        if git.ask("rev-parse", "--verify", "--quiet", f"{fetched.kept_as or fetched.wanted}^{{commit}}") is None:
            git.run("fetch", "--no-tags", *words, "origin", exact)
    host.log("##[endgroup]")
    return fetched


def _find_ref(host: ActionHost, git: JobGit) -> FetchedRef:
    """What the input means there. Raises `ActionError` where there is no such ref."""
    given = get_text(host, "ref")
    if is_id(given.lower()):
        return FetchedRef("", given.lower(), "")
    if given.startswith("-"):
        raise ActionError(f"A branch or tag with the name '{given}' could not be found")
    host.log("##[group]Determining the " + ("checkout info" if given else "default branch"))
    asked = _list_candidates(given) if given else ["HEAD"]
    answer = git.run("ls-remote", "--quiet", "--symref", "origin", *asked)
    host.log("##[endgroup]")
    rows = [line.partition("\t") for line in answer.splitlines()]
    if not given:
        default = next((value.removeprefix("ref: ") for value, _, _ in rows if value.startswith("ref: ")), None)
        if default is None:
            raise ActionError("The default branch could not be determined: the repository has no commits")
        return _name(default, "")
    refs = {ref for _, _, ref in rows}
    found = next((ref for ref in asked if ref in refs), None)
    if found is None:
        raise ActionError(f"A branch or tag with the name '{given}' could not be found")
    return _name(found, given)


def _list_candidates(given: str) -> list[str]:
    return [given] if given.startswith("refs/") else [f"refs/heads/{given}", f"refs/tags/{given}"]


def _name(ref: str, given: str) -> FetchedRef:
    shown = given or ref
    if ref.startswith("refs/heads/"):
        branch = ref.removeprefix("refs/heads/")
        return FetchedRef(shown, ref, f"refs/remotes/origin/{branch}", branch)
    if ref.startswith("refs/pull/"):
        return FetchedRef(shown, ref, f"refs/remotes/pull/{ref.removeprefix('refs/pull/')}")
    return FetchedRef(shown, ref, ref)


def _move_in(git_dir: str, target: Target) -> None:
    """Put the fetched git folder into the target, with the index that was kept there: it tells which files are written already."""
    index = os.path.join(target.git_dir, "index")
    if os.path.isfile(index):
        os.rename(index, os.path.join(git_dir, "index"))
    remove_tree(target.git_dir)
    try:
        os.rename(git_dir, target.git_dir)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        make_folder(target.git_dir)
        copy_folder(git_dir, target.git_dir, ())


def _write_files(host: ActionHost, git: JobGit, fetched: FetchedRef, *, is_kept: bool) -> None:
    if is_kept and is_true(host, "clean"):
        git.run("clean", "-ffdx", "--quiet")
    lfs = is_true(host, "lfs")
    if lfs:
        git.run("lfs", "install", "--local", "--skip-repo")
    sparse = get_lines(host, "sparse-checkout")
    if lfs and not sparse:
        host.log("##[group]Fetching LFS objects")
        git.run("lfs", "fetch", "origin", fetched.kept_as or fetched.wanted)
        host.log("##[endgroup]")
    if sparse and not get_text(host, "filter"):
        host.log("##[group]Setting up sparse checkout")
        cone = "--cone" if is_true(host, "sparse-checkout-cone-mode") else "--no-cone"
        git.run("sparse-checkout", "set", cone, *sparse)
        host.log("##[endgroup]")
    host.log("##[group]Checking out the ref")
    if fetched.branch:
        git.run("checkout", "--quiet", "--force", "-B", fetched.branch, fetched.kept_as)
    else:
        git.run("checkout", "--quiet", "--force", "--detach", fetched.kept_as or fetched.wanted)
    host.log("##[endgroup]")
    update_submodules(host, git)


def update_submodules(host: ActionHost, git: JobGit) -> None:
    """Fetch the submodules of a working copy, as far as they are wanted. Raises `ActionError`."""
    which = find_submodules(host)
    if which == "no":
        return
    host.log("##[group]Fetching submodules")
    recursive = ["--recursive"] if which == "recursive" else []
    depth = find_depth(host)
    git.run("submodule", "sync", *recursive)
    git.run("submodule", "update", "--init", "--force", *([f"--depth={depth}"] if depth > 0 else []), *recursive)
    host.log("##[endgroup]")


def _clear(folder: str) -> None:
    for entry in os.listdir(folder):
        remove_tree(os.path.join(folder, entry))

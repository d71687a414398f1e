"""actions/checkout, v2 to v6: the running repository as this machine has it, with what no commit holds yet; others by git.

| input | here |
|---|---|
| repository | the running one is copied on this machine; another is fetched: from where `--action-source` says, else from its server |
| ref | branch, tag, commit or full ref: of this machine (uncommitted changes come along with what is checked out there), or of the server |
| path, clean | as the original |
| fetch-depth, fetch-tags | as the original: 1 shows one commit, 0 all branches, tags and history |
| sparse-checkout, sparse-checkout-cone-mode | as the original |
| filter | what is fetched is filtered so; like the original it switches sparse-checkout off |
| submodules | of the running repository those that are checked out there; of another, and on a server, they are fetched; `recursive` goes on inside them |
| lfs | of the running repository what this machine's LFS store has; of another it is fetched by `git lfs` |
| token, persist-credentials | sent to the repository's own server only; kept for git commands of the job and removed after it, where the major keeps it |
| ssh-key | refused where it is given: repositories are fetched over HTTP(S), with `token` |
| ssh-known-hosts, ssh-strict, ssh-user | accepted: they only go with an ssh-key |
| set-safe-directory, show-progress, reference, allow-unsafe-pr-checkout | accepted: nothing to change here |
| github-server-url | another server than the run's is fetched from |

Outputs: `ref`, `commit`. Of the running repository nothing is fetched: `origin` is named as on GitHub, but reading from it reads this
machine's repository, and nothing that the job does reaches that repository. Where the run works in place, it is not copied. Source:
the action's README.
"""

import os

import msgspec

from homeport.git.process import GitError
from homeport.runner.actions.native.checkout_credentials import forget_credentials, keep_credentials
from homeport.runner.actions.native.checkout_git import JobGit
from homeport.runner.actions.native.checkout_remote import check_out_remote, find_remote, update_submodules
from homeport.runner.actions.native.checkout_target import (
    Wanted,
    build_request,
    find_folder,
    find_wanted,
    is_running_one,
    read_repository,
)
from homeport.runner.actions.native.definition import Input, NativeDefinition
from homeport.runner.actions.native.inputs import get_text, is_true
from homeport.runner.actions.working_copy import (
    CopyReport,
    SourceTree,
    Target,
    WorkingCopyError,
    inspect_source,
    make_working_copy,
)
from homeport.runner.folders import make_folder, read_file, remove_tree
from homeport.runner.host import ActionError, ActionHost

DEFINITION = NativeDefinition(
    name="actions/checkout",
    inputs=(
        Input("repository", "${{ github.repository }}"),
        Input("ref"),
        Input("token", "${{ github.token }}"),
        Input("ssh-key", "", "refused"),
        Input("ssh-known-hosts", "", "accepted"),
        Input("ssh-strict", "true", "accepted"),
        Input("ssh-user", "git", "accepted"),
        Input("persist-credentials", "true"),
        Input("path"),
        Input("clean", "true"),
        Input("filter"),
        Input("sparse-checkout"),
        Input("sparse-checkout-cone-mode", "true"),
        Input("fetch-depth", "1"),
        Input("fetch-tags", "false"),
        Input("show-progress", "true", "accepted"),
        Input("reference", "", "accepted"),
        Input("lfs", "false"),
        Input("submodules", "false"),
        Input("set-safe-directory", "true", "accepted"),
        Input("github-server-url"),
        Input("allow-unsafe-pr-checkout", "false", "accepted"),
    ),
    outputs=("ref", "commit"),
    post_if="always()",
)


def main(host: ActionHost) -> None:
    """Make the working copy."""
    name = read_repository(host)
    if get_text(host, "ssh-key"):
        raise ActionError(
            "the input 'ssh-key' is not supported: the running repository is on this machine, and others are fetched over HTTP(S), "
            "with the input 'token'"
        )
    folder = find_folder(host)
    host.log(f"Syncing repository: {name}")
    try:
        if is_running_one(host, name):
            _copy_running(host, folder, name)
        else:
            _fetch_other(host, folder, name)
    except (GitError, WorkingCopyError) as error:
        raise ActionError(str(error)) from error
    except OSError as error:
        raise ActionError(f"the working copy could not be made: {error}") from error


def _copy_running(host: ActionHost, folder: str, name: str) -> None:
    sources = host.sources
    source = inspect_source(sources.folder, host.environment.get("PATH", ""), is_bare=sources.is_bare)
    wanted = find_wanted(host, source)
    if host.sources.in_place:
        _stay_in_place(host, source, wanted, folder)
    else:
        _copy(host, source, wanted, folder, name)
    host.set_output("ref", wanted.ref)
    host.set_output("commit", wanted.commit or str(host.github.get("sha") or ""))


def _fetch_other(host: ActionHost, folder: str, name: str) -> None:
    remote = find_remote(host, name)
    target = Target(folder, os.path.join(folder, ".git"))
    is_ours = not os.path.lexists(folder) or _is_copy_of(target, remote.url)
    if host.sources.in_place and not (is_ours and folder != os.path.normpath(host.paths.workspace)):
        raise ActionError(
            f"the run works in place, and checking out '{name}' would empty '{folder}': give a 'path' that does not exist yet"
        )
    check_out_remote(host, remote, target, lambda: _make_room(target, remote.url))
    if os.path.isdir(target.git_dir):
        keep_credentials(host, target, remote.server)


def post(host: ActionHost) -> None:
    """Forget the credentials."""
    forget_credentials(host)


def _stay_in_place(host: ActionHost, source: SourceTree, wanted: Wanted, folder: str) -> None:
    if folder != os.path.normpath(host.paths.workspace):
        raise ActionError("the run works in place, so 'path' cannot be honoured: nothing is copied")
    if wanted.commit != source.head.sha:
        raise ActionError(
            f"the run works in place, and '{wanted.ref or wanted.commit}' is not what is checked out there"
        )
    host.log("The job works in the working tree itself: nothing was copied, no input changes it.")


def _copy(host: ActionHost, source: SourceTree, wanted: Wanted, folder: str, name: str) -> None:
    search_path = host.environment.get("PATH", "")
    target = Target(folder, os.path.join(folder, ".git"))
    request = build_request(host, source, wanted, name)
    if source.is_bare:  # where no submodule stands beside
        request = msgspec.structs.replace(request, submodules="no")
    is_kept = _make_room(target, request.url)
    if is_kept and is_true(host, "clean"):
        request = msgspec.structs.replace(request, clean=True)
    host.log("##[group]Copying the repository of this machine")
    report = make_working_copy(source, target, request, search_path)
    _describe(host, source, wanted, report)
    host.log("##[endgroup]")
    if source.is_bare:
        update_submodules(host, JobGit(host, find_remote(host, name), folder))
    if source.layout is not None:
        keep_credentials(host, target, str(host.github.get("server_url") or ""))
    if wanted.commit:
        host.log(f"'{wanted.commit}'")


def _make_room(target: Target, url: str) -> bool:
    """Whether an earlier working copy of the same repository stays, to be brought up to date; anything else gives way.

    Of its git folder only the index is kept, which tells git what need not be written again: settings, branches and hooks may be the
    job's own doing, and no git command that is started from here must follow them.
    """
    if os.path.lexists(target.folder) and (os.path.islink(target.folder) or not os.path.isdir(target.folder)):
        os.unlink(target.folder)
    make_folder(target.folder)
    is_kept = _is_copy_of(target, url)
    folder = target.git_dir if is_kept else target.folder
    for entry in os.listdir(folder):
        if not (is_kept and entry == "index"):
            remove_tree(os.path.join(folder, entry))
    return is_kept


def _is_copy_of(target: Target, url: str) -> bool:
    """Whether the folder holds what an earlier checkout of this action made."""
    if os.path.islink(target.git_dir) or not os.path.isfile(os.path.join(target.git_dir, "index")):
        return False
    try:
        config = os.fsdecode(read_file(os.path.join(target.git_dir, "config")))
    except OSError:
        return False
    return f'\turl = "{url}"\n' in config or f"\turl = {url}\n" in config


def _describe(host: ActionHost, source: SourceTree, wanted: Wanted, report: CopyReport) -> None:
    if source.layout is None:
        host.log(
            f"{source.folder} is not a git repository: copied whole ({report.files} files), ignored files included"
        )
        return
    host.log(
        f"From {host.github.get('server_url')}/{host.github.get('repository')}"
        if source.is_bare
        else f"From {source.folder}"
    )
    host.log(f"HEAD is {wanted.commit or 'a branch without commits'}{f' ({wanted.ref})' if wanted.ref else ''}")
    overlay = report.overlay
    if overlay.copied or overlay.removed:
        host.log(
            f"Uncommitted changes came along: {overlay.copied} changed or new files, {overlay.removed} deleted ones"
        )
    elif wanted.commit != source.head.sha and not source.is_bare:
        host.log("This is not what is checked out there: uncommitted changes stayed behind")
    for path in overlay.repositories:
        host.log(f"Left out: {path}, a git repository of its own")
    if report.submodules:
        host.log(f"Submodules: {report.submodules}")
    if report.pointers:
        host.log(f"Git LFS files: {report.pointers}")

"""The submodules of a working copy: each is a working copy of the one that stands in the original's folder.

Source: git's documentation, "gitsubmodules" (`.git/modules/<name>`, the `.git` file) and "git-config" (`submodule.<name>.*`).
"""

import os
from collections.abc import Callable

import msgspec

from homeport.runner.actions.working_copy.git_folder import quote
from homeport.runner.actions.working_copy.source import SourceTree, Target, WorkingCopyError, run_in_copy
from homeport.runner.folders import make_folder, write_file

_LINK_MODE = "160000"


class Submodule(msgspec.Struct, frozen=True):
    """One submodule: `sha` is the commit that the repository records for it."""

    name: str
    path: str
    url: str
    sha: str


CopySubmodule = Callable[[SourceTree, Target, Submodule], None]
"""Makes the working copy of one submodule, whose git folder is not in its working tree."""


def add_submodules(target: Target, source: SourceTree, search_path: str, copy: CopySubmodule) -> int:
    """Fill the folders of the submodules; gives how many there are. Raises `WorkingCopyError` for one that is not on this machine."""
    found = list_submodules(target, search_path)
    for submodule in found:
        inner = source.at(os.path.join(source.folder, submodule.path))
        if inner.layout is None or inner.layout.work_tree != os.path.realpath(inner.folder):
            raise WorkingCopyError(
                f"the submodule '{submodule.path}' is not on this machine: run `git submodule update --init` in {source.folder}"
            )
        folder = os.path.join(target.folder, submodule.path)
        inner_target = Target(folder, os.path.join(target.git_dir, "modules", submodule.name))
        make_folder(folder)
        copy(inner, inner_target, submodule)
        pointer = os.path.relpath(inner_target.git_dir, folder)
        write_file(os.path.join(folder, ".git"), f"gitdir: {pointer}\n".encode())
    if found:
        _register(target, found)
    return len(found)


def list_submodules(target: Target, search_path: str) -> list[Submodule]:
    """What `.gitmodules` names and the index holds."""
    if not os.path.isfile(os.path.join(target.folder, ".gitmodules")):
        return []
    words = ["config", "-z", "--file", os.path.join(target.folder, ".gitmodules"), "--get-regexp", r"^submodule\."]
    settings: dict[str, dict[str, str]] = {}
    for item in filter(None, run_in_copy(target, words, search_path, allowed=(0, 1)).split("\0")):
        key, _, value = item.partition("\n")
        name, _, setting = key.removeprefix("submodule.").rpartition(".")
        settings.setdefault(name, {})[setting] = value
    links = _list_links(target, search_path)
    return [
        Submodule(name, values["path"], values.get("url", ""), links[values["path"]])
        for name, values in settings.items()
        if values.get("path") in links and _is_safe(name)
    ]


def _list_links(target: Target, search_path: str) -> dict[str, str]:
    """Path to commit, for the index's entries for submodules."""
    entries = run_in_copy(target, ["ls-files", "-s", "-z"], search_path).split("\0")
    links: dict[str, str] = {}
    for entry in entries:
        mode_and_sha, _, path = entry.partition("\t")
        if mode_and_sha.startswith(_LINK_MODE):
            links[path] = mode_and_sha.split()[1]
    return links


def _is_safe(name: str) -> bool:
    """Names become folders below `.git/modules` (CVE-2018-11235)."""
    return bool(name) and ".." not in name.split("/") and not name.startswith(("/", "-"))


def _register(target: Target, found: list[Submodule]) -> None:
    lines = "".join(f"[submodule {quote(item.name)}]\n\tactive = true\n\turl = {quote(item.url)}\n" for item in found)
    with open(os.path.join(target.git_dir, "config"), "a", encoding="utf-8") as file:  # noqa: PTH123 - pathlib is slow to import
        file.write(lines)

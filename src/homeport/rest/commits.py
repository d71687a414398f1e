"""Commits, refs and files of a repository in answers (docs: "… for commits", "… Git database", "… repository contents")."""

from base64 import encodebytes
from typing import Any, Literal
from urllib.parse import quote

import msgspec

from homeport.event import Commit as StoredCommit
from homeport.event import Signature
from homeport.ports.run_entries import RepositoryEntry
from homeport.rest.links import Links, node_id


class Named(msgspec.Struct, frozen=True):
    """Who wrote a commit, and when."""

    name: str
    email: str
    date: str


class Pointer(msgspec.Struct, frozen=True):
    """An object, and where it is shown."""

    sha: str
    url: str


class ShownPointer(msgspec.Struct, frozen=True):
    """The same with a page."""

    sha: str
    url: str
    html_url: str


class Verification(msgspec.Struct, frozen=True, kw_only=True):
    """Signatures of commits are not checked here."""

    verified: bool = False
    reason: str = "unsigned"
    signature: None = None
    payload: None = None
    verified_at: None = None


class GitCommit(msgspec.Struct, frozen=True, kw_only=True):
    """The inside of a `commit`."""

    author: Named
    committer: Named
    message: str
    tree: Pointer
    url: str
    comment_count: int = 0
    verification: Verification = Verification()


class Commit(msgspec.Struct, frozen=True, kw_only=True):
    """GitHub's `commit`. Who of the server's people wrote it is not known: `author` and `committer` are null."""

    sha: str
    node_id: str
    commit: GitCommit
    url: str
    html_url: str
    comments_url: str
    author: None = None
    committer: None = None
    parents: tuple[ShownPointer, ...]


class RefObject(msgspec.Struct, frozen=True):
    """What a ref names."""

    type: str
    sha: str
    url: str


class GitRef(msgspec.Struct, frozen=True, kw_only=True):
    """GitHub's `git-ref`."""

    ref: str
    node_id: str
    url: str
    object: RefObject


class ShortBranch(msgspec.Struct, frozen=True, kw_only=True):
    """GitHub's `short-branch`."""

    name: str
    commit: Pointer
    protected: bool = False


class BranchLinks(msgspec.Struct, frozen=True):
    """Where a branch is shown."""

    self: str
    html: str


class BranchProtection(msgspec.Struct, frozen=True):
    """Branches are protected at the forge, not here."""

    enabled: bool = False


class Branch(msgspec.Struct, frozen=True, kw_only=True, rename={"links": "_links"}):
    """GitHub's `branch-with-protection`."""

    name: str
    commit: Commit
    links: BranchLinks
    protected: bool = False
    protection: BranchProtection = BranchProtection()
    protection_url: str


class Tag(msgspec.Struct, frozen=True, kw_only=True):
    """GitHub's `tag`."""

    name: str
    commit: Pointer
    zipball_url: str
    tarball_url: str
    node_id: str


class ContentLinks(msgspec.Struct, frozen=True):
    """Where a file or folder is shown."""

    self: str
    git: str
    html: str


class ContentEntry(msgspec.Struct, frozen=True, kw_only=True, rename={"links": "_links"}):
    """What a folder holds: an item of GitHub's `content-directory`."""

    name: str
    path: str
    sha: str
    size: int
    type: Literal["file", "dir", "symlink", "submodule"]
    url: str
    git_url: str
    html_url: str
    download_url: str | None
    links: ContentLinks


class ContentFile(ContentEntry, frozen=True, kw_only=True):
    """GitHub's `content-file`."""

    content: str
    encoding: str = "base64"


def show_commit(commit: StoredCommit, repository: RepositoryEntry, links: Links) -> Commit:
    """A commit, at length; without its changes."""
    above = links.repository(repository.full_name)
    address = f"{above}/commits/{commit.sha}"
    page = links.page(repository.full_name)
    return Commit(
        sha=commit.sha,
        node_id=node_id("C", repository.id, commit.sha),
        commit=GitCommit(
            author=_name(commit.author),
            committer=_name(commit.committer),
            message=commit.message,
            tree=Pointer(commit.tree, f"{above}/git/trees/{commit.tree}"),
            url=f"{above}/git/commits/{commit.sha}",
        ),
        url=address,
        html_url=f"{page}/commit/{commit.sha}",
        comments_url=f"{address}/comments",
        parents=tuple(
            ShownPointer(parent, f"{above}/commits/{parent}", f"{page}/commit/{parent}") for parent in commit.parents
        ),
    )


def show_ref(ref: str, kind: str, sha: str, repository: RepositoryEntry, links: Links) -> GitRef:
    """A ref."""
    above = links.repository(repository.full_name)
    return GitRef(
        ref=ref,
        node_id=node_id("REF", repository.id, ref),
        url=f"{above}/git/{quote(ref)}",
        object=RefObject(kind, sha, f"{above}/git/{kind}s/{sha}"),
    )


def show_short_branch(name: str, sha: str, repository: RepositoryEntry, links: Links) -> ShortBranch:
    """A branch in a list."""
    return ShortBranch(name=name, commit=Pointer(sha, f"{links.repository(repository.full_name)}/commits/{sha}"))


def show_branch(name: str, commit: StoredCommit, repository: RepositoryEntry, links: Links) -> Branch:
    """A branch with its commit."""
    address = f"{links.repository(repository.full_name)}/branches/{quote(name, safe='')}"
    return Branch(
        name=name,
        commit=show_commit(commit, repository, links),
        links=BranchLinks(address, f"{links.page(repository.full_name)}/tree/{quote(name)}"),
        protection_url=f"{address}/protection",
    )


def show_tag(name: str, sha: str, repository: RepositoryEntry, links: Links) -> Tag:
    """A tag in a list."""
    above = links.repository(repository.full_name)
    return Tag(
        name=name,
        commit=Pointer(sha, f"{above}/commits/{sha}"),
        zipball_url=f"{above}/zipball/refs/tags/{quote(name)}",
        tarball_url=f"{above}/tarball/refs/tags/{quote(name)}",
        node_id=node_id("T", repository.id, name),
    )


def show_entry(
    path: str, mode: str, kind: str, sha: str, size: int, ref: str, repository: RepositoryEntry, links: Links
) -> ContentEntry:
    """What a folder holds, by git's mode and kind."""
    return ContentEntry(**_describe(path, _type_of(mode, kind), sha, size, ref, repository, links))


def show_file(path: str, sha: str, content: bytes, ref: str, repository: RepositoryEntry, links: Links) -> ContentFile:
    """A file with what is in it."""
    told = _describe(path, "file", sha, len(content), ref, repository, links)
    return ContentFile(**told, content=encodebytes(content).decode())


def _describe(
    path: str, kind: str, sha: str, size: int, ref: str, repository: RepositoryEntry, links: Links
) -> dict[str, Any]:
    above, page = links.repository(repository.full_name), links.page(repository.full_name)
    address = f"{above}/contents/{quote(path)}?ref={quote(ref, safe='')}"
    git = f"{above}/git/{'trees' if kind == 'dir' else 'blobs'}/{sha}"
    html = f"{page}/{'tree' if kind == 'dir' else 'blob'}/{quote(ref)}/{quote(path)}"
    return {
        "name": path.rpartition("/")[2],
        "path": path,
        "sha": sha,
        "size": size,
        "type": kind,
        "url": address,
        "git_url": git,
        "html_url": html,
        "download_url": None,
        "links": ContentLinks(address, git, html),
    }


def _type_of(mode: str, kind: str) -> str:
    if mode == "120000":
        return "symlink"
    return {"tree": "dir", "commit": "submodule"}.get(kind, "file")


def _name(signature: Signature) -> Named:
    return Named(signature.name, signature.email, signature.at)

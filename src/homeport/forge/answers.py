"""What is read of forges' answers, where GitHub and Gitea write the same: all else is passed over."""

from typing import Any

import msgspec

from homeport.forge.rest import Page
from homeport.ports.forge import ForgeAwayError, ListedPull, PullPage


class NothingMore(msgspec.Struct, frozen=True):
    """An answer of which nothing is needed."""


class PullRequestEnd(msgspec.Struct, frozen=True):
    """One of the two branches of a pull request, as GitHub and Gitea write it."""

    ref: str
    sha: str


class PullRequestAnswer(msgspec.Struct, frozen=True):
    """A pull request, as GitHub and Gitea write it."""

    head: PullRequestEnd
    base: PullRequestEnd
    mergeable: bool | None = None
    merge_commit_sha: str | None = None


class RepositoryAnswer(msgspec.Struct, frozen=True):
    """A repository, as GitHub and Gitea write it."""

    default_branch: str


class _PullHead(msgspec.Struct, frozen=True):
    sha: str


class PullAnswer(msgspec.Struct, frozen=True):
    """A pull request in a list of many, as GitHub and Gitea write it."""

    number: int
    state: str
    head: _PullHead
    draft: bool = False

    def summarise(self) -> ListedPull:
        """In this server's words."""
        return ListedPull(number=self.number, head_sha=self.head.sha, is_open=self.state == "open", is_draft=self.draft)


def read_page(found: Page[list[PullAnswer]] | None, known: PullPage | None, size: int) -> PullPage:
    """A part of a list; what it was before, where the forge has sent nothing. One that is full may be followed by another at any time,
    while it stays the same itself.
    """
    if found is None:
        return known or PullPage(pulls=())
    pulls = tuple(pull.summarise() for pull in found.content)
    return PullPage(pulls=pulls, tag=found.tag, has_more=found.has_more or len(pulls) >= size)


def read_pull(document: dict[str, Any]) -> ListedPull:
    """What a whole description of one comes to. Raises `ForgeAwayError`."""
    try:
        return msgspec.convert(document, PullAnswer).summarise()
    except msgspec.ValidationError as error:
        raise ForgeAwayError(f"a pull request is described in an unexpected way: {error}") from error

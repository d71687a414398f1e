"""What is read of forges' answers, where GitHub and Gitea write the same: all else is passed over."""

import msgspec


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

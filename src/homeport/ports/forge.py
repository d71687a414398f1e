"""What a server needs of the forge that hosts a repository: to be told how jobs stand there, and to be asked for little."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Literal, Protocol

import msgspec

from homeport.ports.directory import HostedRepository
from homeport.run.facts import Level

Verdict = Literal["queued", "running", "success", "failure", "error", "cancelled", "skipped"]
"""How a check stands. `error` is for what could not be tried at all."""
StatusState = Literal["pending", "success", "failure", "error"]
"""The four states that commit statuses have on every forge."""
OPEN: frozenset[Verdict] = frozenset({"queued", "running"})

MOST_DESCRIPTION = 140
"""characters of a status's description (GitHub docs, "REST API endpoints for commit statuses"; Gitea takes more)"""


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """How one check of one commit stands. `context` is its name, compared without case, as on GitHub."""

    sha: str
    context: str
    verdict: Verdict
    description: str = ""
    target_url: str = ""
    started_at: datetime | None = None
    completed_at: datetime | None = None
    reference: str = ""
    """what it is about, in this server's words: the run, its attempt and the job's key; empty for a status that somebody else set"""


class CheckAnnotation(msgspec.Struct, frozen=True, kw_only=True):
    """A remark on some lines of a file of the commit."""

    path: str
    line: int
    end_line: int
    column: int | None = None
    end_column: int | None = None
    level: Level
    message: str
    title: str = ""


class CheckDetails(msgspec.Struct, frozen=True):
    """What a check says beside its conclusion. `summary` is Markdown."""

    title: str = ""
    summary: str = ""
    annotations: tuple[CheckAnnotation, ...] = ()


class Told(msgspec.Struct, frozen=True):
    """What the forge calls the check that it was told about; empty where it has no name for it."""

    id: str = ""


class CloneCredential(msgspec.Struct, frozen=True):
    """How git says over HTTP who it is."""

    user: str
    password: str

    def __repr__(self) -> str:
        """Without the password: it is not to be in any message."""
        return f"CloneCredential({self.user!r}, …)"


class PullRequestState(msgspec.Struct, frozen=True, kw_only=True):
    """A pull request as the forge sees it now. `merge_sha` is the test merge, empty where there is none (yet, or for a conflict)."""

    number: int
    head_sha: str
    base_ref: str
    base_sha: str
    merge_sha: str = ""
    is_mergeable: bool | None = None
    """None: the forge does not know yet"""


class ListedPull(msgspec.Struct, frozen=True, kw_only=True):
    """A pull request, as far as can be seen from a list of many."""

    number: int
    head_sha: str
    is_open: bool = True
    is_draft: bool = False


class PullPage(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the list of those that are open. `tag` is what the forge calls this state of it, empty where it has no name for it."""

    pulls: tuple[ListedPull, ...]
    tag: str = ""
    has_more: bool = False


# --- what may go wrong -----------------------------------------------------------------------------------------------


class ForgeError(Exception):
    """The forge did not do what it was asked. The message is for people, and has no secret in it."""


class ForgeAwayError(ForgeError):
    """It cannot be reached, is out of order, or wants to be asked less often: try again, after `retry_seconds` where it said so."""

    def __init__(self, message: str, retry_seconds: float | None = None) -> None:
        super().__init__(message)
        self.retry_seconds = retry_seconds


class ForgeDeniedError(ForgeError):
    """The credential is not taken, has expired, or is not enough; or the repository is not there for it. `is_missing`: the forge says
    that there is nothing (404), which GitHub also says where somebody may not know.
    """

    def __init__(self, message: str, *, is_missing: bool = False) -> None:
        super().__init__(message)
        self.is_missing = is_missing


class ForgeRefusedError(ForgeError):
    """This will never be taken as it is: a commit that the forge does not know, too many statuses of one commit."""


# --- who this server is to a forge -----------------------------------------------------------------------------------


class TokenCredential(msgspec.Struct, frozen=True):
    """A token of a person or of a robot's account: statuses can be set with it."""

    token: str

    def __repr__(self) -> str:
        """Without the token."""
        return "TokenCredential(…)"


class AppCredential(msgspec.Struct, frozen=True):
    """A GitHub App that is installed in the repository: checks need one. `private_key` is PEM."""

    app_id: str
    private_key: str

    def __repr__(self) -> str:
        """Without the key."""
        return f"AppCredential({self.app_id!r}, …)"


ForgeCredential = TokenCredential | AppCredential


class ForgeCredentials(Protocol):
    """Where the credentials for forges are kept. They are the server's own: no job ever gets one."""

    def find(self, repository: HostedRepository) -> ForgeCredential | None:
        """The repository's own credential, else its owner's, else the forge's; None where nobody has given one. May raise
        `StoreError`.
        """
        ...


# --- the forge ---------------------------------------------------------------------------------------------------------


class Forge(Protocol):
    """One repository at its forge, with a credential. Safe from any thread; every call blocks for at most half a minute or so, and may
    raise any `ForgeError`. None follows a redirect.
    """

    way: Literal["statuses", "checks"]
    """`checks` have a running state, annotations and a summary; `statuses` do not"""

    def tell(self, status: Status, details: Callable[[], CheckDetails], *, known: Told, is_uncertain: bool) -> Told:
        """Say how a check stands.

        `known` is what an earlier call for the same open check gave. `is_uncertain` says that an earlier call may have been heard
        although its answer was lost: what is there already is looked for then, instead of being made twice. `details` is called where
        the forge has use for them. Safe to repeat.
        """
        ...

    def get_default_branch(self) -> str:
        """The branch that pull requests go to unless said otherwise."""
        ...

    def get_pull_request(self, number: int) -> PullRequestState:
        """A pull request as it is now."""
        ...

    def list_open_pulls(self, page: int, known: PullPage | None) -> PullPage:
        """The pull requests that are open, oldest first, from page 1 on. `known` is what this page was before: where the forge says that it
        still is, it is given back, and nothing was sent.
        """
        ...

    def describe_pull(self, number: int) -> tuple[ListedPull, Mapping[str, Any]]:
        """One as it is now, open or not, with all that the forge says of it: what it writes into deliveries."""
        ...

    def get_clone_credential(self) -> CloneCredential:
        """For fetching from the repository."""
        ...


class Forges(Protocol):
    """The forges of all repositories."""

    def find(self, repository: HostedRepository) -> Forge | None:
        """Where a repository is reported to; None for this server's own repositories, and where there is no credential. May raise
        `ForgeError` (an App that is not installed) and `StoreError`.
        """
        ...


def state_of(verdict: Verdict) -> StatusState:
    """A verdict as a commit status.

    A job that was skipped counts as a success, as in GitHub's own required checks (GitHub docs, "Troubleshooting required status
    checks": a job that is skipped reports success). One that was cancelled has not failed, but must not pass either: an error.
    """
    match verdict:
        case "queued" | "running":
            return "pending"
        case "success" | "skipped":
            return "success"
        case "failure":
            return "failure"
        case "error" | "cancelled":
            return "error"


def clip(text: str, most: int) -> str:
    """A text of at most so many characters; one that was cut says so."""
    return text if len(text) <= most else f"{text[: most - 1]}…"

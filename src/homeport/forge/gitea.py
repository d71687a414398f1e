"""Tells Gitea and Forgejo how jobs stand, as commit statuses. Source: their API's own description (`/swagger.v1.json`)."""

from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeVar
from urllib.parse import quote

from homeport.forge.answers import (
    NothingMore,
    PullAnswer,
    PullRequestAnswer,
    RepositoryAnswer,
    read_page,
    read_pull,
)
from homeport.forge.rest import ForgeClient
from homeport.ports.directory import HostedRepository
from homeport.ports.forge import (
    MOST_DESCRIPTION,
    CheckDetails,
    CloneCredential,
    ForgeDeniedError,
    ForgeRefusedError,
    ListedPull,
    PullPage,
    PullRequestState,
    Status,
    Told,
    Verdict,
    clip,
    state_of,
)

Answer = TypeVar("Answer")

_PULLS_AT_ONCE = 50


def api_address(server_url: str) -> str:
    """Where the interface is, below the address that people open."""
    return f"{server_url.rstrip('/')}/api/v1"


class GiteaStatuses:
    """A `Forge` for one repository."""

    way: Literal["statuses", "checks"] = "statuses"

    def __init__(self, client: ForgeClient, repository: HostedRepository, token: str) -> None:
        self._client = client
        self._path = f"repos/{quote(repository.owner, safe='')}/{quote(repository.name, safe='')}"
        self._token = token

    def tell(self, status: Status, details: Callable[[], CheckDetails], *, known: Told, is_uncertain: bool) -> Told:  # noqa: ARG002 - statuses are only added to
        """Statuses add up, and the last of a context counts: said twice is as good as said once."""
        body = {
            "state": _state_of(status.verdict),
            "context": status.context,
            "description": clip(status.description, MOST_DESCRIPTION),
            "target_url": status.target_url,
        }
        try:
            self._send("POST", f"statuses/{quote(status.sha, safe='')}", NothingMore, body)
        except ForgeDeniedError as error:
            if not error.is_missing:
                raise
            self.get_default_branch()  # raises, where it is the repository that is not there
            raise ForgeRefusedError(f"the commit {status.sha} is not there: {error}") from error
        return Told()

    def get_default_branch(self) -> str:
        """As Gitea has it."""
        return self._send("GET", "", RepositoryAnswer).default_branch

    def get_pull_request(self, number: int) -> PullRequestState:
        """Gitea names a test merge only after the real one; whether there is a conflict it says at once."""
        found = self._send("GET", f"pulls/{number}", PullRequestAnswer)
        return PullRequestState(
            number=number,
            head_sha=found.head.sha,
            base_ref=found.base.ref,
            base_sha=found.base.sha,
            is_mergeable=found.mergeable,
        )

    def list_open_pulls(self, page: int, known: PullPage | None) -> PullPage:
        """Gitea has no names for states of lists so far: all is sent each time."""
        found = self._client.ask(
            f"{self._path}/pulls",
            authorization=f"token {self._token}",
            query={"state": "open", "sort": "oldest", "limit": str(_PULLS_AT_ONCE), "page": str(page)},
            tag="" if known is None else known.tag,
            answer_type=list[PullAnswer],
        )
        return read_page(found, known, _PULLS_AT_ONCE)

    def describe_pull(self, number: int) -> tuple[ListedPull, Mapping[str, Any]]:
        """What Gitea's deliveries have in them too."""
        document = self._send("GET", f"pulls/{number}", dict[str, Any])
        return read_pull(document), document

    def get_clone_credential(self) -> CloneCredential:
        """With a token as the password, any name will do."""
        return CloneCredential("oauth2", self._token)

    def _send(self, method: str, path: str, answer_type: type[Answer], body: dict[str, Any] | None = None) -> Answer:
        return self._client.send(
            method,
            f"{self._path}/{path}".rstrip("/"),
            authorization=f"token {self._token}",
            body=body,
            answer_type=answer_type,
        )


def _state_of(verdict: Verdict) -> str:
    """As Gitea reports its own actions: a cancelled job has failed. Newer ones say `skipped` too; older ones refuse the word."""
    return "failure" if verdict == "cancelled" else state_of(verdict)

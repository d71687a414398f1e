"""Tells GitHub how jobs stand: as commit statuses with a token, as check runs with an App.

Source: GitHub docs, "REST API endpoints for commit statuses" and "REST API endpoints for check runs".
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, TypeVar
from urllib.parse import quote

import msgspec

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
    OPEN,
    CheckAnnotation,
    CheckDetails,
    CloneCredential,
    ForgeDeniedError,
    ListedPull,
    PullPage,
    PullRequestState,
    Status,
    Told,
    clip,
    state_of,
)

Answer = TypeVar("Answer")

ACCEPT = "application/vnd.github+json"
HEADERS = {"x-github-api-version": "2022-11-28"}

_ANNOTATIONS_AT_ONCE = 50
_PULLS_AT_ONCE = 100
_MOST_SUMMARY = 65_535
_MOST_TITLE = 255
_MOST_MESSAGE = 60_000
"""bytes; GitHub takes 64 KB"""
_LEVELS = {"notice": "notice", "warning": "warning", "error": "failure"}


class _CheckOutput(msgspec.Struct, frozen=True):
    annotations_count: int = 0


class _CheckRun(msgspec.Struct, frozen=True):
    id: int
    status: str = ""
    external_id: str | None = None
    output: _CheckOutput = _CheckOutput()


class _CheckRuns(msgspec.Struct, frozen=True):
    check_runs: list[_CheckRun]


def api_address(server_url: str) -> str:
    """Where GitHub's interface is: beside github.com, within an Enterprise server, or wherever such a server stands."""
    address = server_url.rstrip("/")
    return "https://api.github.com" if address.lower() == "https://github.com" else f"{address}/api/v3"


class GitHubRepository:
    """What all ways of speaking to one repository of GitHub share. `get_token` gives the token to use now; `drop_token` is told that it
    was not taken, and says whether there may be a better one.
    """

    def __init__(
        self,
        client: ForgeClient,
        repository: HostedRepository,
        get_token: Callable[[], str],
        drop_token: Callable[[], bool],
    ) -> None:
        self._client = client
        self._path = f"repos/{quote(repository.owner, safe='')}/{quote(repository.name, safe='')}"
        self._get_token = get_token
        self._drop_token = drop_token

    def send(
        self,
        method: str,
        path: str,
        answer_type: type[Answer],
        *,
        body: dict[str, Any] | None = None,
        query: dict[str, str] | None = None,
    ) -> Answer:
        """One request below the repository's path. Raises `ForgeError`."""
        return self._with_good_token(lambda: self._send(method, path, answer_type, body, query))

    def get_default_branch(self) -> str:
        """As GitHub has it."""
        return self.send("GET", "", RepositoryAnswer).default_branch

    def get_pull_request(self, number: int) -> PullRequestState:
        """GitHub makes the test merge when it is asked, in the background."""
        found = self.send("GET", f"pulls/{number}", PullRequestAnswer)
        return PullRequestState(
            number=number,
            head_sha=found.head.sha,
            base_ref=found.base.ref,
            base_sha=found.base.sha,
            merge_sha=(found.merge_commit_sha or "") if found.mergeable else "",
            is_mergeable=found.mergeable,
        )

    def list_open_pulls(self, page: int, known: PullPage | None) -> PullPage:
        """A question whose answer is still the same counts against no limit (GitHub docs, "Best practices for using the REST API: Use
        conditional requests").
        """
        query = {
            "state": "open",
            "sort": "created",
            "direction": "asc",
            "per_page": str(_PULLS_AT_ONCE),
            "page": str(page),
        }
        found = self._with_good_token(
            lambda: self._client.ask(
                f"{self._path}/pulls",
                authorization=f"Bearer {self._get_token()}",
                query=query,
                accept=ACCEPT,
                headers=HEADERS,
                tag="" if known is None else known.tag,
                answer_type=list[PullAnswer],
            )
        )
        return read_page(found, known, _PULLS_AT_ONCE)

    def describe_pull(self, number: int) -> tuple[ListedPull, Mapping[str, Any]]:
        """Being asked for one, GitHub makes its test merge too."""
        document = self.send("GET", f"pulls/{number}", dict[str, Any])
        return read_pull(document), document

    def get_clone_credential(self) -> CloneCredential:
        """The name that goes with every kind of token."""
        return CloneCredential("x-access-token", self._get_token())

    def _with_good_token(self, question: Callable[[], Answer]) -> Answer:
        try:
            return question()
        except ForgeDeniedError:
            if not self._drop_token():
                raise
            return question()

    def _send(
        self,
        method: str,
        path: str,
        answer_type: type[Answer],
        body: dict[str, Any] | None,
        query: dict[str, str] | None,
    ) -> Answer:
        return self._client.send(
            method,
            f"{self._path}/{path}".rstrip("/"),
            authorization=f"Bearer {self._get_token()}",
            body=body,
            query=query,
            accept=ACCEPT,
            headers=HEADERS,
            answer_type=answer_type,
        )


class GitHubStatuses(GitHubRepository):
    """A `Forge` by commit statuses: what a token can do."""

    way: Literal["statuses", "checks"] = "statuses"

    def tell(self, status: Status, details: Callable[[], CheckDetails], *, known: Told, is_uncertain: bool) -> Told:  # noqa: ARG002 - statuses are only added to
        """Statuses add up, and the last of a context counts: said twice is as good as said once."""
        body = {
            "state": state_of(status.verdict),
            "context": status.context,
            "description": clip(status.description, MOST_DESCRIPTION),
        }
        if status.target_url:
            body["target_url"] = status.target_url
        self.send("POST", f"statuses/{quote(status.sha, safe='')}", NothingMore, body=body)
        return Told()


class GitHubChecks(GitHubRepository):
    """A `Forge` by check runs: what an App can do. A check that has ended is left as it is; what follows is another one of the same name,
    as with jobs that GitHub runs again.
    """

    way: Literal["statuses", "checks"] = "checks"

    def tell(self, status: Status, details: Callable[[], CheckDetails], *, known: Told, is_uncertain: bool) -> Told:
        """Make the check run, or change it; its annotations follow, 50 at a time."""
        found = self._find(status, known) if is_uncertain else None
        if is_uncertain:
            known = Told() if found is None else Told(str(found.id))
        body = _write_check(status)
        if status.verdict in OPEN:
            return self._put(status, body, known)
        said = details()
        there = found.output.annotations_count if found is not None else 0  # each further call adds to them
        body["output"] = _write_output(status, said, said.annotations[there : there + _ANNOTATIONS_AT_ONCE])
        told = self._put(status, body, known)
        for first in range(there + _ANNOTATIONS_AT_ONCE, len(said.annotations), _ANNOTATIONS_AT_ONCE):
            output = _write_output(status, said, said.annotations[first : first + _ANNOTATIONS_AT_ONCE])
            self.send("PATCH", f"check-runs/{told.id}", NothingMore, body={"output": output})
        return told

    def _put(self, status: Status, body: dict[str, Any], known: Told) -> Told:
        if known.id:
            self.send("PATCH", f"check-runs/{known.id}", NothingMore, body=body)
            return known
        made = self.send("POST", "check-runs", _CheckRun, body={"head_sha": status.sha, **body})
        return Told(str(made.id))

    def _find(self, status: Status, known: Told) -> _CheckRun | None:
        """What an earlier call, whose answer was lost, may have made: a check of this name that is open still, or has the end of the same
        job.
        """
        if known.id:
            runs = [self.send("GET", f"check-runs/{known.id}", _CheckRun)]
        else:
            query = {"check_name": status.context, "filter": "latest"}
            path = f"commits/{quote(status.sha, safe='')}/check-runs"
            runs = self.send("GET", path, _CheckRuns, query=query).check_runs
        is_end = status.verdict not in OPEN
        return next(
            (run for run in runs if run.status != "completed" or (is_end and run.external_id == status.reference)),
            None,
        )


def _write_check(status: Status) -> dict[str, Any]:
    body: dict[str, Any] = {"name": status.context, "external_id": status.reference}
    if status.target_url:
        body["details_url"] = status.target_url
    if status.started_at is not None:
        body["started_at"] = _write_time(status.started_at)
    match status.verdict:
        case "queued":
            return {**body, "status": "queued"}
        case "running":
            return {**body, "status": "in_progress"}
        case _:
            conclusion = "failure" if status.verdict == "error" else status.verdict
    body |= {"status": "completed", "conclusion": conclusion}
    if status.completed_at is not None:
        body["completed_at"] = _write_time(status.completed_at)
    return body


def _write_output(status: Status, details: CheckDetails, annotations: Sequence[CheckAnnotation]) -> dict[str, Any]:
    return {
        "title": clip(details.title or status.description or status.context, _MOST_TITLE),
        "summary": clip(details.summary, _MOST_SUMMARY),
        "annotations": [_write_annotation(annotation) for annotation in annotations],
    }


def _write_annotation(annotation: CheckAnnotation) -> dict[str, Any]:
    """Columns are taken for remarks on one line only."""
    body: dict[str, Any] = {
        "path": annotation.path,
        "start_line": annotation.line,
        "end_line": annotation.end_line,
        "annotation_level": _LEVELS[annotation.level],
        "message": _cut_bytes(annotation.message, _MOST_MESSAGE) or " ",
    }
    if annotation.title:
        body["title"] = clip(annotation.title, _MOST_TITLE)
    if annotation.line == annotation.end_line and annotation.column is not None:
        body["start_column"] = annotation.column
        body["end_column"] = annotation.end_column or annotation.column
    return body


def _cut_bytes(text: str, most: int) -> str:
    data = text.encode(errors="replace")
    return text if len(data) <= most else data[:most].decode(errors="ignore") + "…"


def _write_time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"

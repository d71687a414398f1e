"""Commit statuses, in and out (docs: "REST API endpoints for commit statuses")."""

from typing import Literal

import msgspec

from homeport.ports.forge import MOST_DESCRIPTION, Status, StatusState, Verdict
from homeport.rest.entries import PersonEntry
from homeport.rest.links import format_time, node_id
from homeport.rest.repositories import MinimalRepository, show_repository
from homeport.rest.users import SimpleUser, show_user
from homeport.server.api.answers import Answer, FieldError, Page
from homeport.server.api.call import Call, Permission
from homeport.server.api.commits import resolve_ref
from homeport.server.api.described import person_of
from homeport.server.api.endpoint import Endpoint, endpoint
from homeport.store.tables.statuses import CommitStatus, combine

READ = Permission("reader", "statuses")
WRITE = Permission("writer", "statuses", "write")
_REPOSITORY = "/repos/{owner}/{repo}"
_DEFAULT = "default"
_LONGEST_CONTEXT = 255
_LONGEST_ADDRESS = 2048
_VERDICTS: dict[StatusState, Verdict] = {
    "pending": "running",
    "success": "success",
    "failure": "failure",
    "error": "error",
}


class StatusBody(msgspec.Struct, frozen=True, kw_only=True):
    """A status to be set."""

    state: StatusState
    target_url: str | None = None
    description: str | None = None
    context: str | None = _DEFAULT


class SimpleStatus(msgspec.Struct, frozen=True, kw_only=True):
    """GitHub's `simple-commit-status`."""

    id: int
    node_id: str
    url: str
    avatar_url: str | None
    state: StatusState
    description: str | None
    target_url: str | None
    context: str
    created_at: str
    updated_at: str


class ShownStatus(SimpleStatus, frozen=True, kw_only=True):
    """GitHub's `status`."""

    creator: SimpleUser


class CombinedStatus(msgspec.Struct, frozen=True, kw_only=True):
    """GitHub's `combined-commit-status`."""

    state: Literal["pending", "success", "failure", "error"]
    statuses: tuple[SimpleStatus, ...]
    sha: str
    total_count: int
    repository: MinimalRepository
    commit_url: str
    url: str


def create(call: Call, body: StatusBody) -> Answer:
    """Set one; every call makes another, and the latest of a context counts."""
    sha = resolve_ref(call, call.text("sha"))
    target = body.target_url or ""
    if wrong := _check_body(body, target):
        call.refuse("Validation Failed", wrong)
    made = call.parts.set_status(
        call.repository,
        Status(
            sha=sha,
            context=body.context or _DEFAULT,
            verdict=_VERDICTS[body.state],
            description=body.description or "",
            target_url=target,
        ),
        call.caller.login,
    )
    return Answer(body=_show(call, made), status=201)


def _check_body(body: StatusBody, target: str) -> list[FieldError]:
    """Source: GitHub docs, "REST API endpoints for commit statuses"; what GitHub answers where they say nothing."""
    wrong: list[tuple[str, str]] = []
    context = body.context or _DEFAULT
    if target and not target.startswith(("https://", "http://")):
        wrong.append(("target_url", "target_url must use http(s)"))
    if len(target) > _LONGEST_ADDRESS:
        wrong.append(("target_url", f"target_url is too long (maximum is {_LONGEST_ADDRESS} characters)"))
    if len(context) > _LONGEST_CONTEXT:
        wrong.append(("context", f"context is too long (maximum is {_LONGEST_CONTEXT} characters)"))
    if not context.isprintable():
        wrong.append(("context", "context is one line of text"))
    if len(body.description or "") > MOST_DESCRIPTION:
        wrong.append(("description", f"description is too long (maximum is {MOST_DESCRIPTION} characters)"))
    if "\0" in f"{body.description}{target}":
        wrong.append(("description", "there is a NUL character in it"))
    return [FieldError(resource="Status", field=field, code="custom", message=words) for field, words in wrong]


def list_all(call: Call, query: Page) -> Answer:
    """All of a commit, the newest first."""
    sha = resolve_ref(call, call.text("ref"))
    found = call.parts.statuses.list(call.repository.id, sha, limit=query.size + 1, offset=query.offset)
    total = query.offset + len(found)
    return call.page([_show(call, each) for each in found[: query.size]], query, total)


def get_combined(call: Call, query: Page) -> Answer:
    """The latest of every context, and what they come to."""
    sha = resolve_ref(call, call.text("ref"))
    latest = call.parts.statuses.latest(call.repository.id, sha)
    above = call.links.repository(call.repository.full_name)
    combined = CombinedStatus(
        state=combine([each.state for each in latest]),
        statuses=tuple(_show_simple(call, each) for each in query.cut(latest)),
        sha=sha,
        total_count=len(latest),
        repository=show_repository(call.entry, call.links),
        commit_url=f"{above}/commits/{sha}",
        url=f"{above}/commits/{sha}/status",
    )
    return call.page(combined, query, len(latest))


def _show(call: Call, status: CommitStatus) -> ShownStatus:
    creator = _creator_of(call, status)
    simple = msgspec.structs.asdict(_show_simple(call, status))
    return ShownStatus(**simple, creator=show_user(creator, call.links))


def _show_simple(call: Call, status: CommitStatus) -> SimpleStatus:
    made_at = format_time(status.created_at)
    creator = show_user(_creator_of(call, status), call.links)
    return SimpleStatus(
        id=status.id,
        node_id=node_id("SC", status.id),
        url=f"{call.links.repository(call.repository.full_name)}/statuses/{status.sha}",
        avatar_url=creator.avatar_url,
        state=status.state,
        description=status.description or None,
        target_url=status.target_url or None,
        context=status.context,
        created_at=made_at,
        updated_at=made_at,
    )


def _creator_of(call: Call, status: CommitStatus) -> PersonEntry:
    return person_of(call.parts.people, status.creator) if status.creator else PersonEntry("homeport[bot]", 0, "Bot")


ENDPOINTS: tuple[Endpoint, ...] = (
    endpoint(
        "POST",
        f"{_REPOSITORY}/statuses/{{sha}}",
        "repos/create-commit-status",
        "Set a status of a commit",
        create,
        StatusBody,
        permission=WRITE,
        answer=ShownStatus,
        status=201,
    ),
    endpoint(
        "GET",
        f"{_REPOSITORY}/commits/{{ref:path}}/statuses",
        "repos/list-commit-statuses-for-ref",
        "List the statuses of a commit",
        list_all,
        Page,
        permission=READ,
        answer=tuple[ShownStatus, ...],
    ),
    endpoint(
        "GET",
        f"{_REPOSITORY}/commits/{{ref:path}}/status",
        "repos/get-combined-status-for-ref",
        "Get what the statuses of a commit come to",
        get_combined,
        Page,
        permission=READ,
        answer=CombinedStatus,
    ),
    endpoint(
        "GET",
        f"{_REPOSITORY}/statuses/{{ref:path}}",
        "repos/list-statuses-for-ref-old",
        "List the statuses of a commit (the older address, which PyGithub uses)",
        list_all,
        Page,
        permission=READ,
        answer=tuple[ShownStatus, ...],
    ),
)

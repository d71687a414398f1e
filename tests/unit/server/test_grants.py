"""Which runs are trusted with secrets and with tokens that write."""

from typing import Any

import msgspec
import pytest

from homeport.event import Event, Repository
from homeport.ports.directory import HostedRepository, RepositorySettings
from homeport.server.grants import is_trusted

OWN = HostedRepository(id=1, owner="octo", name="repo")
SHADOW = msgspec.structs.replace(OWN, settings=RepositorySettings(is_shadow=True))
INSIDE = {"pull_request": {"head": {"repo": {"id": 1}}, "base": {"repo": {"id": 1}}}}
FORK = {"pull_request": {"head": {"repo": {"id": 2}}, "base": {"repo": {"id": 1}}}}
GONE = {"pull_request": {"head": {"repo": None}, "base": {"repo": {"id": 1}}}}


def event(name: str, payload: dict[str, Any] | None = None, actor: str = "ada") -> Event:
    repository = Repository(
        owner="octo", name="repo", id="1", owner_id="1", default_branch="main", server_url="https://example.com"
    )
    return Event(
        name=name, repository=repository, ref="refs/heads/main", sha="1" * 40, actor=actor, payload=payload or {}
    )


@pytest.mark.parametrize(
    "trusted",
    [
        event("push"),
        event("schedule"),
        event("workflow_dispatch"),
        event("pull_request", INSIDE),
        event("pull_request_target", FORK),
    ],
)
def test_what_runs_on_the_repositorys_own_branches_is_trusted(trusted: Event) -> None:
    assert is_trusted(trusted, OWN)
    assert not is_trusted(trusted, SHADOW), "shadow mode is never trusted"


@pytest.mark.parametrize("payload", [FORK, GONE, {}, {"pull_request": {"head": "x", "base": []}}])
@pytest.mark.parametrize("name", ["pull_request", "pull_request_review", "pull_request_review_comment"])
def test_what_a_fork_brings_is_not_nor_what_does_not_say_where_it_is_from(name: str, payload: dict[str, Any]) -> None:
    assert not is_trusted(event(name, payload), OWN)


def test_an_update_bot_is_not() -> None:
    assert not is_trusted(event("push", actor="dependabot[bot]"), OWN)
    assert not is_trusted(event("pull_request", INSIDE, actor="dependabot[bot]"), OWN)

"""Which runs are trusted with secrets and with tokens that write."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from homeport.coordinator.surroundings import JobGrant
from homeport.event import Event, Repository
from homeport.plan.model import Leg
from homeport.ports.access import Caller
from homeport.ports.directory import HostedRepository, RepositorySettings
from homeport.ports.vault import repository_scope
from homeport.run.state import RunState
from homeport.server.credentials import digest_of
from homeport.server.grants import ServerGrants, is_trusted
from homeport.store.data_folder import DataFolder
from homeport.store.tables.directory import TableDirectory
from tests.support.access import House, open_house
from tests.support.plans import NOW, plan_of, written_job
from tests.support.simulation import World
from tests.support.workflows import GITHUB, plan_of_text

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
    for name in ("create", "deployment", "deployment_status"):
        assert not is_trusted(event(name, actor="dependabot[bot]"), OWN)
    assert is_trusted(event("issue_comment", actor="dependabot[bot]"), OWN)


@pytest.mark.parametrize(("base", "expected"), [("main", True), ("dependabot/pip/x", False), (None, False)])
def test_what_an_update_bot_asks_of_a_branch_is_trusted_unless_the_branch_is_its_own(base: str, expected: bool) -> None:
    payload = {"pull_request": {"base": {"ref": base}}}
    assert is_trusted(event("pull_request_target", payload, actor="dependabot[bot]"), OWN) is expected


# --- what a job is given ---------------------------------------------------------------------------------------------


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with open_house(tmp_path) as house:
        yield house


def give(
    house: House, happened: Event, names: frozenset[str] | None = None, settings: RepositorySettings | None = None
) -> tuple[dict[str, str], Caller | None]:
    """The secrets of a job of this event, without its token; and who the token is."""
    directory = TableDirectory(house.database)
    added = HostedRepository(
        id=0, owner="octo", name=f"r{len(directory.list())}", settings=settings or RepositorySettings()
    )
    repository = directory.add(added)
    for name in ("KEY", "OTHER"):
        house.access.vault.put_secret(repository_scope(repository), name, f"the {name}", at=NOW)
    of_bots = msgspec.structs.replace(repository_scope(repository), is_of_bots=True)
    house.access.vault.put_secret(of_bots, "KEY", "the bots' KEY", at=NOW)
    grants = ServerGrants(directory, house.access.vault, house.access.job_tokens, DataFolder(str(house.folder)))
    plan = msgspec.structs.replace(plan_of(written_job("build")), event=happened)
    run = RunState(id="7", plan=plan, repository_id=repository.id)
    leg = Leg(key="build", job_id="build", name="build", permissions={"contents": "write", "actions": "read"})
    secrets = dict(grants.grant(run, leg, "7.1.1", names).secrets)
    return secrets, house.access.job_tokens.find(digest_of(secrets.pop("GITHUB_TOKEN")))


def test_a_trusted_job_gets_its_secrets_and_a_token_with_its_permissions(house: House) -> None:
    secrets, caller = give(house, event("push"))
    assert secrets == {"KEY": "the KEY", "OTHER": "the OTHER"}
    assert caller is not None
    assert (caller.repository, caller.grants) == ("octo/r0", {"contents": "write", "actions": "read"})


def test_a_job_gets_the_secrets_that_it_names_and_no_others(house: House) -> None:
    assert give(house, event("push"), frozenset({"KEY"}))[0] == {"KEY": "the KEY"}
    assert give(house, event("push"), frozenset())[0] == {}


def test_a_job_of_a_forges_repository_holds_no_token_but_its_runner_does(house: House) -> None:
    directory = TableDirectory(house.database)
    repository = directory.add(
        HostedRepository(id=0, owner="octo", name="app", origin="github", server_url="https://github.com")
    )
    grants = ServerGrants(directory, house.access.vault, house.access.job_tokens, DataFolder(str(house.folder)))
    plan = msgspec.structs.replace(plan_of(written_job("build")), event=event("push"))
    leg = Leg(key="build", job_id="build", name="build", permissions={"checks": "write"})
    granted = grants.grant(RunState(id="7", plan=plan, repository_id=repository.id), leg, "7.1.1", None)
    assert granted.secrets == {}
    caller = house.access.job_tokens.find(digest_of(granted.server_token))
    assert caller is not None
    assert (caller.repository, caller.grants) == ("octo/app", {"checks": "write"})


@pytest.mark.parametrize("payload", [FORK, GONE, {}])
def test_a_job_of_a_fork_gets_no_secret_and_a_token_that_reads(house: House, payload: dict[str, Any]) -> None:
    secrets, caller = give(house, event("pull_request", payload))
    assert secrets == {}
    assert caller is not None
    assert caller.grants == {"contents": "read", "actions": "read"}


@pytest.mark.parametrize(("name", "payload"), [("push", {}), ("pull_request", INSIDE)])
def test_a_job_of_an_update_bot_gets_secrets_of_its_own(house: House, name: str, payload: dict[str, Any]) -> None:
    secrets, caller = give(house, event(name, payload, actor="dependabot[bot]"))
    assert secrets == {"KEY": "the bots' KEY"}
    assert caller is not None
    assert set(caller.grants.values()) == {"read"}


def test_an_update_bot_of_a_fork_gets_none_nor_does_one_in_shadow_mode(house: House) -> None:
    of_fork = event("pull_request", FORK, actor="dependabot[bot]")
    to_own_branch = event("pull_request_target", {"pull_request": {"base": {"ref": "dependabot/x"}}}, "dependabot[bot]")
    assert give(house, of_fork)[0] == {}
    assert give(house, to_own_branch)[0] == {}
    assert give(house, event("push", actor="dependabot[bot]"), settings=RepositorySettings(is_shadow=True))[0] == {}


def test_in_shadow_mode_a_job_gets_no_secret_and_a_token_that_reads(house: House) -> None:
    secrets, caller = give(house, event("push"), settings=RepositorySettings(is_shadow=True))
    assert secrets == {}
    assert caller is not None
    assert set(caller.grants.values()) == {"read"}


# --- identity tokens -------------------------------------------------------------------------------------------------

IDENTIFIED = """
    permissions: {id-token: write}
    jobs:
      build: {runs-on: ubuntu-latest, steps: [run: "true"]}
      nobody: {runs-on: ubuntu-latest, permissions: {contents: write}, steps: [run: "true"]}
"""


def ask_for_identity(house: House, happened: Event, job: str = "build", *, is_shadow: bool = False) -> JobGrant:
    """What a job of this workflow is given; its `permissions` are as if nobody had looked at where the event is from."""
    directory = TableDirectory(house.database)
    settings = RepositorySettings(is_shadow=is_shadow)
    name = f"r{len(directory.list())}"
    repository = directory.add(HostedRepository(id=0, owner="octo", name=name, settings=settings))
    world = World()
    world.start(plan_of_text(IDENTIFIED), {}, github=GITHUB)
    state = world.runs["1"].state
    plan = msgspec.structs.replace(state.plan, event=happened)
    leg = state.jobs[job].leg
    assert leg is not None
    grants = ServerGrants(directory, house.access.vault, house.access.job_tokens, DataFolder(str(house.folder)))
    run = msgspec.structs.replace(state, plan=plan, repository_id=repository.id)
    wanted = {"build": {"id-token": "write"}, "nobody": {"contents": "write"}}[job]
    return grants.grant(run, msgspec.structs.replace(leg, permissions=wanted), "1.1.1", None)


def test_a_job_that_may_gets_a_token_that_is_good_for_asking_and_for_nothing_else(house: House) -> None:
    grant = ask_for_identity(house, event("push"))
    digest = digest_of(grant.identity_token)
    claims = house.access.job_tokens.find_claims(digest)
    assert claims is not None
    assert claims["sub"].startswith("repo:")
    assert house.access.job_tokens.find(digest) is None
    assert house.access.job_tokens.find_claims(digest_of(grant.secrets["GITHUB_TOKEN"])) is None
    assert grant.identity_token not in grant.secrets.values()


def test_nobody_else_gets_one(house: House) -> None:
    assert ask_for_identity(house, event("push"), "nobody").identity_token == ""
    assert ask_for_identity(house, event("pull_request", FORK)).identity_token == ""
    assert ask_for_identity(house, event("pull_request", GONE)).identity_token == ""
    assert ask_for_identity(house, event("push"), is_shadow=True).identity_token == ""


def test_it_dies_with_its_job(house: House) -> None:
    digest = digest_of(ask_for_identity(house, event("push")).identity_token)
    house.access.job_tokens.keep_only(["1.1.1"])
    assert house.access.job_tokens.find_claims(digest) is not None
    house.access.job_tokens.keep_only([])
    assert house.access.job_tokens.find_claims(digest) is None

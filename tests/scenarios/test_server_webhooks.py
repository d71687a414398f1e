"""Deliveries of forges to a real server: signed or refused, durable or not accepted, once however often they come."""

import json
import subprocess
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from homeport.forge.signatures import sign
from homeport.ports.directory import HostedRepository, Origin, RepositorySettings
from homeport.store.tables.audit import AUDIT
from homeport.store.tables.seen_pulls import TableSeenPulls
from homeport.store.tables.statuses import TableStatuses
from tests.support.forges.bench import token
from tests.support.forges.connected import connect
from tests.support.forges.github import GitHubStandIn
from tests.support.git_http import GitServer, git_server
from tests.support.pushing import Checkout
from tests.support.records import Records, records, set_webhook_secret
from tests.support.serve import ServedProcess, served, wait_until

SECRET = "a secret of the test's"
FILE = ".github/workflows/ci.yml"
WORKFLOW = """\
on: [push, pull_request]
jobs:
  build:
    runs-on: ubuntu-latest
    steps:
      - run: echo ${{ github.event_name }}
"""


@pytest.fixture
def forge(tmp_path: Path) -> Iterator[GitServer]:
    with git_server(tmp_path / "forge") as server:
        yield server


@pytest.fixture
def checkout(forge: GitServer) -> Checkout:
    """The repository at the forge; what is committed there is there."""
    return Checkout(forge.root / "acme" / "shop", "http://nowhere")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServedProcess]:
    with served(tmp_path / "data", "--internal-forge", "127.0.0.1") as process:
        set_webhook_secret(process, SECRET)
        yield process


def add_repository(kept: Records, forge: GitServer, origin: Origin = "github", **settings: Any) -> HostedRepository:
    return kept.directory.add(
        HostedRepository(
            id=0,
            owner="acme",
            name="shop",
            origin=origin,
            server_url=forge.address,
            clone_url=f"{forge.address}/acme/shop.git",
            settings=RepositorySettings(**settings),
        )
    )


def push_payload(sha: str, **more: Any) -> dict[str, Any]:
    return {
        "ref": "refs/heads/main",
        "before": "0" * 40,
        "after": sha,
        "created": True,
        "deleted": False,
        "head_commit": {"id": sha, "message": "A change"},
        "commits": [{"id": sha}],
        "repository": {
            "id": 77,
            "full_name": "acme/shop",
            "default_branch": "main",
            "owner": {"login": "acme", "id": 7},
            "clone_url": "file:///etc/passwd; touch /tmp/owned",
        },
        "sender": {"login": "ada", "id": 5},
        **more,
    }


def deliver(
    server: ServedProcess,
    payload: Mapping[str, Any] | bytes,
    *,
    event: str = "push",
    delivery: str = "",
    secret: str = SECRET,
    source: str = "github",
) -> httpx.Response:
    body = payload if isinstance(payload, bytes) else msgspec.json.encode(payload)
    number = delivery or str(uuid.uuid4())
    names = {
        "github": ("X-GitHub-Event", "X-GitHub-Delivery", "X-Hub-Signature-256", "sha256="),
        "gitea": ("X-Gitea-Event-Type", "X-Gitea-Delivery", "X-Gitea-Signature", ""),
    }[source]
    headers = {names[0]: event, names[1]: number, names[2]: names[3] + sign(secret, body)}
    return httpx.post(
        f"{server.url}/webhooks/{source}",
        content=body,
        headers={**headers, "content-type": "application/json"},
        timeout=60,
    )


def audited(server: ServedProcess) -> list[str]:
    with records(server) as kept, kept.database.read() as connection:
        return [row.action for row in connection.execute(AUDIT.select())]


def test_a_signed_push_is_fetched_from_the_directorys_address_and_run(
    server: ServedProcess, forge: GitServer, checkout: Checkout
) -> None:
    sha = checkout.commit({FILE: WORKFLOW})
    with records(server) as kept:
        add_repository(kept, forge)
        answer = deliver(server, push_payload(sha), delivery="one")
        assert (answer.status_code, answer.json()["state"]) == (202, "accepted")
        (pushed,) = kept.planned("acme/shop", 1)
        assert (pushed.event.sha, pushed.event.actor, pushed.delivery) == (sha, "ada", "github/one/push")
        assert (pushed.event.repository.id, pushed.event.repository.owner_id) == ("77", "7")
        assert kept.ending(kept.starts(pushed)[0].run) == "success"
        asked = {"workflow": ".github/workflows/other.yml", "ref": "refs/heads/main", "inputs": None}
        named = {key: push_payload(sha)[key] for key in ("repository", "sender")}
        assert deliver(server, asked | named, event="workflow_dispatch").status_code == 202
        _, dispatched = kept.planned("acme/shop", 2)
        assert dispatched.note == "there is no workflow '.github/workflows/other.yml' in .github/workflows"
    assert not Path("/tmp/owned").exists()


def test_the_same_delivery_again_and_the_same_body_again_start_nothing_more(
    server: ServedProcess, forge: GitServer, checkout: Checkout
) -> None:
    sha = checkout.commit({FILE: WORKFLOW})
    with records(server) as kept:
        add_repository(kept, forge)
        states = [deliver(server, push_payload(sha), delivery="one").json()["state"] for _ in range(3)]
        states.append(deliver(server, push_payload(sha), delivery="replayed with another id").json()["state"])
        states.append(deliver(server, push_payload(sha, extra=1), delivery="one").json()["state"])
        assert states == ["accepted", "already", "already", "already", "already"]
        kept.planned("acme/shop", 1)
        server.restart()
        assert deliver(server, push_payload(sha), delivery="one").json()["state"] == "already"
        assert len(kept.planned("acme/shop", 1)) == 1


def test_what_is_not_signed_with_the_secret_is_refused_and_audited(
    server: ServedProcess, forge: GitServer, checkout: Checkout
) -> None:
    with records(server) as kept:
        repository = add_repository(kept, forge)
        answers = [
            deliver(server, push_payload("1" * 40), secret="another"),
            deliver(server, push_payload("1" * 40), secret=""),
            httpx.post(
                f"{server.url}/webhooks/github",
                json=push_payload("1" * 40),
                headers={"X-GitHub-Event": "push", "X-GitHub-Delivery": "1"},
            ),
            httpx.post(
                f"{server.url}/webhooks/gitea", json={}, headers={"X-Gitea-Event": "push", "X-Gitea-Delivery": "1"}
            ),
        ]
        assert [one.status_code for one in answers] == [401] * 4
        assert answers[0].headers["content-type"] == "application/problem+json"
        assert not kept.deliveries.list_heads(repository.id)
    wait_until(lambda: audited(server).count("signature.refused") == 4)


def test_bad_deliveries_are_refused_with_a_reason(server: ServedProcess, forge: GitServer) -> None:
    with records(server) as kept:
        add_repository(kept, forge)
    large = b'{"a": "' + b"x" * (25 * 1024 * 1024) + b'"}'
    assert deliver(server, large).status_code == 413
    assert deliver(server, b"no json").status_code == 400
    assert deliver(server, b"[1]").status_code == 400
    assert deliver(server, push_payload("1" * 40), source="gitea").status_code == 404  # it is one of GitHub's
    other = push_payload("1" * 40, repository={"full_name": "acme/other"})
    assert deliver(server, other).status_code == 404
    assert httpx.post(f"{server.url}/webhooks/github", content=b"{}").status_code == 400
    assert deliver(server, {"zen": "…", "repository": {"full_name": "acme/shop"}}, event="ping").json() == {
        "state": "pong"
    }


def test_an_accepted_delivery_survives_a_kill(server: ServedProcess, forge: GitServer, checkout: Checkout) -> None:
    with records(server) as kept:
        add_repository(kept, forge)
        shas = []
        for number in range(5):
            shas.append(checkout.commit({FILE: WORKFLOW, "a": str(number)}))
            assert deliver(server, push_payload(shas[-1]), delivery=str(number)).status_code == 202
            server.kill()
            server.start()
            assert deliver(server, push_payload(shas[-1]), delivery=str(number)).json()["state"] == "already"
        events = kept.planned("acme/shop", 5)
        assert [one.event.sha for one in events] == shas  # also those that a newer push has replaced
        runs = [kept.starts(one)[0] for one in events]
        assert len({one.run for one in runs}) == 5
        assert {kept.ending(one.run) for one in runs} == {"success"}


def pull_payload(base: str, head: str, **more: Any) -> dict[str, Any]:
    return {
        "action": "opened",
        "number": 7,
        "pull_request": {
            "number": 7,
            "title": "Better",
            "merged": False,
            "author_association": "MEMBER",
            "user": {"login": "ada"},
            "head": {"ref": "topic", "sha": head, "repo": {"full_name": "acme/shop", "fork": False}},
            "base": {"ref": "main", "sha": base, "repo": {"full_name": "acme/shop"}},
        },
        "repository": {"id": 77, "full_name": "acme/shop", "default_branch": "main"},
        "sender": {"login": "ada", "id": 5},
        **more,
    }


def test_a_pull_request_runs_on_its_test_merge(server: ServedProcess, forge: GitServer, checkout: Checkout) -> None:
    checkout.commit({FILE: WORKFLOW, "a": "1"})
    checkout.git("checkout", "--quiet", "-b", "topic")
    head = checkout.commit({"b": "1"})
    checkout.git("update-ref", "refs/pull/7/head", head)
    checkout.git("checkout", "--quiet", "main")
    base = checkout.commit({"c": "1"})
    with records(server) as kept:
        repository = add_repository(kept, forge)
        assert deliver(server, pull_payload(base, head), event="pull_request").status_code == 202
        pulled, targeted = kept.planned("acme/shop", 2)
        assert (pulled.event.name, pulled.event.ref) == ("pull_request", "refs/pull/7/merge")
        assert (targeted.event.name, targeted.event.ref, targeted.event.sha) == (
            "pull_request_target",
            "refs/heads/main",
            base,
        )
        assert kept.ending(kept.starts(pulled)[0].run) == "success"
        git_dir = str(server.folder / "repositories" / f"{repository.id}.git")
        words = ["git", "-C", git_dir, "show", "--no-patch", "--format=%P", pulled.event.sha]
        assert subprocess.check_output(words, text=True).split() == [base, head]


def test_a_conflict_starts_nothing_and_is_a_check(server: ServedProcess, forge: GitServer, checkout: Checkout) -> None:
    checkout.commit({FILE: WORKFLOW, "a": "1"})
    checkout.git("checkout", "--quiet", "-b", "topic")
    head = checkout.commit({"a": "2"})
    checkout.git("update-ref", "refs/pull/7/head", head)
    checkout.git("checkout", "--quiet", "main")
    base = checkout.commit({"a": "3"})
    with records(server) as kept:
        add_repository(kept, forge)
        deliver(server, pull_payload(base, head), event="pull_request")
        pulled, _ = kept.planned("acme/shop", 2)
        (start,) = kept.starts(pulled)
        assert (start.outcome, "merge conflict" in start.reason) == ("not-started", True)


def test_gitea_says_the_same_in_its_own_words(server: ServedProcess, forge: GitServer, checkout: Checkout) -> None:
    sha = checkout.commit({FILE: WORKFLOW})
    payload = push_payload(sha, pusher={"login": "ada", "email": "ada@example.com"})
    del payload["created"], payload["deleted"]
    pulling = pull_payload(sha, sha)
    pulling["pull_request"]["mergeable"] = False  # it has not looked yet: go-gitea/gitea#19755
    with records(server) as kept:
        add_repository(kept, forge, "gitea")
        assert deliver(server, payload, source="gitea").status_code == 202
        (pushed,) = kept.planned("acme/shop", 1)
        assert pushed.event.payload["created"] is True
        assert pushed.event.payload["pusher"] == {"name": "ada", "email": "ada@example.com"}
        assert kept.ending(kept.starts(pushed)[0].run) == "success"
        assert deliver(server, pulling, source="gitea", event="pull_request").status_code == 202
        _, pulled, _ = kept.planned("acme/shop", 3)
        assert kept.ending(kept.starts(pulled)[0].run) == "success"


def test_a_forge_inside_is_not_asked_unless_it_was_named(tmp_path: Path, forge: GitServer, checkout: Checkout) -> None:
    sha = checkout.commit({FILE: WORKFLOW})
    with served(tmp_path / "other") as server:
        set_webhook_secret(server, SECRET)
        with records(server) as kept:
            repository = add_repository(kept, forge)
            assert deliver(server, push_payload(sha)).status_code == 202
            done = wait_until(lambda: [one for one in kept.deliveries.list_heads(repository.id) if one.state == "done"])
            (check,) = TableStatuses(kept.database).latest(repository.id, sha)
    assert "127.0.0.1 is inside" in done[0].note
    assert check.state == "failure"
    assert "127.0.0.1 is inside" in check.description
    assert not forge.requests


def test_a_polled_forge_is_asked_for_its_refs_and_pull_requests(server: ServedProcess, forge: GitServer) -> None:
    checkout = Checkout(forge.root / "octo" / "app", "http://nowhere")
    with GitHubStandIn() as interface, records(server) as kept:
        polled = RepositorySettings(poll_seconds=10)
        repository = connect(server, interface, forge, token(), polled)
        seen = TableSeenPulls(kept.database)
        wait_until(lambda: seen.read(repository.id) is not None)  # the first look: there was nothing yet
        sha = checkout.commit({FILE: WORKFLOW})
        checkout.git("checkout", "--quiet", "-b", "topic")
        head = checkout.commit({"b": "1"})
        checkout.git("update-ref", "refs/pull/7/head", head)
        own = {"id": 77, "full_name": "octo/app", "fork": False, "default_branch": "main"}
        ends = {"head": {"ref": "topic", "sha": head, "repo": own}, "base": {"ref": "main", "sha": sha, "repo": own}}
        interface.pulls[7] = {"number": 7, "merged": False, "mergeable": None, "user": {"login": "ada"}, **ends}
        wait_until(lambda: (seen.read(repository.id) or {}).get(7))
        events = kept.planned("octo/app", 6)
        assert sorted((one.event.name, one.event.head_ref or one.event.ref) for one in events) == [
            ("create", "refs/heads/main"),
            ("create", "refs/heads/topic"),
            ("pull_request", "topic"),
            ("pull_request_target", "topic"),
            ("push", "refs/heads/main"),
            ("push", "refs/heads/topic"),
        ]
        pulled = next(one for one in events if one.event.name == "pull_request")
        assert (pulled.event.action, pulled.event.ref, pulled.event.actor) == ("opened", "refs/pull/7/merge", "ada")
        started = [one.run for event in events for one in kept.starts(event) if one.run]
        assert {kept.ending(run) for run in started} == {"success"}
        assert len(started) == 3
        interface.wait_for(lambda: {sha, head} <= {each["sha"] for each in interface.statuses})
        assert interface.faults == []


def test_shadow_mode_neither_deploys_nor_publishes(server: ServedProcess, forge: GitServer, checkout: Checkout) -> None:
    deploying = (
        WORKFLOW
        + "  deploy:\n    runs-on: ubuntu-latest\n    environment: production\n    steps:\n      - run: exit 1\n"
    )
    sha = checkout.commit({FILE: deploying})
    with records(server) as kept:
        add_repository(kept, forge, is_shadow=True)
        deliver(server, push_payload(sha))
        (pushed,) = kept.planned("acme/shop", 1)
        run = kept.starts(pushed)[0].run
        assert kept.ending(run) == "success"
        reasons = [getattr(fact, "reason", None) for fact in kept.runs.facts(run)]
    assert any(reason and "shadow mode" in reason for reason in reasons)
    assert json.dumps(reasons)

"""Pushing to a real server starts workflows, whoever dies meanwhile, and only for those who may."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from homeport.run.facts import AnnotationRaised, JobFinished
from homeport.server.pushes import name_in_log
from homeport.store.tables.pushes import RefCommand, TablePushes
from tests.support.forms import sign_in
from tests.support.pushing import Checkout, make_person
from tests.support.records import records
from tests.support.serve import ServedProcess, served

WORKFLOW = """\
name: CI
on: push
jobs:
  build:
    runs-on: ubuntu-latest
    steps:
      - run: echo "hello from ${{ github.ref_name }}"
"""
FILE = ".github/workflows/ci.yml"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServedProcess]:
    with served(tmp_path / "data") as process:
        yield process


@pytest.fixture
def checkout(server: ServedProcess, tmp_path: Path) -> Checkout:
    """Of an administrator."""
    token = make_person(server.folder, "ada", is_administrator=True)
    return Checkout(tmp_path / "work", f"{server.url}/acme/shop.git", "ada", token)


def test_a_push_to_an_unknown_path_makes_the_repository_and_runs_its_workflow(
    server: ServedProcess, checkout: Checkout
) -> None:
    sha = checkout.commit({".github/workflows/ci.yml": WORKFLOW})
    checkout.push()
    with records(server) as kept:
        created, pushed = kept.planned("acme/shop", 2)
        assert (created.event.name, pushed.event.name) == ("create", "push")
        assert pushed.event.sha == sha
        assert pushed.event.actor == "ada"
        assert pushed.event.payload["head_commit"]["message"] == "A change"
        (start,) = kept.starts(pushed)
        assert (start.outcome, start.workflow, start.number) == ("started", ".github/workflows/ci.yml", 1)
        assert kept.ending(start.run) == "success"
        assert kept.starts(created)[0].outcome == "not-started"


def test_the_first_push_says_what_the_default_branch_is(server: ServedProcess, checkout: Checkout) -> None:
    checkout.git("checkout", "--quiet", "-b", "trunk")
    checkout.commit({FILE: WORKFLOW})
    checkout.push("trunk")
    with records(server) as kept:
        kept.planned("acme/shop", 2)
        assert kept.repository("acme/shop").default_branch == "trunk"
        assert [one.path for one in kept.workflows.list(kept.repository("acme/shop").id)] == [FILE]
    assert checkout.git("ls-remote", "--symref", "origin", "HEAD").startswith("ref: refs/heads/trunk")


def test_a_push_says_what_it_brought(server: ServedProcess, checkout: Checkout) -> None:
    first = checkout.commit({FILE: WORKFLOW})
    checkout.push()
    second = checkout.commit({"a": "1"}, "Second")
    third = checkout.commit({"b": "1"}, "Third")
    checkout.push()
    checkout.git("reset", "--quiet", "--hard", first)
    fourth = checkout.commit({"c": "1"}, "Fourth")
    checkout.push("--force", "main")
    with records(server) as kept:
        _, _, pushed, forced = kept.planned("acme/shop", 4)
        assert (pushed.event.before, pushed.event.sha) == (first, third)
        assert [one["id"] for one in pushed.event.payload["commits"]] == [second, third]
        assert pushed.event.payload["forced"] is False
        assert (forced.event.before, forced.event.sha) == (third, fourth)
        assert forced.event.payload["forced"] is True


def test_deleted_branches_and_tags_are_events_too(server: ServedProcess, checkout: Checkout) -> None:
    sha = checkout.commit({FILE: WORKFLOW})
    checkout.git("tag", "--annotate", "--message", "one", "v1")
    checkout.push("main", "main:refs/heads/topic", "v1")
    checkout.push("--delete", "topic", "v1")
    with records(server) as kept:
        stored = kept.planned("acme/shop", 10)
        events = [one.event for one in stored]
    tag = next(one for one in events if one.name == "push" and one.ref == "refs/tags/v1")
    assert tag.sha == sha
    assert tag.payload["after"] != sha  # the tag itself
    deleted = [one for one in events if one.name == "push" and one.payload["deleted"]]
    assert [(one.ref, one.sha, one.payload["ref"]) for one in deleted] == [
        ("refs/heads/main", sha, "refs/heads/topic"),
        ("refs/heads/main", sha, "refs/tags/v1"),
    ]
    assert [(one.payload["ref"], one.payload["ref_type"]) for one in events if one.name == "delete"] == [
        ("topic", "branch"),
        ("v1", "tag"),
    ]


def test_more_than_three_tags_at_once_start_nothing(server: ServedProcess, checkout: Checkout) -> None:
    checkout.commit({FILE: WORKFLOW})
    checkout.push()
    for number in range(4):
        checkout.git("tag", f"v{number}")
    checkout.push("--tags")
    with records(server) as kept:
        stored = kept.planned("acme/shop", 2 + 8)
        starts = [kept.starts(one)[0] for one in stored[2:] if one.event.name == "push"]
    assert {one.outcome for one in starts} == {"not-started"}
    assert "4 tags came at once" in starts[0].reason


def test_why_nothing_started_is_kept(server: ServedProcess, checkout: Checkout) -> None:
    broken = WORKFLOW.replace("runs-on", "runs_on")
    only_docs = WORKFLOW.replace("on: push", "on:\n  push:\n    paths: [docs/**]")
    checkout.commit({FILE: broken, ".github/workflows/docs.yml": only_docs, "README": "1"})
    checkout.push()
    with records(server) as kept:
        _, pushed = kept.planned("acme/shop", 2)
        refused, filtered = kept.starts(pushed)
    assert refused.outcome == "refused"
    assert refused.diagnostics[0].span.line == 4
    assert filtered.outcome == "not-started"
    assert "matches none of its 'paths'" in filtered.reason or "paths" in filtered.reason


def test_a_workflow_that_cannot_start_is_on_the_pages_until_it_is_mended(
    server: ServedProcess, checkout: Checkout
) -> None:
    broken = WORKFLOW.replace("runs-on", "runs_on")
    checkout.commit({FILE: WORKFLOW})
    checkout.push()
    checkout.commit({FILE: broken})
    checkout.push("HEAD:refs/heads/topic")  # which is nobody's concern but its author's
    link = "/acme/shop/actions/events/"
    with records(server) as kept, sign_in(server, "root", is_administrator=True) as root:
        first = kept.planned("acme/shop", 4)[1]
        (started,) = kept.starts(first)
        assert kept.ending(started.run) == "success"
        assert "CI cannot start" not in root.get("/")
        checkout.push()
        pushed = kept.planned("acme/shop", 5)[-1]
        assert f'<a href="{link}{pushed.id}">CI cannot start</a>' in root.get("/")
        assert f'1 workflow cannot start: <a href="{link}{pushed.id}">CI</a>' in root.get("/acme/shop/actions")
        page = root.get("/acme/shop/actions/workflows/ci.yml")
        assert "This workflow cannot start: line 4: " in page
        assert "Start by hand" not in page
        assert 'aria-label="Refused"' in root.get(f"{link}{pushed.id}")
        assert 'aria-label="Succeeded"' in root.get(f"{link}{first.id}")
        with sign_in(server, "stranger") as stranger:
            assert "CI cannot start" not in stranger.get("/")
        checkout.commit({FILE: WORKFLOW}, "Mend it")
        checkout.push()
        kept.planned("acme/shop", 6)
        assert "CI cannot start" not in root.get("/")
        assert "cannot start" not in root.get("/acme/shop/actions/workflows/ci.yml")


def test_a_commit_that_says_skip_ci_starts_nothing(server: ServedProcess, checkout: Checkout) -> None:
    checkout.commit({FILE: WORKFLOW}, "Write [skip ci]")
    checkout.push()
    with records(server) as kept:
        _, pushed = kept.planned("acme/shop", 2)
        (start,) = kept.starts(pushed)
    assert (start.outcome, start.reason) == ("not-started", "the commit's message says '[skip ci]'")


def test_a_disabled_workflow_does_not_start(server: ServedProcess, checkout: Checkout) -> None:
    checkout.commit({FILE: WORKFLOW})
    checkout.push()
    with records(server) as kept:
        kept.planned("acme/shop", 2)
        repository = kept.repository("acme/shop").id
        kept.workflows.switch(repository, kept.workflows.list(repository)[0].id, "disabled_manually")
        checkout.commit({"a": "1"})
        checkout.push()
        pushed = kept.planned("acme/shop", 3)[-1]
        assert [one.outcome for one in kept.starts(pushed)] == ["disabled"]


def test_a_repository_without_workflows_is_built_and_says_that_it_has_no_tests(
    server: ServedProcess, checkout: Checkout
) -> None:
    checkout.commit({"shop.py": "print('hello')\n"})
    checkout.push()
    with records(server) as kept:
        _, pushed = kept.planned("acme/shop", 2)
        (start,) = kept.starts(pushed)
        assert (start.outcome, start.name) == ("started", "Default build")
        assert kept.ending(start.run) == "success"
        facts = list(kept.runs.facts(start.run))
    jobs = {fact.job: fact.conclusion for fact in facts if isinstance(fact, JobFinished)}
    warnings = [fact.title for fact in facts if isinstance(fact, AnnotationRaised)]
    assert jobs == {"check": "success", "tests": "skipped"}
    assert "No tests" in warnings


def test_a_default_build_runs_the_tests_and_fails_with_them(server: ServedProcess, checkout: Checkout) -> None:
    test = "import unittest\n\nclass Test(unittest.TestCase):\n    def test_it(self) -> None:\n        self.assertEqual(1, 2)\n"
    checkout.commit({"test_shop.py": test})
    checkout.push()
    with records(server) as kept:
        _, pushed = kept.planned("acme/shop", 2)
        (start,) = kept.starts(pushed)
        assert kept.ending(start.run) == "failure"


# --- who may ---------------------------------------------------------------------------------------------------------


def test_nobody_pushes_or_reads_without_a_role(server: ServedProcess, checkout: Checkout, tmp_path: Path) -> None:
    checkout.commit({FILE: WORKFLOW})
    checkout.push()
    url = f"{server.url}/acme/shop.git"
    nobody = Checkout(tmp_path / "nobody", url)
    assert "could not read Username" in nobody.git("fetch", "origin", fails=True)
    reading = make_person(server.folder, "rita", roles={"acme/shop": "reader"})
    reader = Checkout(tmp_path / "reader", url, "rita", reading)
    reader.git("fetch", "--quiet", "origin", "main")
    reader.commit({"x": "1"})
    assert "remote: you may not push to acme/shop" in reader.push("main:refs/heads/mine", fails=True)
    impatient = Checkout(tmp_path / "impatient", url, "rita", "her-password")
    assert f"remote: git shows a token as its password: {server.url}/settings/tokens" in impatient.git(
        "fetch", "origin", fails=True
    )
    stranger = Checkout(tmp_path / "stranger", url, "sam", make_person(server.folder, "sam"))
    assert "not found" in stranger.git("fetch", "origin", fails=True)
    elsewhere = Checkout(tmp_path / "elsewhere", f"{server.url}/acme/new.git", "rita", reading)
    elsewhere.commit({"x": "1"})
    refused = elsewhere.push(fails=True)
    assert "remote: there is no repository acme/new, or it is not for you; it takes a token that is good" in refused
    assert "not found" in refused
    with records(server) as kept:
        assert kept.directory.find("acme/new") is None
        assert kept.names("acme/shop", 2) == ["create", "push"]


def test_who_keeps_an_owner_may_make_repositories_there_only(server: ServedProcess, tmp_path: Path) -> None:
    token = make_person(server.folder, "olga", roles={"acme": "administrator"})
    own = Checkout(tmp_path / "own", f"{server.url}/acme/shop", "olga", token)
    own.commit({FILE: WORKFLOW})
    own.push()
    other = Checkout(tmp_path / "other", f"{server.url}/beta/shop", "olga", token)
    other.commit({FILE: WORKFLOW})
    assert "not found" in other.push(fails=True)
    reserved = Checkout(tmp_path / "reserved", f"{server.url}/acme/shop.wiki", "olga", token)
    reserved.commit({FILE: WORKFLOW})
    assert "422" in reserved.push(fails=True)


def test_refs_of_the_server_cannot_be_pushed(server: ServedProcess, checkout: Checkout) -> None:
    checkout.commit({FILE: WORKFLOW})
    checkout.push()
    assert "403" in checkout.push("main:refs/pull/1/merge", fails=True)


def test_commands_in_a_certificate_are_refused_as_git_would_take_them(
    server: ServedProcess, checkout: Checkout
) -> None:
    """git-receive-pack carries out what stands in a push certificate, also where it never asked for one."""
    sha = checkout.commit({FILE: WORKFLOW})
    checkout.push()
    certificate = f"certificate version 0.1\npusher A <a@b> 0 +0000\n\n{'0' * 40} {sha} refs/heads/unseen\n"
    lines = ["push-cert\0report-status", certificate, "push-cert-end\n"]
    body = "".join(f"{len(line) + 4:04x}{line}" for line in lines) + "0000"
    token = make_person(server.folder, "ada")
    answer = httpx.post(
        f"{server.url}/acme/shop.git/git-receive-pack",
        content=body,
        auth=("ada", token),
        headers={"content-type": "application/x-git-receive-pack-request"},
    )
    assert answer.status_code == 403
    assert "signed pushes" in answer.text
    assert "unseen" not in checkout.git("ls-remote", "origin")


def test_only_gits_smart_protocol_is_spoken(server: ServedProcess, checkout: Checkout) -> None:
    checkout.commit({FILE: WORKFLOW})
    checkout.push()
    token = make_person(server.folder, "rita", roles={"acme/shop": "reader"})
    asked = [
        httpx.get(f"{server.url}/acme/shop.git/{end}", auth=("rita", token)).status_code
        for end in ("info/refs", "HEAD", "config", "objects/info/packs", "info/refs?service=git-upload-archive")
    ]
    assert asked == [403, 404, 404, 404, 403]


# --- nothing that was taken in is lost -------------------------------------------------------------------------------


def test_a_push_whose_server_was_killed_before_its_event_was_kept_runs_after_the_restart(
    server: ServedProcess, checkout: Checkout, tmp_path: Path
) -> None:
    """The last thing that the killed server does is to let git change the ref."""
    checkout.commit({FILE: WORKFLOW})
    checkout.push()
    with records(server) as kept:
        kept.planned("acme/shop", 2)
        repository = kept.repository("acme/shop")
    git_dir = server.folder / "repositories" / f"{repository.id}.git"
    sha = checkout.commit({"a": "1"}, "Survive")
    server.kill()
    _push_as_a_dying_server(server, git_dir, checkout, sha)
    server.start()
    with records(server) as kept:
        pushed = kept.planned("acme/shop", 3)[-1]
        assert (pushed.event.sha, pushed.event.actor) == (sha, "ada")
        assert kept.ending(kept.starts(pushed)[0].run) == "success"
    server.restart()
    with records(server) as kept:
        assert len(kept.planned("acme/shop", 3)) == 3


def _push_as_a_dying_server(server: ServedProcess, git_dir: Path, checkout: Checkout, sha: str) -> None:
    with records(server) as kept:
        old = subprocess.check_output(["git", "-C", git_dir, "rev-parse", "main"], text=True).strip()
        commands = [RefCommand(old, sha, "refs/heads/main")]
        repository = kept.repository("acme/shop").id
        push = TablePushes(kept.database).begin(repository, "ada", kept.clock.now(), commands, is_silent=False)
    checkout.git("push", "--quiet", str(git_dir), f"{sha}:refs/homeport/objects")
    identity = ("-c", f"user.name={name_in_log(push)}", "-c", "user.email=x@y")
    change = ("update-ref", "-m", "push", "refs/heads/main", sha, old)
    subprocess.run(["git", *identity, "-C", str(git_dir), *change], check=True)


def test_events_that_were_kept_are_planned_after_a_kill(server: ServedProcess, checkout: Checkout) -> None:
    """The server dies as soon as the push has come back: whatever was not done then is done by the next."""
    for number in range(5):
        checkout.commit({FILE: WORKFLOW, "a": str(number)})
        checkout.push()
        server.kill()
        server.start()
    with records(server) as kept:
        pushed = [one for one in kept.planned("acme/shop", 6) if one.event.name == "push"]
        runs = [kept.starts(one)[0] for one in pushed]
        assert [one.number for one in runs] == [1, 2, 3, 4, 5]
        assert {kept.ending(one.run) for one in runs} == {"success"}

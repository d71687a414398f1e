"""The forms of a server's pages: each does what it says, for those who may, from this server's pages only, and is in the audit log."""

import itertools
import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from homeport.ports.audit import AuditEntry
from homeport.ports.directory import HostedRepository
from homeport.store.caches_folder import FolderCaches
from homeport.store.tables.audit import TableAudit
from tests.support.forms import FormSender, sign_in
from tests.support.jobs import SystemClock
from tests.support.pushing import Checkout, make_person
from tests.support.records import Records, records
from tests.support.serve import ServedProcess, served, wait_until

FILE = ".github/workflows/manual.yml"
MANUAL = """\
name: Manual
on:
  push:
  workflow_dispatch:
    inputs:
      words: {type: string, default: hello, description: What to say}
      where: {type: choice, options: [test, live], required: true}
      loud: {type: boolean, default: true}
      quiet: {type: boolean}
      times: {type: number, default: 2}
      most: {type: number}
      many: {type: number, default: 1000000}
      stage: {type: environment}
jobs:
  build:
    if: github.event_name == 'workflow_dispatch'
    runs-on: ubuntu-latest
    steps:
      - env: {ALL: "${{ toJSON(inputs) }}"}
        run: echo "${ALL//$'\\n'/}"
"""


class Place:
    """A server with two repositories of acme, one of another owner, and one of a forge."""

    def __init__(self, server: ServedProcess, kept: Records, root: FormSender) -> None:
        self.server = server
        self.kept = kept
        self.root = root
        self._addresses = itertools.count(1)

    def audited(self, action: str) -> list[AuditEntry]:
        """What the log has of this kind, newest first, once there is any."""
        log = TableAudit(self.kept.database, b"k" * 32)
        found: list[AuditEntry] = wait_until(lambda: list(log.list(action=action, limit=100)))
        return found

    def refuses(self, sender: FormSender, path: str, fields: Mapping[str, str] = {}) -> None:
        """Whoever sends it from elsewhere, or has no right to, is refused, and it is written down."""
        address = f"192.0.2.{next(self._addresses)}"
        for each in (self.root, sender):
            each.come_from(address)
        assert self.root.send_forged(path, fields) == [403, 403, 403]
        sender.send(path, fields, 403)
        log = TableAudit(self.kept.database, b"k" * 32)

        def look() -> list[AuditEntry]:
            found = [entry for entry in log.list(limit=100) if entry.address == address]
            return found if len(found) == 4 else []

        newest, *forged = wait_until(look)
        assert (newest.who, newest.action, newest.result) == (sender.login, "request.refused", "refused")
        assert path in newest.detail
        assert {(entry.action, entry.target) for entry in forged} == {("form.refused", path)}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder: Path = tmp_path_factory.mktemp("forms")
    with served(folder / "data") as server, records(server) as kept, ExitStack() as cleanup:
        token = make_person(server.folder, "root", is_administrator=True)
        checkout = Checkout(folder / "work", f"{server.url}/acme/shop.git", "root", token)
        checkout.commit({FILE: MANUAL})
        checkout.push()
        for name, forge in (("acme/tools", ""), ("other/one", ""), ("acme/mirror", "https://github.example")):
            owner, _, short = name.partition("/")
            origin: Any = "github" if forge else "own"
            clone_url = f"{forge}/{name}.git" if forge else ""
            kept.directory.add(
                HostedRepository(id=0, owner=owner, name=short, origin=origin, server_url=forge, clone_url=clone_url)
            )
        kept.planned("acme/shop", 1)
        root = cleanup.enter_context(sign_in(server, "root"))
        yield Place(server, kept, root)


def reader(place: Place) -> FormSender:
    return sign_in(place.server, "reader", roles={"acme/shop": "reader", "acme/mirror": "reader"})


# --- starting by hand -------------------------------------------------------------------------------------------------------


def start(place: Place, **typed: str) -> dict[str, Any]:
    """Start it by the form as it is shown, with some of it filled in; gives the inputs of the run that came of it."""
    page = place.root.get(f"/acme/shop/actions/start?workflow={FILE}")
    names = {name: field for field, name in re.findall(r'name="((?:input|optional)\.(\w+))"', page)}
    fields = {names[name]: value for name, value in typed.items()}
    answer = place.root.send("/acme/shop/actions/start", {"ref": "main", "workflow": FILE, **fields})
    found = re.search(r"/runs/(\d+)$", answer.headers["location"])
    assert found, answer.headers["location"]
    assert place.kept.ending(found[1]) == "success"
    newest = place.kept.planned("acme/shop", 1)[-1]
    assert place.kept.starts(newest)[0].run == found[1]
    inputs: dict[str, Any] = newest.event.payload["inputs"]
    return inputs


def test_a_workflow_is_started_by_hand_with_inputs_of_every_kind(place: Place) -> None:
    place.root.send("/acme/shop/settings/environments", {"name": "staging"})
    page = place.root.get(f"/acme/shop/actions/start?workflow={FILE}")
    assert re.search(r'name="input.words" type="text" value="hello"', page)
    assert re.search(r'<select[^>]*name="optional.where"><option>test</option><option>live</option>', page)
    assert re.search(r'type="checkbox"[^>]*name="input.loud" value="true" checked', page)
    assert re.search(r'name="optional.times" type="number" step="any" value="2"', page)
    assert re.search(r'name="optional.many" type="number" step="any" value="1000000"', page)
    assert re.search(r'<select[^>]*name="optional.stage"><option value="">none</option><option>staging</option>', page)
    typed = {"words": "a b", "where": "live", "loud": "false", "times": "2.5", "most": "", "stage": "staging"}
    told = start(place, **typed)
    assert {name: told.get(name, "") for name in typed} == typed | {"most": "0"}
    least = start(place, where="test", stage="")
    assert (least["words"], least["times"], least["where"]) == ("hello", "2", "test")
    assert not least.get("stage")
    (entry, *_) = place.audited("workflow.started")
    assert (entry.who, entry.target) == ("root", f"acme/shop {FILE}")


def test_what_cannot_be_started_so_is_said_and_what_was_typed_stays(place: Place) -> None:
    typed = {"ref": "main", "workflow": FILE, "optional.where": "moon", "input.words": "still here"}
    page = place.root.send("/acme/shop/actions/start", typed, 422).text
    assert "Provided value &#39;moon&#39; for input &#39;where&#39;" in page
    assert 'value="still here"' in page
    place.root.send("/acme/shop/actions/start", {"ref": "main", "workflow": "nothing.yml"}, 404)
    page = place.root.get("/acme/shop/actions/start?workflow=.github/workflows/other.yml")
    assert "This workflow cannot be started by hand" in page
    assert "Start Manual" not in page


def test_only_writers_start_workflows(place: Place) -> None:
    fields = {"ref": "main", "workflow": FILE, "optional.where": "test"}
    before = len(place.kept.events.list(place.kept.repository("acme/shop").id))
    with reader(place) as sender:
        sender.get("/acme/shop/actions/start", 403)
        place.refuses(sender, "/acme/shop/actions/start", fields)
    assert len(place.kept.events.list(place.kept.repository("acme/shop").id)) == before


def test_a_workflow_is_switched_off_and_on(place: Place) -> None:
    known = place.kept.workflows.find(place.kept.repository("acme/shop").id, "manual.yml")
    assert known is not None
    path = f"/acme/shop/actions/workflows/{known.id}/switch"
    with reader(place) as sender:
        place.refuses(sender, path, {"state": "disabled_manually"})
    place.root.send(path, {"state": "disabled_manually"})
    assert "switched off" in place.root.get("/acme/shop/actions/workflows/manual.yml")
    place.root.send(path, {"state": "active"})
    assert [entry.action for entry in place.audited("workflow.")[:2]] == ["workflow.enabled", "workflow.disabled"]


# --- people -----------------------------------------------------------------------------------------------------------------


def test_people_are_added_changed_and_removed_by_an_administrator_of_the_server(place: Place) -> None:
    page = place.root.send("/admin/users", {"login": "dora", "name": "Dora", "target": "acme", "role": "writer"}, 200)
    assert re.search(r'value="http://[^"]+/setup\?token=hpl_', page.text)
    place.root.send("/admin/users/dora/role", {"target": "acme/shop", "role": "maintainer"})
    place.root.send("/admin/users/dora/change", {"is_active": "0"})
    assert "off" in place.root.get("/admin/users")
    again = place.root.send("/admin/users/dora/link", {}, 200).text
    assert "hpl_" in again
    assert (
        "is neither an owner"
        in place.root.send("/admin/users/dora/role", {"target": "a b", "role": "reader"}, 422).text
    )
    place.root.send("/admin/users/dora/remove")
    assert "nobody called" in place.root.send("/admin/users/dora/remove", {}, 422).text
    actions = {entry.action for entry in place.audited("") if entry.target == "dora"}
    assert actions >= {"user.added", "role.given", "user.changed", "user.removed"}


def test_nobody_else_administers_people(place: Place) -> None:
    with sign_in(place.server, "cleo", roles={"acme": "administrator"}) as cleo:
        cleo.get("/admin/users", 403)
        for path in ("", "/cleo/change", "/cleo/role", "/root/link", "/root/remove"):
            fields = {"login": "x", "is_administrator": "1", "target": "*", "role": "administrator"}
            place.refuses(cleo, f"/admin/users{path}", fields)


def test_roles_in_a_repository_are_given_by_its_administrator(place: Place) -> None:
    sign_in(place.server, "emma").__exit__()
    with sign_in(place.server, "fritz", roles={"acme/shop": "administrator"}) as fritz:
        fritz.send("/acme/shop/settings/people", {"login": "emma", "role": "writer"})
        page = fritz.get("/acme/shop/settings/people")
        assert re.search(r"<b>emma</b>\s*<span class=\"badge\">writer</span>", page)
        assert "administrator of the server" in page
        fritz.get("/acme/tools/settings/people", 404)
        fritz.send("/acme/tools/settings/people", {"login": "emma", "role": "writer"}, 404)
        fritz.get("/organizations/acme/settings/people", 403)
        assert "nobody called" in fritz.send("/acme/shop/settings/people", {"login": "nn", "role": "reader"}, 422).text
        with sign_in(place.server, "emma") as emma:
            emma.get("/acme/shop/actions/start")
            place.refuses(emma, "/acme/shop/settings/people", {"login": "emma", "role": "administrator"})
            fritz.send("/acme/shop/settings/people", {"login": "emma", "role": ""})
            emma.get("/acme/shop/actions", 404)
    given = [(entry.who, entry.detail) for entry in place.audited("role.") if entry.target == "emma"]
    assert given == [("fritz", "none in acme/shop"), ("fritz", "writer in acme/shop")]


def test_roles_in_all_of_an_owner_are_given_by_its_administrator(place: Place) -> None:
    with sign_in(place.server, "gina", roles={"acme": "administrator"}) as gina:
        gina.send("/organizations/acme/settings/people", {"login": "hugo", "role": "reader"}, 422)
        with sign_in(place.server, "hugo") as hugo:
            gina.send("/organizations/acme/settings/people", {"login": "hugo", "role": "reader"})
            hugo.get("/acme/tools/actions")
            place.refuses(hugo, "/organizations/acme/settings/people", {"login": "hugo", "role": "administrator"})
        assert "hugo" in gina.get("/organizations/acme/settings/people")
        gina.get("/organizations/other/settings/people", 403)


# --- settings of a repository -------------------------------------------------------------------------------------------------


def test_a_repositorys_settings_are_changed_by_a_maintainer(place: Place) -> None:
    fields = {
        "default_branch": "trunk",
        "workflow_folders": ".github/workflows\n.homeport/workflows/",
        "is_shadow": "1",
        "fork_approval": "first-time",
        "status_prefix": "Here / ",
        "log_days": "7",
        "artifact_days": "-1",
        "cache_gigabytes": "2",
    }
    with reader(place) as sender:
        sender.get("/acme/shop/settings", 403)
        place.refuses(sender, "/acme/shop/settings", fields)
    with sign_in(place.server, "ines", roles={"acme/tools": "maintainer"}) as ines:
        ines.send("/acme/tools/settings", fields)
        changed = place.kept.repository("acme/tools")
        settings = changed.settings
        assert (changed.default_branch, changed.is_private, settings.is_shadow) == ("trunk", True, True)
        assert settings.workflow_folders == (".github/workflows", ".homeport/workflows")
        assert (settings.fork_approval, settings.status_prefix) == ("first-time", "Here / ")
        assert (settings.log_days, settings.artifact_days, settings.cache_bytes) == (7, 90, 2 << 30)
        assert not settings.builds_without_workflows
        odd = (2 << 30) + 5
        place.kept.directory.change(
            changed.id,
            lambda known: msgspec.structs.replace(
                known, settings=msgspec.structs.replace(known.settings, cache_bytes=odd)
            ),
        )
        ines.send("/acme/tools/settings", fields)
        assert place.kept.repository("acme/tools").settings.cache_bytes == odd, "what is shown rounded stays what it is"
        ines.send("/acme/tools/settings/remove", {"name": "acme/tools"}, 403)
    (entry, *_) = place.audited("repository.changed")
    assert (entry.who, entry.target) == ("ines", "acme/tools")


def test_secrets_variables_and_environments_of_a_repository(place: Place) -> None:
    at = "/acme/shop/settings"
    with reader(place) as sender:
        for path in ("/secrets", "/secrets/remove", "/environments", "/environments/remove"):
            place.refuses(sender, at + path, {"name": "X", "value": "1"})
    place.root.send(f"{at}/secrets", {"kind": "secret", "name": "api_key", "value": "never seen again"})
    place.root.send(f"{at}/secrets", {"kind": "variable", "name": "LEVEL", "value": "debug"})
    place.root.send(f"{at}/environments", {"name": "live"})
    place.root.send(f"{at}/secrets", {"kind": "secret", "name": "API_KEY", "value": "nor this", "environment": "live"})
    assert "is no name" in place.root.send(f"{at}/secrets", {"name": "1 x", "value": "y"}, 422).text
    place.root.send(f"{at}/secrets", {"name": "X", "value": "y", "environment": "nowhere"}, 404)
    page = place.root.get(f"{at}/secrets")
    assert all(word in page for word in ("API_KEY", "LEVEL", "debug"))
    assert "never seen again" not in page
    assert "API_KEY" in place.root.get(f"{at}/environments")
    place.root.send(f"{at}/secrets/remove", {"kind": "variable", "name": "LEVEL"})
    place.root.send(f"{at}/environments/remove", {"name": "live"})
    assert "LEVEL" not in place.root.get(f"{at}/secrets")
    done = {entry.action for entry in place.audited("") if entry.target.startswith("acme/shop")}
    wanted = {"secret.created", "variable.created", "variable.removed", "environment.created", "environment.removed"}
    assert done >= wanted


# --- secrets of an owner ------------------------------------------------------------------------------------------------------


def test_secrets_of_an_owner_are_for_all_or_for_chosen_repositories(place: Place) -> None:
    at = "/organizations/acme/settings/secrets"
    shop, tools = (place.kept.repository(name) for name in ("acme/shop", "acme/tools"))
    with sign_in(place.server, "kim", roles={"acme": "maintainer"}) as kim:
        fields = {"kind": "secret", "name": "shared", "value": "hush", "visibility": "selected", f"use.{shop.id}": "1"}
        elsewhere = place.kept.repository("other/one").id
        kim.send(at, {**fields, f"use.{elsewhere}": "1"})
        kim.send(at, {"kind": "variable", "name": "LEVEL", "value": "debug", "visibility": "all"})
        page = kim.get(at)
        assert all(word in page for word in ("SHARED", "acme/shop", "LEVEL", "all repositories"))
        assert "hush" not in page
        assert vault_sees(place, shop) == ({"SHARED"}, {"LEVEL"})
        assert vault_sees(place, tools) == (set(), {"LEVEL"})
        share = {"kind": "secret", "name": "SHARED", "visibility": "selected", f"use.{tools.id}": "1"}
        kim.send(f"{at}/share", share)
        kim.send(f"{at}/share", {"kind": "variable", "name": "LEVEL", "visibility": "selected"})
        assert vault_sees(place, shop) == (set(), set())
        assert vault_sees(place, tools) == ({"SHARED"}, set())
        kim.send(f"{at}/share", {"kind": "secret", "name": "NONE", "visibility": "all"}, 404)
        kim.send(f"{at}/remove", {"kind": "secret", "name": "SHARED"})
        assert vault_sees(place, tools) == (set(), set())
        kim.get("/organizations/other/settings/secrets", 403)
    with sign_in(place.server, "lea", roles={"acme": "writer", "acme/shop": "administrator"}) as lea:
        lea.get(at, 403)
        for path in ("", "/share", "/remove"):
            place.refuses(lea, at + path, {"kind": "secret", "name": "SHARED", "value": "x"})
    done = [entry.action for entry in place.audited("secret.") if entry.target == "acme SHARED"]
    assert done == ["secret.removed", "secret.shared", "secret.created"]


def vault_sees(place: Place, repository: HostedRepository) -> tuple[set[str], set[str]]:
    """What the repository may use of its owner's, as the interface says to its maintainers."""
    token = make_person(place.server.folder, "root")
    found = []
    for kind in ("secrets", "variables"):
        answer = httpx.get(
            f"{place.server.url}/api/v3/repos/{repository.full_name}/actions/organization-{kind}",
            headers={"authorization": f"Bearer {token}"},
        )
        assert answer.status_code == 200, answer.text
        found.append({each["name"] for each in answer.json()[kind]})
    return found[0], found[1]


# --- forges -------------------------------------------------------------------------------------------------------------------


def test_a_repository_of_a_forge_is_added_and_connected(place: Place) -> None:
    fields = {"origin": "gitea", "address": "https://git.example/mona/app", "default_branch": "trunk", "is_shadow": "1"}
    with reader(place) as sender:
        place.refuses(sender, "/repositories/new", fields)
    for wrong in ("file:///etc/passwd", "https://user:pass@git.example/a/b", "https://git.example/a", "nothing"):
        assert "not the address" in place.root.send("/repositories/new", {**fields, "address": wrong}, 422).text
    assert place.root.send("/repositories/new", fields).headers["location"] == "/mona/app/settings/forge"
    added = place.kept.repository("mona/app")
    assert (added.origin, added.server_url, added.clone_url) == (
        "gitea",
        "https://git.example",
        "https://git.example/mona/app.git",
    )
    assert (added.default_branch, added.settings.is_shadow) == ("trunk", True)
    (entry, *_) = place.audited("repository.added")
    assert (entry.who, entry.target) == ("root", "mona/app")


def test_the_closest_of_three_credentials_is_shown_to_a_forge(place: Place) -> None:
    token = {"server_url": "https://github.example", "token": "not-to-be-seen"}
    with sign_in(place.server, "mia", roles={"acme": "administrator"}) as mia:
        place.refuses(mia, "/admin/forges/credential", token)
        mia.send("/organizations/acme/settings/forges", token)
        mia.send("/organizations/acme/settings/forges", {**token, "server_url": "https://elsewhere.example"}, 404)
        mia.send("/organizations/acme/settings/forges", {"server_url": token["server_url"], "app_id": "7"}, 422)
        assert "a token" in mia.get("/organizations/acme/settings/forges")
        assert "commit statuses" in mia.get("/acme/mirror/settings/forge")
        mia.send("/organizations/acme/settings/forges", {**token, "forget": "1"})
        assert "not told" in mia.get("/acme/mirror/settings/forge")
    place.root.send("/admin/forges/credential", token)
    assert "commit statuses" in place.root.get("/acme/mirror/settings/forge")
    place.root.send("/acme/mirror/settings/forge/token", {"app_id": "7", "private_key": "-----BEGIN"})
    page = place.root.get("/acme/mirror/settings/forge")
    assert "an App" in page
    assert "not-to-be-seen" not in page
    place.root.send("/acme/mirror/settings/forge/token", {"forget": "1"})
    place.root.send("/admin/forges/credential", {**token, "forget": "1"})
    with reader(place) as sender:
        for path in ("/token", "/try", "/webhook"):
            place.refuses(sender, f"/acme/mirror/settings/forge{path}", {"token": "x"})
    entries = [entry for entry in place.audited("forge-credential.") if entry.who in ("mia", "root")]
    assert {entry.target for entry in entries} == {
        "acme at https://github.example",
        "https://github.example",
        "acme/mirror",
    }
    assert "not-to-be-seen" not in msgspec.json.encode(entries).decode()


def test_a_webhooks_secret_is_shown_once(place: Place) -> None:
    for path, target in (("/admin/forges/webhook", "server"), ("/acme/mirror/settings/forge/webhook", "acme/mirror")):
        made = re.search(r'value="(hpw_[^"]+)"', place.root.send(path, {}, 200).text)
        assert made
        assert made[1] not in place.root.get("/admin/forges") + place.root.get("/acme/mirror/settings/forge")
        (entry, *_) = place.audited("webhook-secret.created")
        assert (entry.who, entry.target) == ("root", target)


# --- caches -------------------------------------------------------------------------------------------------------------------


def test_caches_are_listed_and_removed(place: Place, tmp_path: Path) -> None:
    archive = tmp_path / "archive"
    archive.write_bytes(b"x" * 3000)
    store = FolderCaches(str(place.server.folder), "acme/shop", SystemClock(), search_path="")
    for key in ("pip-1", "pip-2", "npm-1", 'odd <b>"key"'):
        assert store.put_archive(key, "v" * 64, "refs/heads/main", str(archive)) is not None
    page = place.root.get("/acme/shop/actions/caches?order=size")
    assert all(word in page for word in ("pip-1", "npm-1", "4 entries", "odd &lt;b&gt;", "3.0 kB"))
    assert "npm-1" not in place.root.get("/acme/shop/actions/caches?q=PIP")
    with reader(place) as sender:
        assert "Remove" not in sender.get("/acme/shop/actions/caches")
        place.refuses(sender, "/acme/shop/actions/caches/remove", {"key": "pip"})
        assert len(store.list()) == 4
    place.root.send("/acme/shop/actions/caches/remove", {"key": "pip"})
    assert {entry.key for entry in store.list()} == {"npm-1", 'odd <b>"key"'}
    number = re.search(r"/actions/caches/(\d+)/remove", place.root.get("/acme/shop/actions/caches?q=odd"))
    assert number
    place.root.send(f"/acme/shop/actions/caches/{number[1]}/remove")
    place.root.send(f"/acme/shop/actions/caches/{number[1]}/remove", {}, 404)
    place.root.send("/acme/shop/actions/caches/remove")
    assert "There is none yet" in place.root.get("/acme/shop/actions/caches")
    assert {entry.target for entry in place.audited("cache.removed")} == {"acme/shop"}


def test_an_owner_that_is_nobodys_tells_nothing(place: Place) -> None:
    place.root.get("/organizations/*/settings/people", 404)
    place.root.send("/organizations/*/settings/people", {"login": "root", "role": "reader"}, 404)
    with reader(place) as sender:
        assert sender.get("/organizations/acme/settings/secrets", 403).replace("acme", "x") == sender.get(
            "/organizations/nobody/settings/secrets", 403
        ).replace("nobody", "x")

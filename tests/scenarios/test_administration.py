"""A real server, administered from the command line: people, tokens, repositories, secrets, and what nobody else may see."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from homeport.forge.signatures import sign
from homeport.server.auth import COOKIE
from homeport.server.credentials import form_token
from tests.support.serve import ServedProcess, served, wait_until

PASSWORD = "correct horse battery"
VALUE = "a value that is easily found again\nwith two lines"


class Person:
    """Somebody at a command line, with a token."""

    def __init__(self, server: ServedProcess, token: str) -> None:
        self.server = server
        self.token = token

    def run(self, *words: str, given: str = "", **environment: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "homeport", *words],
            env={
                "PATH": "/usr/bin:/bin",
                "HOMEPORT_SERVER": self.server.url,
                "HOMEPORT_TOKEN": self.token,
                **environment,
            },
            input=given,
            capture_output=True,
            text=True,
            check=False,
        )

    def do(self, *words: str, given: str = "", **environment: str) -> str:
        done = self.run(*words, given=given, **environment)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def read(self, *words: str) -> Any:
        return json.loads(self.do(*words, "--format", "json"))

    def fail(self, *words: str, given: str = "") -> str:
        done = self.run(*words, given=given)
        assert done.returncode in (1, 2), done.stderr
        assert "fault" not in done.stderr
        return done.stderr


def choose_password(link: str, login: str) -> httpx.Client:
    """What somebody does in a browser with a one-time link."""
    url, _, token = link.partition("/setup?token=")
    client = httpx.Client(base_url=url)
    response = client.post("/setup", data={"token": token, "login": login, "name": "", "password": PASSWORD})
    assert (response.status_code, response.headers["location"]) == (303, "/"), response.text
    return client


def first_token(client: httpx.Client) -> str:
    """By the interface, with the session's cookie and its form token."""
    header = {"x-form-token": form_token(client.cookies[COOKIE])}
    response = client.post("/api/homeport/v1/tokens", json={"name": "first", "scopes": ["admin"]}, headers=header)
    assert response.status_code == 201, response.text
    return str(response.json()["token"])


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedProcess]:
    with served(tmp_path_factory.mktemp("served")) as server:
        yield server


@pytest.fixture(scope="module")
def root(server: ServedProcess) -> Person:
    with closing(choose_password(server.sign_in, "root")) as client:
        return Person(server, first_token(client))


def add_person(root: Person, login: str, *roles: str, scope: str = "admin") -> Person:
    link = root.do("user", "add", login, *(word for role in roles for word in ("--role", role)))
    with closing(choose_password(link, login)) as client:
        whole = Person(root.server, first_token(client))
    return whole if scope == "admin" else Person(root.server, whole.do("token", "create", "narrow", "--scope", scope))


def test_people_are_added_by_a_link_and_have_roles(root: Person) -> None:
    add_person(root, "ada", "acme=maintainer", "*=reader")
    (ada,) = (user for user in root.read("user", "list") if user["login"] == "ada")
    assert (ada["roles"], ada["has_password"]) == ({"acme": "maintainer", "*": "reader"}, True)
    root.do("user", "set", "ada", "--role", "*=none", "--name", "Ada L.", "--administrator", "no")
    (ada,) = (user for user in root.read("user", "list") if user["login"] == "ada")
    assert (ada["roles"], ada["name"]) == ({"acme": "maintainer"}, "Ada L.")
    assert "ada" in root.do("user", "list")
    root.do("user", "remove", "ada")
    assert "nobody called 'ada'" in root.fail("user", "remove", "ada")


def test_who_is_suspended_can_use_no_token(root: Person) -> None:
    bob = add_person(root, "bob")
    bob.do("token", "list")
    root.do("user", "set", "bob", "--active", "no")
    assert "Bad credentials" in bob.fail("token", "list")


def test_the_last_administrator_cannot_go(root: Person) -> None:
    assert "no administrator would be left" in root.fail("user", "remove", "root")
    assert "no administrator would be left" in root.fail("user", "set", "root", "--active", "no")


def test_only_administrators_look_after_people(root: Person) -> None:
    cleo = add_person(root, "cleo", "acme=administrator")
    for words in (("user", "list"), ("user", "add", "x"), ("user", "remove", "root"), ("user", "reset-link", "root")):
        assert "administrator of the server" in cleo.fail(*words)
    assert "administrator of other" in cleo.fail("user", "set", "cleo", "--role", "other=reader")
    assert "administrator of *" in cleo.fail("user", "set", "cleo", "--role", "*=reader")
    cleo.do("user", "set", "cleo", "--role", "acme/tools=writer")


def test_an_administrator_of_a_repository_gives_roles_in_it_and_sees_no_others(root: Person) -> None:
    root.do("repo", "add", "acme/lent")
    add_person(root, "gero", "other=writer")
    hanna = add_person(root, "hanna", "acme/lent=administrator")
    (given,) = [hanna.read("user", "set", "gero", "--role", "acme/lent=reader")]
    assert given["roles"] == {"acme/lent": "reader"}
    for target in ("acme", "acme/own", "*"):
        assert f"administrator of {target}" in hanna.fail("user", "set", "gero", "--role", f"{target}=reader")
    assert "administrator of acme/lent" in add_person(root, "ilse", "acme/lent=maintainer").fail(
        "user", "set", "ilse", "--role", "acme/lent=administrator"
    )
    hanna.do("user", "set", "gero", "--role", "acme/lent=none")
    (gero,) = (user for user in root.read("user", "list") if user["login"] == "gero")
    assert gero["roles"] == {"other": "writer"}


def test_what_is_shown_to_forges_is_given_for_a_repository_an_owner_or_a_forge(root: Person, tmp_path: Path) -> None:
    url = "https://forge.example"
    root.do("repo", "add", "kino/app", "--from", f"{url}/kino/app.git", "--forge", "github")
    jana = add_person(root, "jana", "kino=administrator")
    key = tmp_path / "key.pem"
    key.write_text("-----BEGIN PRIVATE KEY-----\nnot one\n")
    root.do("forge", "set", "--url", f"{url}/", given="token-of-the-forge\n")
    jana.do("forge", "set", "--url", url, "--org", "kino", "--from-env", "T", T="token-of-the-owner")
    jana.do("forge", "set", "--repo", "kino/app", "--app", "7", "--from-file", str(key))
    rows = {row["target"]: (row["kind"], row["credential"]) for row in root.read("forge", "list")}
    assert rows[url] == ("forge", "token")
    assert rows[f"kino at {url}"] == ("owner", "token")
    assert rows["kino/app"] == ("repository", "app")
    assert url not in {row["target"] for row in jana.read("forge", "list")}
    jana.do("forge", "remove", "--repo", "kino/app")
    assert "Nothing was given for kino/app" in jana.fail("forge", "remove", "--repo", "kino/app")
    assert "administrator of the server" in jana.fail("forge", "set", "--url", url, given="x")
    assert "administrator of acme" in jana.fail("forge", "set", "--url", url, "--org", "acme", given="x")
    assert "No repository here comes from" in root.fail("forge", "set", "--url", "https://nowhere.example", given="x")
    assert "is empty" in jana.fail("forge", "set", "--repo", "kino/app", given="\n")
    for words in ((), ("--repo", "a/b", "--url", url), ("--repo", "a/b", "--org", "a")):
        jana.fail("forge", "set", *words, given="x")
    log = json.dumps(root_audit(root))
    assert "forge-credential.changed" in log
    assert "token-of" not in log


def test_a_webhooks_secret_is_made_at_the_command_line(root: Person) -> None:
    root.do("repo", "add", "kino/hook", "--from", "https://forge.example/kino/hook.git", "--forge", "gitea")
    maria = add_person(root, "maria", "kino/hook=maintainer")
    secret = maria.do("forge", "webhook", "--repo", "kino/hook")
    body = json.dumps({"repository": {"full_name": "kino/hook"}}).encode()
    assert deliver_ping(root.server, body, secret) == 202
    assert deliver_ping(root.server, body, "another") == 401
    assert "administrator of the server" in maria.fail("forge", "webhook")
    shared = root.do("forge", "webhook")
    wait_until(lambda: deliver_ping(root.server, body, shared) == 202)
    again = root.do("forge", "webhook", "--repo", "kino/hook")
    wait_until(lambda: deliver_ping(root.server, body, again) == 202)
    assert deliver_ping(root.server, body, secret) == 401


def deliver_ping(server: ServedProcess, body: bytes, secret: str) -> int:
    headers = {"x-gitea-event": "ping", "x-gitea-delivery": "1", "x-gitea-signature": sign(secret, body)}
    return httpx.post(f"{server.url}/webhooks/gitea", content=body, headers=headers).status_code


def root_audit(root: Person) -> Any:
    answer = httpx.get(
        f"{root.server.url}/api/homeport/v1/audit?limit=500", headers={"authorization": f"Bearer {root.token}"}
    )
    return answer.json()


def test_tokens_are_made_listed_and_removed(root: Person) -> None:
    dora = add_person(root, "dora")
    text = dora.do("token", "create", "laptop", "--scope", "write", "--only", "acme", "--days", "7")
    rows = {row["name"]: row for row in dora.read("token", "list")}
    assert (rows["laptop"]["scopes"], rows["laptop"]["target"], "token" in rows["laptop"]) == (["write"], "acme", False)
    narrow = Person(root.server, text)
    assert "narrowed" in narrow.fail("token", "remove", str(rows["first"]["id"]))
    assert "needs a session" in narrow.fail("token", "create", "wider", "--scope", "admin")
    dora.do("token", "remove", str(rows["laptop"]["id"]))
    assert "Bad credentials" in narrow.fail("token", "list")
    assert "no such token" in dora.fail("token", "remove", str(rows["laptop"]["id"]))
    assert "administrator" in dora.fail("token", "list", "--all")
    assert {row["user"] for row in root.read("token", "list", "--all")} >= {"root", "dora"}


def test_a_token_of_somebody_else_is_not_to_be_removed(root: Person) -> None:
    emma = add_person(root, "emma")
    (first,) = (row for row in root.read("token", "list", "--all") if row["user"] == "root")
    assert "no such token" in emma.fail("token", "remove", str(first["id"]))


def test_repositories_are_added_set_and_removed(root: Person) -> None:
    root.do("repo", "add", "acme/own")
    root.do(
        "repo",
        "add",
        "acme/mirror",
        "--from",
        "https://git.example/acme/mirror.git",
        "--forge",
        "gitea",
        "--public",
        "yes",
    )
    root.do(
        "repo", "set", "acme/own", "--set", "fork_approval=first-time", "--set", "log_days=7", "--set", "is_shadow=yes"
    )
    rows = {row["full_name"]: row for row in root.read("repo", "list")}
    assert rows["acme/own"]["settings"]["fork_approval"] == "first-time"
    assert (rows["acme/own"]["settings"]["log_days"], rows["acme/own"]["settings"]["is_shadow"]) == (7, True)
    assert (rows["acme/mirror"]["origin"], rows["acme/mirror"]["is_private"]) == ("gitea", False)
    for wrong in ("log_days=0", "fork_approval=maybe", "unknown=1", "workflow_folders=../x", "poll_seconds=x"):
        assert "HOMEPORT" not in root.fail("repo", "set", "acme/own", "--set", wrong)
    assert "already" in root.fail("repo", "add", "ACME/own")
    assert "pages begin" in root.fail("repo", "add", "login/x")
    for url in ("file:///etc", "ext::sh -c id", "https://user:pass@git.example/acme/x.git", "ssh://git.example/x"):
        assert "clone_url" in root.fail("repo", "add", "acme/bad", "--from", url, "--forge", "github")
    root.do("repo", "remove", "acme/mirror")
    assert "acme/mirror" not in root.do("repo", "list")


def test_who_has_no_role_sees_no_private_repository(root: Person) -> None:
    root.do("repo", "add", "acme/hidden")
    root.do("repo", "add", "acme/shown", "--public", "yes")
    fritz = add_person(root, "fritz")
    assert [row["full_name"] for row in fritz.read("repo", "list")] == ["acme/shown"]
    assert "Not Found" in fritz.fail("repo", "set", "acme/hidden", "--set", "log_days=7")
    assert "role maintainer" in fritz.fail("repo", "set", "acme/shown", "--set", "log_days=7")
    assert "administrator of acme" in fritz.fail("repo", "add", "acme/more")


def test_secrets_are_set_in_ways_that_nobody_sees(root: Person, tmp_path: Path) -> None:
    root.do("repo", "add", "acme/vaulted")
    here = ("--repo", "acme/vaulted")
    root.do("secret", "set", "from_stdin", *here, given=VALUE + "\n")
    (tmp_path / "value").write_text(VALUE)
    root.do("secret", "set", "FROM_FILE", *here, "--from-file", str(tmp_path / "value"))
    root.do("secret", "set", "FROM_ENV", *here, "--from-env", "MY_VALUE", MY_VALUE=VALUE)
    root.do("environment", "add", "live", *here)
    root.do("secret", "set", "DEEP", *here, "--environment", "live", given=VALUE)
    root.do(
        "secret", "set", "SHARED", "--org", "acme", "--visibility", "selected", "--for", "acme/vaulted", given=VALUE
    )
    root.do("secret", "set", "OF_BOTS", *here, "--app", "dependabot", given=VALUE)
    assert [row["name"] for row in root.read("secret", "list", *here, "--app", "dependabot")] == ["OF_BOTS"]
    assert [row["name"] for row in root.read("secret", "list", *here)] == ["FROM_ENV", "FROM_FILE", "FROM_STDIN"]
    assert [row["name"] for row in root.read("secret", "list", *here, "--environment", "live")] == ["DEEP"]
    assert root.read("secret", "list", "--org", "acme")[0]["visibility"] == "selected"
    root.do("secret", "remove", "from_env", *here)
    assert "FROM_ENV" not in root.do("secret", "list", *here)
    assert "no name" in root.fail("secret", "set", "GITHUB_X", *here, given="x")
    kept = [path for path in root.server.folder.rglob("*") if path.is_file() and not path.is_symlink()]
    assert any(path.name == "homeport.db-wal" for path in kept)
    for path in kept:
        assert VALUE.split("\n", maxsplit=1)[0].encode() not in path.read_bytes(), path
    assert VALUE.split("\n", maxsplit=1)[0] not in root.server.errors


def test_a_writer_keeps_no_secrets(root: Person) -> None:
    root.do("repo", "add", "acme/guarded")
    gina = add_person(root, "gina", "acme=writer")
    assert "acme" in gina.do("repo", "list")
    done = gina.run("secret", "set", "A", "--repo", "acme/guarded", given="x")
    assert done.returncode == 1
    harry = add_person(root, "harry", "acme=maintainer", scope="write")
    assert harry.run("secret", "set", "A", "--repo", "acme/guarded", given="x").returncode == 1


def test_variables_are_set_changed_listed_and_removed(root: Person) -> None:
    root.do("repo", "add", "acme/varied")
    here = ("--repo", "acme/varied")
    root.do("variable", "set", "level", "info", *here)
    root.do("variable", "set", "LEVEL", "debug", *here)
    root.do("variable", "set", "TEAM", "a", "--org", "acme")
    assert [(row["name"], row["value"]) for row in root.read("variable", "list", *here)] == [("LEVEL", "debug")]
    root.do("variable", "remove", "level", *here)
    assert root.read("variable", "list", *here) == []


def test_the_key_is_replaced_while_the_server_runs(root: Person) -> None:
    root.do("repo", "add", "acme/keyed")
    root.do("secret", "set", "BEFORE", "--repo", "acme/keyed", given="x")
    folder = root.server.folder
    former = sorted((folder / "keys").glob("master-*.key"))
    done = root.read("secret", "rotate", "--data", str(folder))
    assert done["former"] == [str(path) for path in former]
    for path in former:
        path.unlink()
    root.do("secret", "set", "AFTER", "--repo", "acme/keyed", given="x")
    again = root.read("secret", "rotate", "--data", str(folder))
    assert again["key"] != done["key"]


def test_who_has_the_folder_can_always_get_in_again(root: Person) -> None:
    folder = str(root.server.folder)
    link = root.do("user", "reset-link", "root", "--data", folder)
    assert link.startswith(root.server.url + "/setup?token=")
    choose_password(link, "root").close()
    new = root.do("user", "reset-link", "--data", folder)
    with closing(choose_password(new, "rescuer")) as client:
        assert Person(root.server, first_token(client)).do("user", "list")
    assert "nobody called" in root.fail("user", "reset-link", "x", "--data", folder)
    assert "no data folder" in root.fail("user", "reset-link", "--data", folder + "/keys")


def test_everything_about_rights_is_in_the_audit_log_and_it_is_whole(root: Person) -> None:
    client = httpx.Client(base_url=root.server.url, headers={"authorization": f"Bearer {root.token}"})
    with client:
        root.do("repo", "add", "acme/audited")
        root.do("secret", "set", "KEY", "--repo", "acme/audited", given=VALUE)
        client.get("/api/homeport/v1/users", headers={"authorization": "Bearer hpt_wrong"})
        entries = client.get("/api/homeport/v1/audit", params={"limit": 1000}).json()
        actions = {entry["action"] for entry in entries}
        assert {"link.created", "session.opened", "token.created", "repository.added", "token.refused"} <= actions
        assert any(entry["action"].startswith("secret.") for entry in entries)
        text = json.dumps(entries)
        for secret in (VALUE.split("\n", maxsplit=1)[0], root.token, PASSWORD):
            assert secret not in text
        assert client.get("/api/homeport/v1/audit/verification").json()["is_whole"] is True
        for method in ("PUT", "PATCH", "DELETE", "POST"):
            assert client.request(method, "/api/homeport/v1/audit").status_code == 405


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("secret", "set", "A"), "--repo"),
        (("secret", "list", "--repo", "acme"), "owner/name"),
        (("secret", "list", "--org", "acme", "--environment", "x"), "environments"),
        (("secret", "list", "--repo", "acme/x", "--environment", "y", "--app", "dependabot"), "none of environments"),
        (("secret", "lst", "--org", "acme"), "did you mean 'list'"),
        (("variable", "set", "A", "--org", "acme"), "two words"),
        (("user", "set", "root"), "nothing is to be set"),
        (("user", "set", "root", "--role", "acme"), "TARGET=ROLE"),
        (("repo", "add", "acme/x", "--from", "https://x.example/acme/x"), "--forge"),
        (("environment", "list"), "--repo"),
    ],
)
def test_what_is_typed_wrong_is_said_before_anything_is_done(root: Person, words: tuple[str, ...], said: str) -> None:
    assert said in root.fail(*words)


def test_without_server_or_token_it_is_said_what_is_missing(root: Person) -> None:
    assert "HOMEPORT_SERVER" in root.run("token", "list", HOMEPORT_SERVER="").stderr
    assert "HOMEPORT_TOKEN" in root.run("token", "list", HOMEPORT_TOKEN="").stderr
    gone = root.run("token", "list", HOMEPORT_SERVER="http://127.0.0.1:9")
    assert gone.returncode == 1
    assert "is the server running" in gone.stderr
    assert root.token not in gone.stderr

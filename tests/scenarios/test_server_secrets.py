"""Secrets and tokens in jobs of a real server: who has them, for how long, and where they are not."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from homeport.ports.vault import VaultScope, organization_scope
from homeport.store.key_ring import KeyRing
from homeport.store.tables.database import Database
from homeport.store.vault import TableVault
from tests.support.pushing import Checkout, make_person
from tests.support.serve import ServedProcess, served, wait_until

VALUE = "a value that is easily found again"
WORKFLOW = """
on: push
permissions: {{contents: read, actions: write}}
jobs:
  names:
    runs-on: ubuntu-latest
    steps:
      - env: {{KEY: "${{{{ secrets.KEY }}}}", TOKEN: "${{{{ secrets.GITHUB_TOKEN }}}}"}}
        run: |
          test "${{#KEY}}" = {size}
          echo "said: $KEY $TOKEN"
          printf '%s' "$TOKEN" > {gate}/token.new
          mv {gate}/token.new {gate}/token
          while [ ! -e {gate}/go ]; do sleep 0.05; done
  names-none:
    runs-on: ubuntu-latest
    steps: [{{run: "env | grep -c 'easily found' || true; env > {gate}/environment"}}]
"""


def put_secret(folder: Path, scope: VaultScope, name: str, value: str) -> None:
    database = Database(f"sqlite:///{folder / 'homeport.db'}")
    try:
        TableVault(database, KeyRing(str(folder / "keys"))).put_secret(scope, name, value, at=datetime.now(UTC))
    finally:
        database.close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServedProcess]:
    with served(tmp_path / "s") as server:
        yield server


def ask(server: ServedProcess, token: str, path: str, method: str = "GET") -> int:
    headers = {"authorization": f"Bearer {token}"}
    return httpx.request(method, f"{server.url}/api/v3/repos/{path}", headers=headers).status_code


def test_a_job_has_what_it_names_and_a_token_until_it_ends(server: ServedProcess, tmp_path: Path) -> None:
    token = make_person(server.folder, "ada", roles={"acme": "administrator"})
    put_secret(server.folder, organization_scope("acme"), "KEY", VALUE)
    gate = tmp_path / "gate"
    gate.mkdir()
    for name, files in (
        ("other", {"a": "b"}),
        ("tools", {".github/workflows/ci.yml": WORKFLOW.format(size=len(VALUE), gate=gate)}),
    ):
        checkout = Checkout(tmp_path / name, f"{server.url}/acme/{name}.git", "ada", token)
        checkout.commit(files)
        checkout.git("push", "--quiet", "origin", "main")
    wait_until(lambda: (gate / "token").exists() and (gate / "environment").exists())
    job_token = (gate / "token").read_text()
    assert VALUE not in (gate / "environment").read_text()
    assert job_token not in (gate / "environment").read_text()

    assert ask(server, job_token, "acme/tools/actions/runs") == 200
    assert ask(server, job_token, "acme/other/actions/runs") == 404
    assert ask(server, job_token, "acme/tools/actions/secrets") == 403
    assert ask(server, job_token, "acme/tools/actions/variables") == 403
    _expect_in_no_command_line(VALUE, job_token)
    server.restart()
    assert ask(server, job_token, "acme/tools/actions/runs") == 200

    (gate / "go").touch()
    wait_until(lambda: ask(server, job_token, "acme/tools/actions/runs") == 401)
    _expect_nowhere_in(server, VALUE, job_token)


def _expect_in_no_command_line(*secrets: str) -> None:
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            text = path.read_bytes()
        except OSError:
            continue
        assert not [secret for secret in secrets if secret.encode() in text], text


def _expect_nowhere_in(server: ServedProcess, *secrets: str) -> None:
    server.stop()
    for path in server.folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            data = path.read_bytes()
            assert not [secret for secret in secrets if secret.encode() in data], path
    assert not [secret for secret in secrets if secret in server.errors]

"""Identity tokens of a server's jobs: signed by the server, checked by whoever looks up its keys, and nobody else's to ask for."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest

from tests.support.npm_actions import PACKAGES
from tests.support.parts import require_node, require_npm_packages
from tests.support.pushed import PushedRepository
from tests.support.serve import ServedProcess, served, wait_until

WORKFLOW = """\
name: CI
on: push
permissions: {contents: read}
jobs:
  who:
    runs-on: ubuntu-latest
    permissions: {id-token: write, contents: read}
    environment: production
    steps:
      - run: >
          curl -sS -H "Authorization: bearer $ACTIONS_ID_TOKEN_REQUEST_TOKEN"
          "$ACTIONS_ID_TOKEN_REQUEST_URL&audience=the-index"
      - run: echo "asking with <$ACTIONS_ID_TOKEN_REQUEST_TOKEN>"
      - run: |
          printf %s "$ACTIONS_ID_TOKEN_REQUEST_TOKEN $GITHUB_TOKEN" > {seen}
          until [ -e {gate} ]; do sleep 0.05; done
        env: {GITHUB_TOKEN: "${{ github.token }}"}
  nobody:
    runs-on: ubuntu-latest
    steps:
      - run: echo "[$ACTIONS_ID_TOKEN_REQUEST_URL$ACTIONS_ID_TOKEN_REQUEST_TOKEN]"
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServedProcess]:
    environment = {"PATH": f"{Path(require_node(20)).parent}{os.pathsep}{os.environ['PATH']}"}
    with served(tmp_path / "data", environment=environment) as process:
        yield process


@pytest.fixture
def repository(server: ServedProcess, tmp_path: Path) -> PushedRepository:
    return PushedRepository(server, tmp_path)


def check(server: ServedProcess, token: str, audience: str = "the-index") -> dict[str, Any]:
    """As any party does that trusts this server: by its discovery document alone."""
    about = httpx.get(f"{server.url}/.well-known/openid-configuration").json()
    assert about["issuer"] == server.url
    assert about["id_token_signing_alg_values_supported"] == ["RS256"]
    key = jwt.PyJWKClient(about["jwks_uri"]).get_signing_key_from_jwt(token)
    claims: dict[str, Any] = jwt.decode(token, key, algorithms=["RS256"], audience=audience, issuer=server.url)
    assert set(claims) <= {*about["claims_supported"]}
    return claims


def ask(server: ServedProcess, token: str, query: str = "") -> httpx.Response:
    return httpx.get(f"{server.url}/oidc/token?api-version=2.0{query}", headers={"authorization": f"Bearer {token}"})


def test_a_job_says_who_it_is_and_the_server_vouches_for_it(
    repository: PushedRepository, server: ServedProcess, tmp_path: Path
) -> None:
    seen, gate = tmp_path / "seen", tmp_path / "gate"
    workflow = WORKFLOW.replace("{seen}", str(seen)).replace("{gate}", str(gate))
    run = repository.push({}, workflow)
    request, token = wait_until(lambda: seen.exists() and seen.read_text().split(" "))
    asked = ask(server, request, "&audience=the-index")
    assert asked.headers["cache-control"] == "no-store"
    claims = check(server, asked.json()["value"])
    assert claims["sub"] == "repo:acme/shop:environment:production"
    assert claims["environment"] == "production"
    assert claims["repository"] == "acme/shop"
    assert claims["ref"] == "refs/heads/main"
    assert claims["run_id"] == str(run)
    assert claims["job_workflow_ref"] == "acme/shop/.github/workflows/ci.yml@refs/heads/main"
    assert claims["check_run_id"] == str(repository.jobs(run)["who"]["id"])
    assert (claims["event_name"], claims["actor"], claims["runner_environment"]) == ("push", "ada", "self-hosted")
    assert claims["nbf"] < claims["iat"] < claims["exp"] == claims["iat"] + 300
    own = ask(server, request).json()["value"]
    assert check(server, own, f"{server.url}/acme")["jti"] != claims["jti"]
    assert ask(server, request, "&audience=" + "x" * 2000).status_code == 400

    # each token is good for its own purpose only, and nothing that does not run has any
    assert [ask(server, other).status_code for other in (token, repository.token, "nothing")] == [401, 401, 401]
    refused = httpx.get(f"{server.url}/api/v3/repos/acme/shop", headers={"authorization": f"Bearer {request}"})
    assert refused.status_code == 401
    gate.touch()
    assert repository.await_conclusion(run) == "success"
    wait_until(lambda: ask(server, request).status_code == 401)

    said = "\n".join(repository.log(run, "who"))
    printed = next(json.loads(line) for line in repository.log(run, "who") if line.startswith('{"count"'))
    assert check(server, printed["value"])["sub"] == claims["sub"]
    assert "asking with <***>" in said
    assert request not in said
    assert "[]" in repository.log(run, "nobody")


def test_the_client_package_gets_one_that_is_good(repository: PushedRepository, server: ServedProcess) -> None:
    folder = repository.checkout.folder / "identity"
    folder.mkdir(parents=True)
    (folder / "node_modules").symlink_to(require_npm_packages(PACKAGES))
    files = {
        "identity/action.yml": "name: identity\nruns: {using: node20, main: main.mjs}\n",
        "identity/main.mjs": "import * as core from '@actions/core'\n"
        "const token = await core.getIDToken('the-index')\n"
        "console.log(`masked <${token}>`)\nconsole.log(token.split('.').join(' . '))\n",
    }
    workflow = (
        "on: push\npermissions: {id-token: write, contents: read}\njobs:\n  who:\n    runs-on: ubuntu-latest\n"
        "    steps: [{uses: actions/checkout@v4}, {uses: ./identity}]\n"
    )
    run = repository.push(files, workflow)
    assert repository.await_conclusion(run) == "success", repository.log(run, "who")
    said = repository.log(run, "who")
    assert "masked <***>" in said
    token = next(line for line in said if line.count(" . ") == 2).replace(" . ", ".")
    assert check(server, token)["sub"] == "repo:acme/shop:ref:refs/heads/main"


def test_the_key_is_the_servers_alone_and_can_be_replaced(repository: PushedRepository, server: ServedProcess) -> None:
    first = httpx.get(f"{server.url}/.well-known/jwks").json()["keys"]
    assert {tuple(sorted(key)) for key in first} == {("alg", "e", "kid", "kty", "n", "use")}
    (path,) = (server.folder / "keys").glob("identity-*.pem")
    assert path.stat().st_mode & 0o777 == 0o600
    server.restart()
    assert httpx.get(f"{server.url}/.well-known/jwks").json()["keys"] == first
    words = [sys.executable, "-m", "homeport", "secret", "rotate", "--data", str(server.folder)]
    subprocess.run(words, check=True, capture_output=True)
    second = httpx.get(f"{server.url}/.well-known/jwks").json()["keys"]
    assert len(second) == 1
    assert second != first
    assert repository.token  # the server goes on


def test_who_tries_tokens_is_refused_and_slowed_down(server: ServedProcess) -> None:
    first = ask(server, "hpi_0")
    assert first.status_code == 401
    assert first.json()["detail"].startswith("This is not the ACTIONS_ID_TOKEN_REQUEST_TOKEN")
    assert any(ask(server, f"hpi_{number}").status_code == 429 for number in range(1, 1000))

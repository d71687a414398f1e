"""What jobs of a real server are given, and what they cannot reach: by their secrets and tokens, and behind the sandbox."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.pushed import PushedRepository
from tests.support.sandbox import require_sandbox
from tests.support.serve import ServedProcess, served, wait_until


def job(*steps: str, permissions: str = "{contents: read}", more: str = "") -> str:
    """A workflow of one job."""
    written = "\n".join(f"      - {step}" for step in steps)
    return f"on: push\npermissions: {permissions}\njobs:\n  work:\n    runs-on: ubuntu-latest\n{more}    steps:\n{written}\n"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServedProcess]:
    with served(tmp_path / "data") as server:
        yield server


@pytest.fixture
def repository(server: ServedProcess, tmp_path: Path) -> PushedRepository:
    return PushedRepository(server, tmp_path)


def keep_secret(repository: PushedRepository, name: str, value: str, *words: str) -> None:
    """As a person at the command line does it."""
    done = subprocess.run(
        [sys.executable, "-m", "homeport", "secret", "set", name, "--server", repository.server.url, *words],
        env={**os.environ, "HOMEPORT_TOKEN": repository.token},
        input=value,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def carry_out(repository: PushedRepository, workflow: str, **files: str) -> tuple[str, list[str]]:
    run = repository.push({name.replace("__", "/"): text for name, text in files.items()}, workflow)
    return repository.await_conclusion(run), repository.log(run, "work")


# --- secrets and tokens -----------------------------------------------------------------------------------------------


def test_a_job_is_given_the_secrets_that_it_names_masked_and_no_others(repository: PushedRepository) -> None:
    repository.push({}, job('{run: "true"}'))
    keep_secret(repository, "NAMED", "a named value", "--repo", "acme/shop")
    keep_secret(repository, "OTHER", "another value", "--repo", "acme/shop")
    keep_secret(repository, "EVERYWHERE", "of the owner", "--org", "acme")
    steps = (
        '{run: "echo named=${{ secrets.NAMED }}; echo length=${#IT}", env: {IT: "${{ secrets.EVERYWHERE }}"}}',
        '{run: "env | sort > all; ! grep -q another all"}',
    )
    conclusion, log = carry_out(repository, job(*steps))
    assert conclusion == "success"
    assert "named=***" in log
    assert "length=12" in log
    _, log = carry_out(repository, job("{run: \"echo '${{ toJSON(secrets) }}'\"}"))
    assert {'  "NAMED": "***",', '  "OTHER": "***",', '  "EVERYWHERE": "***",'} <= {
        f"{line.rstrip(',')}," for line in log
    }


def test_an_environments_secret_hides_the_repositorys(repository: PushedRepository) -> None:
    repository.push({}, job('{run: "true"}'))
    keep_secret(repository, "PLACE", "repository", "--repo", "acme/shop")
    assert repository.ask("PUT", "environments/live").status_code == 200
    keep_secret(repository, "PLACE", "production", "--repo", "acme/shop", "--environment", "live")
    step = '{run: "[ \\"$PLACE\\" = production ] && echo it is", env: {PLACE: "${{ secrets.PLACE }}"}}'
    conclusion, log = carry_out(repository, job(step, more="    environment: live\n"))
    assert (conclusion, "it is" in log) == ("success", True)


def test_a_jobs_token_may_what_its_permissions_say_and_dies_with_it(
    repository: PushedRepository, tmp_path: Path
) -> None:
    kept = tmp_path / "token"
    steps = (
        f'{{run: "printf %s $TOKEN > {kept}", env: {{TOKEN: "${{{{ github.token }}}}"}}}}',
        '{run: "echo ${{ github.server_url }} ${{ github.api_url }}"}',
        f'{{run: "until [ -e {tmp_path}/gate ]; do sleep 0.05; done"}}',
    )
    run = repository.push({}, job(*steps))
    server = repository.server
    repository.await_line(run, "work", f"{server.url} {server.url}/api/v3")
    wait_until(kept.exists)
    headers = {"authorization": f"Bearer {wait_until(kept.read_text)}"}
    above = f"{server.url}/api/v3/repos/acme/shop"
    sha = repository.checkout.git("rev-parse", "HEAD").strip()
    assert httpx.get(f"{above}/commits/{sha}", headers=headers).status_code == 200
    refused = httpx.post(f"{above}/statuses/{sha}", headers=headers, json={"state": "success"})
    assert refused.status_code == 403, refused.text
    (tmp_path / "gate").touch()
    assert repository.await_conclusion(run) == "success"
    wait_until(lambda: httpx.get(f"{above}/commits/{sha}", headers=headers).status_code == 401)


def test_a_job_pushes_with_its_token_where_it_may_write_and_that_starts_nothing(repository: PushedRepository) -> None:
    push = (
        '{run: "git config user.name bot; git config user.email b@example.com; echo x > made; git add made; '
        'git commit -qm made; git push origin HEAD:refs/heads/made"}'
    )
    checkout = "{uses: actions/checkout@v4}"
    conclusion, log = carry_out(repository, job(checkout, push))
    assert conclusion == "failure", log
    conclusion, log = carry_out(repository, job(checkout, push, permissions="{contents: write}"))
    assert conclusion == "success", "\n".join(log)
    assert "made" in [branch["name"] for branch in repository.get("branches")]
    branches = {run["head_branch"] for run in repository.get("actions/runs")["workflow_runs"]}
    assert branches == {"main"}


# --- what is kept ------------------------------------------------------------------------------------------------------


def test_artifacts_and_caches_of_a_job_are_the_servers(repository: PushedRepository) -> None:
    steps = (
        "{uses: actions/checkout@v4}",
        "{uses: actions/cache@v4, with: {path: kept, key: \"k-${{ hashFiles('a.txt') }}\"}}",
        '{run: "mkdir -p kept; cp a.txt kept/"}',
        "{uses: actions/upload-artifact@v4, with: {name: result, path: a.txt}}",
    )
    run = repository.push({"a.txt": "one\n"}, job(*steps))
    assert repository.await_conclusion(run) == "success", repository.log(run, "work")
    (artifact,) = repository.get(f"actions/runs/{run}/artifacts")["artifacts"]
    assert artifact["name"] == "result"
    again = repository.push({}, "")
    assert repository.await_conclusion(again) == "success"
    assert any(line.startswith("Cache restored from key: k-") for line in repository.log(again, "work"))


# --- the sandbox --------------------------------------------------------------------------------------------------------


def test_a_sandboxed_job_sees_its_own_repository_and_nothing_else_of_the_server(tmp_path: Path) -> None:
    require_sandbox()
    data = tmp_path / "data"
    with served(data, "--executor", "sandbox") as server:
        other = PushedRepository(server, tmp_path, "acme/other")
        other.push({"hidden.txt": "not yours\n"}, job('{run: "true"}'))
        repository = PushedRepository(server, tmp_path)
        looks = f"""{{run: "for path in {data}/homeport.db {data}/keys {data}/runner/socket {data}/runner/1/token \
{data}/repositories/1.git/HEAD; do [ -e $path ] && echo SEEN $path; true; done; cat /proc/*/environ | tr '\\\\0' '\\\\n' | \
grep -i homeport_ || true"}}"""
        steps = (
            "{uses: actions/checkout@v4, with: {fetch-depth: 0}}",
            '{run: "git log --oneline | wc -l; cat a.txt"}',
            looks,
            "{uses: actions/upload-artifact@v4, with: {name: result, path: a.txt}}",
        )
        run = repository.push({"a.txt": "mine\n"}, job(*steps))
        conclusion, log = repository.await_conclusion(run), repository.log(run, "work")
        assert conclusion == "success", "\n".join(log)
        assert "mine" in log
        assert not [line for line in log if line.startswith("SEEN")]
        assert [each["name"] for each in repository.get(f"actions/runs/{run}/artifacts")["artifacts"]] == ["result"]


def test_a_runner_keeps_nothing_open_of_jobs_that_have_ended(repository: PushedRepository) -> None:
    def count_open() -> int:
        (runner,) = repository.server.runners()
        return len(os.listdir(f"/proc/{runner}/fd"))

    def carry_out_one() -> None:
        assert repository.await_conclusion(repository.push({}, job('{run: "true"}'))) == "success"

    for _ in range(3):
        carry_out_one()
    before = wait_until(count_open)
    for _ in range(6):
        carry_out_one()
    wait_until(lambda: count_open() <= before + 2)

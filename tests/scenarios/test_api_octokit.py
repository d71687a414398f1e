"""Octokit (npm), unmodified, against a real server over HTTPS: everything that it is answered is as GitHub publishes it."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent, indent
from typing import Any

import pytest

from tests.support.api import ApiServer, check_answer, serving_api
from tests.support.parts import require_node, require_npm_packages
from tests.support.serve import LONG

PACKAGES = {"@octokit/rest": "22.0.1", "libsodium-wrappers": "0.7.15"}
_PROGRAM = """\
import { Octokit } from '@octokit/rest'
import sodium from 'libsodium-wrappers'
await sodium.ready
const log = { debug() {}, info() {}, warn() {}, error() {} }
const octokit = new Octokit({ auth: process.env.TOKEN, baseUrl: process.env.API, log })
const heard = []
octokit.hook.after('request', (response, options) => {
  const isJson = (response.headers['content-type'] ?? 'application/json').startsWith('application/json')
  if (isJson && response.url.startsWith(process.env.API))
    heard.push(structuredClone({ method: options.method, url: response.url, status: response.status, body: response.data ?? null }))
})
const here = { owner: 'acme', repo: 'shop' }
const until = async look => { for (;;) { const found = await look(); if (found) return found; await new Promise(done => setTimeout(done, 100)) } }
const attempt = async work => { try { await work() } catch (error) { return { status: error.status, message: error.message } } }
const main = async () => {
%s
}
const result = await main()
console.log(JSON.stringify({ result, heard }))
"""


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    require_npm_packages(PACKAGES)
    with serving_api(tmp_path_factory.mktemp("octokit")) as server:
        yield server


def run(api: ApiServer, folder: Path, code: str) -> Any:
    """What the code returns. `octokit` and `here` (the repository) are at hand."""
    (folder / "node_modules").symlink_to(require_npm_packages(PACKAGES))
    (folder / "main.mjs").write_text(_PROGRAM % indent(dedent(code), "  "))
    done = subprocess.run(
        [require_node(24), "main.mjs"],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "TOKEN": api.token, "API": api.api, **api.environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=LONG,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["heard"]
    for each in told["heard"]:
        body = None if each["status"] == 204 else each["body"]
        check_answer(each["method"], each["url"].removeprefix(api.api), each["status"], body)
    return told["result"]


def test_lists_are_paged_through(api: ApiServer, tmp_path: Path) -> None:
    found = run(
        api,
        tmp_path,
        """
        const runs = await octokit.paginate(octokit.rest.actions.listWorkflowRunsForRepo, { ...here, per_page: 1 })
        const jobs = await octokit.paginate(octokit.rest.actions.listJobsForWorkflowRun, { ...here, run_id: 1, per_page: 2 })
        const checks = await octokit.paginate(octokit.rest.checks.listForRef, { ...here, ref: 'v1', per_page: 3 })
        const repositories = await octokit.paginate(octokit.rest.repos.listForAuthenticatedUser)
        return { runs: runs.map(run => run.id), jobs: jobs.length, checks: checks.length, repositories: repositories.map(each => each.full_name) }
        """,
    )
    assert found == {"runs": [2, 1], "jobs": 4, "checks": 8, "repositories": ["acme/shop"]}


def test_logs_and_artifacts_are_downloaded(api: ApiServer, tmp_path: Path) -> None:
    found = run(
        api,
        tmp_path,
        """
        const { data: { artifacts: [artifact] } } = await octokit.rest.actions.listWorkflowRunArtifacts({ ...here, run_id: 1 })
        const zip = await octokit.rest.actions.downloadArtifact({ ...here, artifact_id: artifact.id, archive_format: 'zip' })
        const logs = await octokit.rest.actions.downloadWorkflowRunLogs({ ...here, run_id: 1 })
        const { data: { jobs } } = await octokit.rest.actions.listJobsForWorkflowRun({ ...here, run_id: 1 })
        const build = jobs.find(job => job.name === 'build')
        const log = await octokit.rest.actions.downloadJobLogsForWorkflowRun({ ...here, job_id: build.id })
        return { name: artifact.name, zip: zip.data.byteLength === artifact.size_in_bytes, logs: logs.data.byteLength > 100, log: log.data }
        """,
    )
    assert found["log"].splitlines()[-1][:2] == "20"
    assert "This is old" in found.pop("log")
    assert found == {"name": "dist", "zip": True, "logs": True}


def test_a_workflow_is_started_cancelled_and_run_again(api: ApiServer, tmp_path: Path) -> None:
    found = run(
        api,
        tmp_path,
        """
        const { data: started } = await octokit.rest.actions.createWorkflowDispatch({
          ...here, workflow_id: 'slow.yml', ref: 'main', return_run_details: true })
        const run = { ...here, run_id: started.workflow_run_id }
        const get = async () => (await octokit.rest.actions.getWorkflowRun(run)).data
        await until(async () => (await get()).status === 'in_progress')
        const refused = await attempt(() => octokit.rest.actions.reRunWorkflow(run))
        await octokit.rest.actions.cancelWorkflowRun(run)
        const first = await until(async () => { const found = await get(); return found.status === 'completed' && found })
        const twice = await attempt(() => octokit.rest.actions.cancelWorkflowRun(run))
        await octokit.rest.actions.reRunWorkflow({ ...run, enable_debug_logging: true })
        await until(async () => (await get()).status === 'in_progress')
        await octokit.rest.actions.forceCancelWorkflowRun(run)
        const second = await until(async () => { const found = await get(); return found.status === 'completed' && found })
        await octokit.rest.actions.deleteWorkflowRunLogs(run)
        await octokit.rest.actions.deleteWorkflowRun(run)
        const gone = await attempt(get)
        return { first: first.conclusion, second: [second.run_attempt, second.conclusion], refused: refused.status, twice: twice.status, gone: gone.status }
        """,
    )
    assert found == {"first": "cancelled", "second": [2, "cancelled"], "refused": 403, "twice": 409, "gone": 404}


def test_secrets_variables_and_environments(api: ApiServer, tmp_path: Path) -> None:
    found = run(
        api,
        tmp_path,
        """
        const seal = (key, value) => sodium.to_base64(
          sodium.crypto_box_seal(sodium.from_string(value), sodium.from_base64(key, sodium.base64_variants.ORIGINAL)),
          sodium.base64_variants.ORIGINAL)
        const { data: key } = await octokit.rest.actions.getRepoPublicKey(here)
        const made = await octokit.rest.actions.createOrUpdateRepoSecret({
          ...here, secret_name: 'API_KEY', key_id: key.key_id, encrypted_value: seal(key.key, 'hush') })
        const changed = await octokit.rest.actions.createOrUpdateRepoSecret({
          ...here, secret_name: 'API_KEY', key_id: key.key_id, encrypted_value: seal(key.key, 'hush!') })
        const prod = { ...here, environment_name: 'prod' }
        await octokit.rest.repos.createOrUpdateEnvironment(prod)
        const refused = await attempt(() => octokit.rest.repos.createOrUpdateEnvironment({ ...prod, wait_timer: 30 }))
        await octokit.rest.actions.createEnvironmentVariable({ ...prod, name: 'REGION', value: 'eu' })
        await octokit.rest.actions.createOrgVariable({ org: 'acme', name: 'TEAM', value: 'tea', visibility: 'all' })
        const usable = await octokit.rest.actions.listRepoOrganizationVariables(here)
        const { data: { secrets } } = await octokit.rest.actions.listRepoSecrets(here)
        await octokit.rest.actions.deleteRepoSecret({ ...here, secret_name: 'API_KEY' })
        return { statuses: [made.status, changed.status], refused: refused.status, secrets: secrets.map(each => each.name), usable: usable.data.variables[0].value }
        """,
    )
    assert found == {"statuses": [201, 204], "refused": 422, "secrets": ["API_KEY"], "usable": "tea"}


def test_statuses_checks_and_files(api: ApiServer, tmp_path: Path) -> None:
    found = run(
        api,
        tmp_path,
        """
        const { data: { object: { sha } } } = await octokit.rest.git.getRef({ ...here, ref: 'heads/main' })
        await octokit.rest.repos.createCommitStatus({ ...here, sha, state: 'success', context: 'lint' })
        const { data: combined } = await octokit.rest.repos.getCombinedStatusForRef({ ...here, ref: 'main' })
        const { data: { check_runs } } = await octokit.rest.checks.listForRef({ ...here, ref: sha, check_name: 'build' })
        const { data: annotations } = await octokit.rest.checks.listAnnotations({ ...here, check_run_id: check_runs[0].id })
        const { data: file } = await octokit.rest.repos.getContent({ ...here, path: 'app.py' })
        const raw = await octokit.rest.repos.getContent({ ...here, path: 'app.py', mediaType: { format: 'raw' } })
        const { data: user } = await octokit.rest.users.getAuthenticated()
        const { data: rate } = await octokit.rest.rateLimit.get()
        return {
          lint: combined.statuses.some(each => each.context === 'lint'), annotations: annotations.length,
          file: Buffer.from(file.content, 'base64').toString(), raw: raw.data, login: user.login, rate: rate.rate.limit > 0 }
        """,
    )
    text = "a\nb\nc\n"
    assert found == {"lint": True, "annotations": 1, "file": text, "raw": text, "login": "ada", "rate": True}

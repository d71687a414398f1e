"""The client packages that GitHub publishes, in small JavaScript actions, against the services of a local run."""

import re
from pathlib import Path
from typing import Any

import pytest

from tests.support.git_folders import git
from tests.support.npm_actions import NpmProject, job, jobs, results


@pytest.fixture(params=[20, 24], ids=["node20", "node24"])
def project(request: pytest.FixtureRequest, tmp_path: Path) -> NpmProject:
    return NpmProject(tmp_path / "app", request.param)


# --- artifacts -------------------------------------------------------------------------------------------------------

UPLOAD = """
    import {DefaultArtifactClient} from '@actions/artifact'
    const client = new DefaultArtifactClient()
    fs.mkdirSync('dist/deep', {recursive: true})
    fs.writeFileSync('dist/a.txt', 'first')
    fs.writeFileSync('dist/deep/b.txt', 'deep')
    const files = ['dist/a.txt', 'dist/deep/b.txt']
    const first = await client.uploadArtifact('dist', files, 'dist', {retentionDays: 3})
    show([first.size > 0, first.digest.length])
    show(await attempt(() => client.uploadArtifact('dist', files, 'dist')))
    fs.writeFileSync('dist/a.txt', 'second')
    show((await client.deleteArtifact('dist')).id === first.id)
    const second = await client.uploadArtifact('dist', files, 'dist')
    show(second.id > first.id)
    fs.writeFileSync('report.html', '<p>raw</p>')
    await client.uploadArtifact('ignored', ['report.html'], '.', {skipArchive: true})
    await client.uploadArtifact('logs-1', ['dist/a.txt'], 'dist')
"""
DOWNLOAD = """
    import {DefaultArtifactClient} from '@actions/artifact'
    const client = new DefaultArtifactClient()
    const {artifacts} = await client.listArtifacts({latest: true})
    show(artifacts.map(each => each.name).sort())
    for (const {name, id, digest} of artifacts) {
        const done = await client.downloadArtifact(id, {path: `in/${name}`, expectedHash: digest})
        show([name, done.digestMismatch])
    }
    show(fs.readFileSync('in/dist/a.txt', 'utf8') + fs.readFileSync('in/dist/deep/b.txt', 'utf8'))
    show(fs.readFileSync('in/report.html/report.html', 'utf8'))
    show(await attempt(() => client.getArtifact('missing')))
    const [owner, name] = process.env.GITHUB_REPOSITORY.split('/')
    const findBy = {token: core.getInput('token'), workflowRunId: Number(process.env.GITHUB_RUN_ID),
                    repositoryOwner: owner, repositoryName: name}
    const found = await client.getArtifact('dist', {findBy})
    await client.downloadArtifact(found.artifact.id, {path: 'by-rest', findBy})
    show(fs.readFileSync('by-rest/a.txt', 'utf8'))
"""


def test_artifacts_travel_between_jobs(project: NpmProject) -> None:
    project.action("up", UPLOAD)
    project.action("down", DOWNLOAD)
    answer = project.run(jobs(up=job("uses: ./up"), down=job("uses: ./down", extra="needs: up")))
    assert answer.exit_code == 0, answer.describe()
    sizes, conflict, *rest = results(answer, "up")
    assert (sizes, rest) == ([True, 64], [True, True])
    assert "(409) Conflict: an artifact with this name already exists on the workflow run" in conflict
    names, *rest = results(answer, "down")
    assert names == ["dist", "logs-1", "report.html"]
    assert sorted(rest[:3]) == [["dist", False], ["logs-1", False], ["report.html", False]]
    assert rest[3:5] == ["seconddeep", "<p>raw</p>"]
    assert "Artifact not found for name: missing" in rest[5]
    assert rest[6] == "second"


LARGE = """
    import {DefaultArtifactClient} from '@actions/artifact'
    import * as crypto from 'node:crypto'
    const size = 200 * 1024 * 1024
    const data = crypto.createCipheriv('aes-128-ctr', Buffer.alloc(16), Buffer.alloc(16)).update(Buffer.alloc(size))
    fs.writeFileSync('large.bin', data)
    const client = new DefaultArtifactClient()
    const {id, digest, size: sent} = await client.uploadArtifact('large', ['large.bin'], '.', {compressionLevel: 0})
    show(sent > size)
    const done = await client.downloadArtifact(id, {path: 'back', expectedHash: `sha256:${digest}`})
    show(done.digestMismatch)
    show(Buffer.compare(fs.readFileSync('back/large.bin'), data))
"""


def test_200_megabytes_travel_in_parallel_blocks(project: NpmProject) -> None:
    project.action("large", LARGE)
    answer = project.run(jobs(one=job("uses: ./large")))
    assert results(answer) == [True, False, 0], answer.describe()


# --- caches ----------------------------------------------------------------------------------------------------------

CACHE = """
    import * as cache from '@actions/cache'
    if (core.getInput('protocol') === 'v1') delete process.env.ACTIONS_CACHE_SERVICE_V2
    fs.mkdirSync('kept', {recursive: true})
    fs.writeFileSync('kept/a.txt', core.getInput('content'))
    const key = core.getInput('key')
    const restore = (core.getInput('restore') || '').split(' ').filter(each => each)
    const hit = await cache.restoreCache(['kept'], key, restore)
    show([hit ?? 'miss', fs.readFileSync('kept/a.txt', 'utf8')])
    if (core.getInput('save') === 'yes') show(await attempt(() => cache.saveCache(['kept'], key)) > 0)
"""
CACHE_INPUTS = "protocol: {default: v2}\ncontent: {default: new}\nkey: {required: true}\nrestore: {}\nsave: {}"


def cached(**inputs: str) -> str:
    given = ", ".join(f"{name}: '{value}'" for name, value in inputs.items())
    return f"{{uses: ./cached, with: {{{given}}}}}"


@pytest.mark.parametrize("protocol", ["v2", "v1"])
def test_a_cache_is_missed_then_hit_exactly_and_by_prefix(project: NpmProject, protocol: str) -> None:
    project.action("cached", CACHE, inputs=CACHE_INPUTS)
    steps = [
        cached(key="lib-1", restore="lib-", save="yes", content="one", protocol=protocol),
        cached(key="lib-1", protocol=protocol),
        cached(key="lib-2", restore="other- lib-", protocol=protocol),
        cached(key="lib-2", protocol=protocol),
        cached(key="lib-1", save="yes", protocol=protocol),
        cached(key="lib", protocol=protocol),
    ]
    answer = project.run(jobs(one=job(*steps)))
    hit, by_key_as_prefix = ["lib-1", "one"], ["lib-1", "one"]
    assert results(answer) == [["miss", "one"], True, hit, hit, ["miss", "new"], hit, False, by_key_as_prefix], (
        answer.describe()
    )
    assert any("Failed to save: Unable to reserve cache with key lib-1" in line for line in answer.lines())


def test_a_branch_sees_the_default_branch_and_not_its_neighbour(project: NpmProject) -> None:
    project.action("cached", CACHE, inputs=CACHE_INPUTS)
    on_main = project.run(jobs(one=job(cached(key="shared", save="yes", content="main"))))
    git(project.folder, "switch", "-q", "-c", "feature")
    steps = [cached(key="shared"), cached(key="own", save="yes", content="feature")]
    on_feature = project.run(jobs(one=job(*steps)))
    git(project.folder, "switch", "-q", "main")
    back_on_main = project.run(jobs(one=job(cached(key="own", restore="ow"))))
    git(project.folder, "switch", "-q", "-c", "other")
    on_other = project.run(jobs(one=job(cached(key="own"), cached(key="shared"))))
    assert results(on_main) == [["miss", "main"], True], on_main.describe()
    assert results(on_feature) == [["shared", "main"], ["miss", "feature"], True]
    assert results(back_on_main) == [["miss", "new"]]
    assert results(on_other) == [["miss", "new"], ["shared", "main"]]


RACE = """
    import * as cache from '@actions/cache'
    const me = process.env.GITHUB_JOB
    fs.mkdirSync('kept')
    for (let number = 0; number < 40; number++) fs.writeFileSync(`kept/${number}`, me.repeat(100000))
    const saves = await Promise.all([1, 2].map(() => cache.saveCache(['kept'], 'race')))
    show(saves.filter(id => id > 0).length)
    fs.rmSync('kept', {recursive: true})
    // the others may not be done yet: all of it, or nothing
    if (await cache.restoreCache(['kept'], 'race')) {
        show(new Set(fs.readdirSync('kept').map(name => fs.readFileSync(`kept/${name}`, 'utf8'))).size)
    }
"""


def test_of_jobs_that_save_one_key_exactly_one_does_and_nobody_sees_half_of_it(project: NpmProject) -> None:
    project.action("race", RACE)
    racing = {name: job("uses: ./race") for name in ("a", "b", "c")}
    last = job("uses: ./cached", extra="needs: [a, b, c]")
    project.action(
        "cached",
        """
        import * as cache from '@actions/cache'
        show(await cache.restoreCache(['kept'], 'race'))
        show(new Set(fs.readdirSync('kept').map(name => fs.readFileSync(`kept/${name}`, 'utf8'))).size)
        """,
    )
    answer = project.run(jobs(**racing, last=last), "--parallel", "3")
    saved = [results(answer, name)[0] for name in racing]
    assert sum(saved) == 1, answer.describe()
    assert all(shown[1:] in ([], [1]) for shown in (results(answer, name) for name in racing))
    assert results(answer, "last") == ["race", 1]


# --- identity --------------------------------------------------------------------------------------------------------

IDENTITY = """
    import * as crypto from 'node:crypto'
    const decode = part => JSON.parse(Buffer.from(part, 'base64url'))
    const token = await core.getIDToken('the index')
    const [head, body, signature] = token.split('.')
    const origin = new URL(process.env.ACTIONS_ID_TOKEN_REQUEST_URL).origin
    const about = await (await fetch(`${origin}/.well-known/openid-configuration`)).json()
    const {keys} = await (await fetch(about.jwks_uri)).json()
    const jwk = keys.find(each => each.kid === decode(head).kid)
    const check = data => crypto.verify('RSA-SHA256', Buffer.from(data), crypto.createPublicKey({key: jwk, format: 'jwk'}),
                                        Buffer.from(signature, 'base64url'))
    show([decode(head).alg, check(`${head}.${body}`), check(`${head}.${body}x`), about.issuer === decode(body).iss])
    show(decode(body))
    console.log(`the token is ${token}`)
"""


def identity_claims(project: NpmProject, head: str, *options: str, extra: str = "") -> dict[str, Any]:
    answer = project.run(jobs(who=job("uses: ./identity", extra=extra)), *options, head=head)
    assert answer.exit_code == 0, answer.describe()
    checked, claims = results(answer)
    assert checked == ["RS256", True, False, True]
    assert "the token is ***" in answer.lines("who")
    found: dict[str, Any] = claims
    return found


def test_an_identity_token_says_who_the_job_is_and_can_be_checked(project: NpmProject) -> None:
    project.action("identity", IDENTITY)
    claims = identity_claims(project, "permissions: {id-token: write}")
    assert claims["sub"] == "repo:octo/app:ref:refs/heads/main"
    assert claims["aud"] == "the index"
    assert claims["iss"] == "https://homeport.invalid"
    assert claims["job_workflow_ref"] == "octo/app/.github/workflows/ci.yml@refs/heads/main"
    assert claims["repository_id"].isdigit()
    assert claims["nbf"] < claims["iat"] < claims["exp"]
    assert not any("localhost" in str(value) or "127.0.0.1" in str(value) for value in claims.values())
    in_environment = identity_claims(project, "permissions: {id-token: write}", extra="environment: production")
    assert in_environment["sub"] == "repo:octo/app:environment:production"
    assert in_environment["environment"] == "production"


def test_the_issuer_is_a_setting(tmp_path: Path) -> None:
    project = NpmProject(tmp_path / "app", 20)
    project.action(
        "identity", "show(JSON.parse(Buffer.from((await core.getIDToken()).split('.')[1], 'base64url')).iss)"
    )
    written, head = jobs(who=job("uses: ./identity")), "permissions: {id-token: write, contents: read}"
    answer = project.run(written, head=head, env={"HOMEPORT_ISSUER": "https://ci.example.com/"})
    assert results(answer) == ["https://ci.example.com"], answer.describe()
    wrong = project.run(written + "\n# again", head=head, env={"HOMEPORT_ISSUER": "ci.example.com"})
    assert "HOMEPORT_ISSUER is no address, expected https://…" in str(wrong.job("who")["reason"])
    missing = project.run(written + "\n# more", head=head, env={"HOMEPORT_ISSUER_KEY": "missing.pem"})
    assert "missing.pem" in str(missing.job("who")["reason"])


def test_without_the_permission_there_is_no_identity_token(project: NpmProject) -> None:
    project.action("identity", "show(await attempt(() => core.getIDToken()))")
    answer = project.run(jobs(who=job("uses: ./identity", 'run: echo "[$ACTIONS_ID_TOKEN_REQUEST_URL]"')))
    assert "Unable to get ACTIONS_ID_TOKEN_REQUEST_URL env variable" in results(answer)[0]
    assert "[]" in answer.lines("who")


ASK = """
import json, os, urllib.request
token = os.environ["ACTIONS_ID_TOKEN_REQUEST_TOKEN"]
address = os.environ["ACTIONS_ID_TOKEN_REQUEST_URL"] + "&audience=a"
request = urllib.request.Request(address, headers={"Authorization": "bearer " + token})
print("parts", json.load(urllib.request.urlopen(request))["value"].count("."), token)
"""


def test_a_plain_command_may_ask_for_an_identity_token(tmp_path: Path) -> None:
    project = NpmProject(tmp_path / "app", 20)
    (project.folder / "ask.py").write_text(ASK)
    answer = project.run(
        jobs(who=job("run: python3 ask.py", 'run: echo "[$ACTIONS_RUNTIME_TOKEN]"')),
        head="permissions: {id-token: write, contents: read}",
    )
    assert "parts 2 ***" in answer.lines("who"), answer.describe()
    assert "[]" in answer.lines("who")


# --- the tool cache and the REST interface ---------------------------------------------------------------------------

TOOLS = """
    import * as tools from '@actions/tool-cache'
    show(tools.find('thing', '1.x'))
    fs.mkdirSync('thing')
    fs.writeFileSync('thing/run', '#!/bin/sh')
    const folder = await tools.cacheDir('thing', 'thing', '1.2.3')
    show(folder.endsWith('/thing/1.2.3/x64') || folder.endsWith('/thing/1.2.3/arm64'))
    show([tools.find('thing', '1.x') === folder, tools.findAllVersions('thing')])
"""


def test_a_tool_that_was_kept_is_found(project: NpmProject) -> None:
    project.action("tools", TOOLS)
    answer = project.run(jobs(one=job("uses: ./tools")))
    assert results(answer) == ["", True, [True, ["1.2.3"]]], answer.describe()


REST = """
    import * as github from '@actions/github'
    import {DefaultArtifactClient} from '@actions/artifact'
    fs.writeFileSync('a.txt', 'a')
    for (const name of ['one', 'two']) await new DefaultArtifactClient().uploadArtifact(name, ['a.txt'], '.')
    const {rest, paginate} = github.getOctokit(core.getInput('token'))
    const here = {...github.context.repo, run_id: github.context.runId}
    const list = await paginate(rest.actions.listWorkflowRunArtifacts, {...here, per_page: 1})
    show(list.map(each => each.name).sort())
    show((await rest.actions.getArtifact({...here, artifact_id: list[0].id})).data.name === list[0].name)
    show((await rest.actions.deleteArtifact({...here, artifact_id: list[0].id})).status)
    show((await rest.actions.listWorkflowRunArtifacts(here)).data.total_count)
    show((await rest.repos.get(github.context.repo)).data.default_branch)
    const run = (await rest.actions.getWorkflowRun(here)).data
    show([run.id === here.run_id, run.status, run.conclusion, run.head_branch, run.event])
    const [job] = (await rest.actions.listJobsForWorkflowRun(here)).data.jobs
    show([job.name, job.status, job.steps.at(-1).status])
    show((await rest.actions.getJobForWorkflowRun({...here, job_id: job.id})).data.id === job.id)
    show(await attempt(() => rest.issues.create({...here, title: 'x'})))
    show(await attempt(() => rest.repos.get({owner: 'octo', repo: 'other'})))
    show(await attempt(() => github.getOctokit('wrong').rest.repos.get(github.context.repo)))
"""


def test_octokit_sees_the_run_and_is_told_what_is_not_offered(project: NpmProject) -> None:
    project.action("rest", REST)
    answer = project.run(jobs(one=job("uses: ./rest")))
    shown = results(answer)
    assert shown[:8] == [
        ["one", "two"],
        True,
        204,
        1,
        "main",
        [True, "in_progress", None, "main", "push"],
        ["one", "in_progress", "in_progress"],
        True,
    ], answer.describe()
    assert "Homeport does not offer POST /repos/octo/app/issues to local runs." in shown[8]
    assert "--secret GITHUB_TOKEN" in shown[8]
    assert "Only octo/app is offered to this run." in shown[9]
    assert "Bad credentials" in shown[10]


def test_permissions_bind_the_local_token(tmp_path: Path) -> None:
    project = NpmProject(tmp_path / "app", 20)
    project.action(
        "rest",
        """
        import * as github from '@actions/github'
        const {rest} = github.getOctokit(core.getInput('token'))
        const here = {...github.context.repo, run_id: github.context.runId}
        show(await attempt(() => rest.actions.listWorkflowRunArtifacts(here)))
        """,
    )
    answer = project.run(jobs(one=job("uses: ./rest")), head="permissions: {contents: read}")
    assert "needs `permissions: actions: read`" in results(answer)[0]


# --- where the services are, and who knows of them -------------------------------------------------------------------

ADDRESSES = """
    const shown = ['GITHUB_SERVER_URL', 'GITHUB_API_URL', 'ACTIONS_CACHE_URL', 'ACTIONS_RESULTS_URL']
    show(shown.map(name => process.env[name].replace(/:[0-9]+/, ':PORT')))
    show([core.getInput('token').startsWith('homeport_'), process.env.ACTIONS_ORCHESTRATION_ID])
    console.log(`tokens ${core.getInput('token')} ${process.env.ACTIONS_RUNTIME_TOKEN}`)
"""


def test_without_a_token_of_the_users_actions_call_this_machine(project: NpmProject) -> None:
    project.action("show", ADDRESSES)
    answer = project.run(jobs(one=job("uses: ./show", 'run: echo "$GITHUB_SERVER_URL ${{ github.api_url }}"')))
    loopback = "http://127.0.0.1:PORT"
    assert results(answer)[0] == ["https://github.com", f"{loopback}/api/v3", f"{loopback}/", f"{loopback}/"]
    assert results(answer)[1][0] is True
    assert results(answer)[1][1].endswith(".one.__default")
    (tokens,) = [line for line in answer.lines("one") if line.startswith("tokens ")]
    assert re.fullmatch(r"tokens \*\*\* [\w-]+\.[\w-]+\.\*\*\*", tokens), "a token without its signature is none"
    assert "https://github.com https://api.github.com" in answer.lines("one")


def test_with_a_token_of_the_users_actions_call_the_forge(tmp_path: Path) -> None:
    project = NpmProject(tmp_path / "app", 20)
    project.action("show", ADDRESSES)
    answer = project.run(
        jobs(one=job("uses: ./show")), "--secret", "GITHUB_TOKEN", env={"GITHUB_TOKEN": "a-token-of-a-person"}
    )
    assert results(answer)[0][1] == "https://api.github.com", answer.describe()
    assert results(answer)[1][0] is False


def test_a_server_that_the_clients_take_for_an_enterprises_own_is_called_otherwise(project: NpmProject) -> None:
    git(project.folder, "remote", "set-url", "origin", "https://git.example.com/octo/app.git")
    project.action("show", ADDRESSES)
    project.action("up", UPLOAD)
    answer = project.run(
        jobs(one=job("uses: ./show", "uses: ./up", 'run: echo "$GITHUB_SERVER_URL ${{ github.server_url }}"'))
    )
    assert answer.exit_code == 0, answer.describe()
    assert results(answer)[0][0] == "http://homeport.localhost:PORT"
    assert "https://git.example.com https://git.example.com" in answer.lines("one")


CLONE = """
    import {execFileSync} from 'node:child_process'
    const basic = Buffer.from(`x-access-token:${core.getInput('token')}`).toString('base64')
    const git = (...words) => execFileSync('git', words, {cwd: 'copy', encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe']}).trim()
    const header = `http.${process.env.GITHUB_SERVER_URL}/.extraheader=AUTHORIZATION: basic ${basic}`
    const from = name => `${process.env.GITHUB_SERVER_URL}/${name}`
    fs.mkdirSync('copy')
    git('init', '-q')
    const sha = process.env.GITHUB_SHA
    git('-c', header, 'fetch', '-q', '--depth=1', from('octo/app'), `+${sha}:refs/remotes/origin/main`)
    show(git('rev-parse', 'refs/remotes/origin/main') === sha)
    const fails = (...words) => { try { return git(...words) } catch (error) { return error.stderr } }
    show(fails('-c', header, 'fetch', from('octo/other')))
    show(fails('-c', header, 'push', from('octo/app'), 'refs/remotes/origin/main:refs/heads/x'))
    show(fails('-c', 'credential.helper=', '-c', 'core.askPass=true', 'fetch', from('octo/app')))
"""


def test_an_action_that_clones_is_served_the_runs_repository_and_no_other(project: NpmProject) -> None:
    project.action("clone", CLONE, inputs="github-server-url: {}")
    answer = project.run(jobs(one=job("uses: ./clone")))
    assert answer.exit_code == 0, answer.describe()
    fetched, other, pushed, stranger = results(answer)
    assert fetched is True
    assert "Homeport serves octo/app to this run, and not octo/other." in other
    assert "403" in pushed
    assert "Authentication failed" in stranger

"""PyGithub, unmodified, against a real server over HTTPS."""

import io
import ssl
import zipfile
from collections.abc import Iterator

import httpx
import pytest
from github import Auth, Github, GithubException, UnknownObjectException
from github.Repository import Repository

from tests.support.api import REPOSITORY, ApiServer, serving_api
from tests.support.serve import wait_until


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    with serving_api(tmp_path_factory.mktemp("pygithub")) as server:
        yield server


@pytest.fixture
def client(api: ApiServer) -> Iterator[Github]:
    with connect(api, api.token) as client:
        yield client


@pytest.fixture
def repository(client: Github) -> Repository:
    return client.get_repo(REPOSITORY)


def connect(api: ApiServer, token: str) -> Github:
    return Github(base_url=api.api, auth=Auth.Token(token), verify=str(api.certificate), retry=None)


def test_it_knows_itself_and_its_repositories(client: Github, repository: Repository) -> None:
    assert client.get_user().login == "ada"
    assert [each.full_name for each in client.get_user().get_repos()] == [REPOSITORY]
    assert (repository.owner.login, repository.private, repository.default_branch) == ("acme", True, "main")
    assert repository.permissions.admin
    assert client.get_rate_limit().rate.remaining > 0


def test_runs_jobs_and_steps(repository: Repository) -> None:
    run = repository.get_workflow_run(1)
    assert (run.name, run.event, run.status, run.conclusion) == ("CI", "push", "completed", "failure")
    assert run.head_commit.message == "A change"
    assert run.actor.login == "ada"
    assert 1 in {
        each.id for each in repository.get_workflow_runs(branch=repository.get_branch("main"), status="failure")
    }
    jobs = {job.name: job for job in run.jobs()}
    assert jobs["test (3.12)"].conclusion == "failure"
    assert [step.name for step in jobs["build"].steps if step.name.startswith("Say")] == ["Say / something"]
    assert jobs["build"].logs_url().startswith("https://")
    assert (run.timing().run_duration_ms or 0) > 0
    assert repository.get_workflow_run(1).run_attempt == 1


def test_artifacts(api: ApiServer, repository: Repository) -> None:
    (artifact,) = repository.get_workflow_run(1).get_artifacts()
    assert (artifact.name, artifact.expired, artifact.workflow_run.id) == ("dist", False, 1)
    assert repository.get_artifact(artifact.id).size_in_bytes == artifact.size_in_bytes
    _, headers, _ = repository.requester.requestBlob("GET", artifact.archive_download_url)
    address = headers["location"].removeprefix(api.server.url)
    _, _, body = repository.requester.requestBlob("GET", f"{api.server.url}{address}")
    assert body is not None
    assert len(list(repository.get_artifacts(name="dist"))) >= 2
    assert list(repository.get_artifacts(name="nothing")) == []


def test_workflows_are_found_switched_and_started(api: ApiServer, repository: Repository) -> None:
    workflow = repository.get_workflow("ci.yml")
    assert repository.get_workflow(workflow.id).path == ".github/workflows/ci.yml"
    assert {each.name for each in repository.get_workflows()} == {"CI", "Slow"}
    assert workflow.disable()
    assert repository.get_workflow("ci.yml").state == "disabled_manually"
    assert workflow.enable()
    known = workflow.get_runs()[0].id
    assert workflow.create_dispatch("main", {"fail": "true"})
    run = api.await_newest("ci.yml", known)
    api.await_run(run["id"])
    started = repository.get_workflow_run(run["id"])
    assert (started.event, started.conclusion) == ("workflow_dispatch", "failure")
    assert started.rerun_failed_jobs()
    assert api.await_run(run["id"], attempt=2)["run_attempt"] == 2
    assert started.rerun()
    assert api.await_run(run["id"], attempt=3)["run_attempt"] == 3
    assert started.delete()
    with pytest.raises(UnknownObjectException):
        repository.get_workflow_run(run["id"])


def test_a_run_is_cancelled(api: ApiServer, repository: Repository) -> None:
    known = max(each.id for each in repository.get_workflow_runs())
    repository.get_workflow("slow.yml").create_dispatch("main")
    run = repository.get_workflow_run(api.await_newest("slow.yml", known)["id"])
    wait_until(lambda: repository.get_workflow_run(run.id).status == "in_progress")
    assert run.cancel()
    assert api.await_run(run.id)["conclusion"] == "cancelled"


def test_secrets_and_variables(repository: Repository) -> None:
    secret = repository.create_secret("API_KEY", "hush")
    assert [each.name for each in repository.get_secrets()] == ["API_KEY"]
    assert repository.get_secret("API_KEY").name == secret.name
    assert repository.delete_secret("API_KEY")
    variable = repository.create_variable("SIZE", "1")
    assert variable.edit("2")
    assert repository.get_variable("SIZE").value == "2"
    assert [each.name for each in repository.get_variables()] == ["SIZE"]
    assert repository.delete_variable("SIZE")
    environment = repository.create_environment("prod")
    environment.create_secret("DEPLOY_KEY", "hush")
    environment.create_variable("REGION", "eu")
    assert [each.name for each in environment.get_secrets()] == ["DEPLOY_KEY"]
    assert environment.get_variable("REGION").value == "eu"
    assert [each.name for each in repository.get_environments()] == ["prod"]


def test_secrets_and_variables_of_an_organisation(client: Github, repository: Repository) -> None:
    acme = client.get_organization("acme")
    assert (acme.login, [each.full_name for each in acme.get_repos()]) == ("acme", [REPOSITORY])
    with pytest.raises(UnknownObjectException):
        client.get_organization("nobody")
    acme.create_secret("SHARED", "hush", visibility="selected", selected_repositories=[repository])
    acme.create_variable("SIZE", "1", visibility="selected", selected_repositories=[repository])
    for entry in (acme.get_secret("SHARED"), acme.get_variable("SIZE")):
        assert [each.full_name for each in entry.selected_repositories] == [REPOSITORY]
        assert entry.remove_repo(repository)
        assert entry.selected_repositories.totalCount == 0
        assert entry.add_repo(repository)
        assert entry.edit("2", "all")
    with pytest.raises(GithubException) as for_all:
        acme.requester.requestJsonAndCheck("PUT", f"{acme.url}/actions/secrets/SHARED/repositories/{repository.id}")
    assert for_all.value.status == 409
    assert ([each.name for each in acme.get_secrets()], acme.get_variable("SIZE").value) == (["SHARED"], "2")
    acme.get_secret("SHARED").delete()
    acme.get_variable("SIZE").delete()
    assert [*acme.get_secrets(), *acme.get_variables()] == []


def test_secrets_of_update_bots_are_others(repository: Repository) -> None:
    repository.create_secret("FEED", "hush", secret_type="dependabot")
    assert [each.name for each in repository.get_secrets("dependabot")] == ["FEED"]
    assert "FEED" not in {each.name for each in repository.get_secrets()}
    assert repository.delete_secret("FEED", secret_type="dependabot")


def test_statuses_and_checks(api: ApiServer, repository: Repository) -> None:
    commit = repository.get_commit(api.sha)
    assert commit.commit.author.name == "Ada"
    made = commit.create_status("failure", "https://lint.example.com", "two remarks", "lint")
    assert (made.creator.login, made.context) == ("ada", "lint")
    assert commit.get_combined_status().state == "failure"
    assert "lint" in {each.context for each in commit.get_statuses()}
    checks = {check.name: check for check in commit.get_check_runs() if check.check_suite.id == 1}
    assert checks["test (3.12)"].conclusion == "failure"
    (annotation,) = checks["build"].get_annotations()
    assert (annotation.path, annotation.message) == ("app.py", "This is old")
    assert {suite.id for suite in commit.get_check_suites()} >= {1, 2}


def test_files_and_refs(api: ApiServer, repository: Repository) -> None:
    content = repository.get_contents("app.py", ref="v1")
    assert not isinstance(content, list)
    assert content.decoded_content == b"a\nb\nc\n"
    assert {entry.name for entry in repository.get_contents("")} == {".github", "app.py"}  # type: ignore[union-attr]
    assert repository.get_branch("main").commit.sha == api.sha
    assert repository.get_git_ref("heads/main").object.sha == api.sha
    assert [tag.name for tag in repository.get_tags()] == ["v1"]
    assert repository.get_commits()[0].sha == api.sha


def test_refusals_are_told_as_githubs(api: ApiServer, repository: Repository) -> None:
    with connect(api, "hpt_wrong") as stranger, pytest.raises(GithubException) as refused:
        stranger.get_repo(REPOSITORY)
    assert refused.value.status == 401
    with connect(api, api.person("mallory")) as stranger, pytest.raises(UnknownObjectException):
        stranger.get_repo(REPOSITORY)
    with connect(api, api.person("rita", roles={REPOSITORY: "reader"})) as reader, pytest.raises(GithubException) as no:
        reader.get_repo(REPOSITORY).get_workflow("ci.yml").create_dispatch("main", throw=True)
    assert no.value.status == 403


def test_logs_are_a_zip(api: ApiServer, repository: Repository) -> None:
    answer = api.send("GET", repository.get_workflow_run(1).logs_url.removeprefix(api.api))
    context = ssl.create_default_context(cafile=str(api.certificate))
    names = zipfile.ZipFile(io.BytesIO(httpx.get(answer.headers["location"], verify=context).content)).namelist()
    assert any(name.startswith("build/") and "Say  something" in name for name in names)

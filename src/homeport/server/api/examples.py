"""An example of everything that the interface answers and takes: made by what makes the answers, so that it cannot be another shape."""

from base64 import b64encode
from datetime import UTC, datetime, timedelta
from typing import Any

from homeport.event import Commit as StoredCommit
from homeport.event import Signature
from homeport.ports.artifacts import Artifact as StoredArtifact
from homeport.ports.caches import CacheEntry
from homeport.ports.run_entries import CommitEntry, JobEntry, PersonEntry, RepositoryEntry, RunEntry, StepEntry
from homeport.rest import artifacts as artifact_shapes
from homeport.rest import checks as check_shapes
from homeport.rest import commits as commit_shapes
from homeport.rest import jobs as job_shapes
from homeport.rest import repositories as repository_shapes
from homeport.rest import runs as run_shapes
from homeport.rest import users as user_shapes
from homeport.rest.links import Links, format_time
from homeport.run.facts import AnnotationRaised
from homeport.server.api import (
    dispatches,
    environments,
    making_checks,
    meta,
    operations,
    secrets,
    sharing,
    statuses,
    usage,
    variables,
)
from homeport.server.api.answers import Empty
from homeport.server.sealed_values import PublicKeyEntry

_LINKS = Links("https://ci.example.com/api/v3", "https://ci.example.com")
_AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
_TEXT = format_time(_AT)
_SHA, _TREE, _FILE = "5f2c7a9e" * 5, "0b1d3e4f" * 5, "9a8b7c6d" * 5
_ADA = PersonEntry("ada", 1)
_REPOSITORY = RepositoryEntry(id=1, owner=PersonEntry("acme", 7, "Organization"), name="shop")
_CI = ".github/workflows/ci.yml"
_COMMIT = CommitEntry(
    sha=_SHA,
    tree=_TREE,
    message="Sell tea",
    timestamp=_TEXT,
    author_name="Ada",
    author_email="ada@example.com",
    committer_name="Ada",
    committer_email="ada@example.com",
)
_RUN = RunEntry(
    id=42,
    attempt=1,
    number=17,
    workflow=_CI,
    workflow_id=3,
    workflow_name="CI",
    title="Sell tea",
    event="push",
    status="completed",
    conclusion="success",
    head_branch="main",
    head_sha=_SHA,
    actor=_ADA,
    triggering_actor=_ADA,
    created_at=_AT,
    started_at=_AT,
    updated_at=_AT + timedelta(seconds=9),
    head_commit=_COMMIT,
)
_JOB = JobEntry(
    id=420100001,
    key="build",
    name="build",
    status="completed",
    conclusion="success",
    created_at=_AT,
    started_at=_AT,
    completed_at=_AT + timedelta(seconds=9),
    labels=("ubuntu-latest",),
    runner="ci.example.com",
    steps=(
        StepEntry(
            number=1,
            name="Run make",
            status="completed",
            conclusion="success",
            started_at=_AT,
            completed_at=_AT + timedelta(seconds=8),
        ),
    ),
)
_STORED_COMMIT = StoredCommit(
    _SHA,
    _TREE,
    (),
    Signature("Ada", "ada@example.com", _TEXT),
    Signature("Ada", "ada@example.com", _TEXT),
    "Sell tea",
)
_ARTIFACT = StoredArtifact(
    id="5",
    run="42",
    attempt=1,
    job="build",
    name="dist",
    size=1024,
    digest="sha256:" + "0" * 64,
    created_at=_AT,
    expires_at=_AT + timedelta(days=90),
)
_CACHE = CacheEntry(key="pip-linux", version="1", scope="refs/heads/main", size=4096, created_at=_AT)
_ANNOTATION = AnnotationRaised(
    at=_AT, run="42", job="build", step="make", severity="warning", message="tea is cold", file="tea.py", line=3
)


def _answers() -> tuple[object, ...]:
    run = run_shapes.show_run(_RUN, _REPOSITORY, _LINKS)
    job = job_shapes.show_job(_JOB, _RUN, _REPOSITORY, _LINKS)
    workflow = run_shapes.show_workflow(
        _REPOSITORY,
        _LINKS,
        number=3,
        path=_CI,
        name="CI",
        state="active",
        created_at=_TEXT,
        updated_at=_TEXT,
    )
    of_run = artifact_shapes.ArtifactRun(
        id=42, repository_id=1, head_repository_id=1, head_branch="main", head_sha=_SHA
    )
    artifact = artifact_shapes.show_artifact(_ARTIFACT, of_run, _REPOSITORY.full_name, _LINKS)
    check = check_shapes.show_check_run(_JOB, _RUN, _REPOSITORY, _LINKS, annotations=1, summary="# Built")
    suite = check_shapes.show_check_suite(_RUN, 1, _REPOSITORY, _LINKS)
    cache = artifact_shapes.show_cache(_CACHE, _AT)
    return (
        run,
        run_shapes.WorkflowRuns(1, (run,)),
        job,
        job_shapes.Jobs(1, (job,)),
        workflow,
        run_shapes.Workflows(1, (workflow,)),
        artifact,
        artifact_shapes.Artifacts(1, (artifact,)),
        artifact_shapes.Caches(1, (cache,)),
        artifact_shapes.CacheUsage(
            full_name=_REPOSITORY.full_name, active_caches_size_in_bytes=4096, active_caches_count=1
        ),
        check,
        check_shapes.CheckRuns(1, (check,)),
        suite,
        check_shapes.CheckSuites(1, (suite,)),
        check_shapes.show_annotation(_ANNOTATION, _SHA, _REPOSITORY.full_name, _LINKS),
        *_repository_answers(),
        *_setting_answers(),
    )


def _repository_answers() -> tuple[object, ...]:
    creator = user_shapes.show_user(_ADA, _LINKS)
    status: dict[str, Any] = {
        "id": 9,
        "node_id": "SC_OQ",
        "url": f"{_LINKS.api}/repos/acme/shop/statuses/{_SHA}",
        "avatar_url": creator.avatar_url,
        "state": "success",
        "description": "All is well",
        "target_url": "https://lint.example.com/1",
        "context": "lint",
        "created_at": _TEXT,
        "updated_at": _TEXT,
    }
    rights = repository_shapes.Permissions(admin=True, maintain=True, push=True, triage=True, pull=True)
    minimal = repository_shapes.show_repository(_REPOSITORY, _LINKS)
    return (
        repository_shapes.show_full_repository(_REPOSITORY, _LINKS, rights, since=_TEXT, pushed_at=_TEXT),
        user_shapes.show_full_user(_ADA, _LINKS, name="Ada", since=_TEXT, public_repositories=0),
        user_shapes.show_organization(_REPOSITORY.owner, _LINKS, since=_TEXT, public_repositories=0),
        statuses.ShownStatus(**status, creator=creator),
        statuses.CombinedStatus(
            state="success",
            statuses=(statuses.SimpleStatus(**status),),
            sha=_SHA,
            total_count=1,
            repository=minimal,
            commit_url=f"{_LINKS.api}/repos/acme/shop/commits/{_SHA}",
            url=f"{_LINKS.api}/repos/acme/shop/commits/{_SHA}/status",
        ),
        sharing.SelectedRepositories(1, (minimal,)),
        commit_shapes.show_commit(_STORED_COMMIT, _REPOSITORY, _LINKS),
        commit_shapes.show_ref("refs/heads/main", "commit", _SHA, _REPOSITORY, _LINKS),
        commit_shapes.show_short_branch("main", _SHA, _REPOSITORY, _LINKS),
        commit_shapes.show_branch("main", _STORED_COMMIT, _REPOSITORY, _LINKS),
        commit_shapes.show_tag("v1", _SHA, _REPOSITORY, _LINKS),
        commit_shapes.show_file("tea.py", _FILE, b"print('tea')\n", "main", _REPOSITORY, _LINKS),
        commit_shapes.show_entry("tea.py", "100644", "blob", _FILE, 13, "main", _REPOSITORY, _LINKS),
    )


def _setting_answers() -> tuple[object, ...]:
    secret = secrets.Secret(name="TOKEN", created_at=_TEXT, updated_at=_TEXT)
    variable = variables.Variable(name="COLOUR", value="blue", created_at=_TEXT, updated_at=_TEXT)
    environment = environments.Environment(
        id=2,
        node_id="EN_Mg",
        name="prod",
        url=f"{_LINKS.api}/repos/acme/shop/environments/prod",
        html_url=f"{_LINKS.site}/acme/shop/settings/environments",
        created_at=_TEXT,
        updated_at=_TEXT,
    )
    rate = meta.RateShown(limit=15_000, used=1, remaining=14_999, reset=1_772_370_000)
    return (
        secret,
        secrets.Secrets(1, (secret,)),
        PublicKeyEntry("568250167242549743", b64encode(bytes(32)).decode()),
        variable,
        variables.Variables(1, (variable,)),
        environment,
        environments.Environments(1, (environment,)),
        Empty(),
        usage.RunUsage(9000),
        usage.WorkflowUsage(),
        meta.Meta(verifiable_password_authentication=False, installed_version="3.14.0", homeport_version="1.0.0"),
        meta.RateOverview(resources=meta.RateResources(core=rate, search=rate, graphql=rate), rate=rate),
        {name: _LINKS.api + end for name, end in meta.ROOT.items()},
        meta.VERSION,
    )


def _requests() -> tuple[object, ...]:
    sealed = b64encode(bytes(64)).decode()
    return (
        dispatches.DispatchBody(ref="main", inputs={"fail": "false"}),
        dispatches.RepositoryDispatchBody(event_type="released", client_payload={"version": "1.2"}),
        environments.EnvironmentBody(),
        operations.RerunBody(enable_debug_logging=True),
        operations.RerunJobBody(enable_debug_logging=True, from_step=3),
        making_checks.NewCheckBody(name="lint", head_sha=_SHA, status="in_progress"),
        making_checks.ChangedCheckBody(
            conclusion="neutral", output=making_checks.OutputBody(title="Two remarks", summary="See the files.")
        ),
        secrets.SecretBody(encrypted_value=sealed, key_id="568250167242549743"),
        sharing.SelectedBody(selected_repository_ids=(1,)),
        statuses.StatusBody(state="success", target_url="https://lint.example.com/1", context="lint"),
        variables.NewVariable(name="COLOUR", value="blue"),
        variables.ChangedVariable(value="green"),
    )


EXAMPLES: dict[type, object] = {type(each): each for each in (*_answers(), *_requests())}
"""By the type of what is answered or taken; that of a list is a list of one."""

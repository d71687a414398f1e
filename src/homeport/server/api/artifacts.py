"""Artifacts: `/repos/{owner}/{repo}/actions/artifacts…` (docs: "REST API endpoints for artifacts").

A download is a redirect to a signed address of this server, good for some minutes; it needs no token, and says nothing else.
"""

from collections.abc import Sequence

from homeport.ports.artifacts import Artifact as StoredArtifact
from homeport.rest.artifacts import Artifact, ArtifactRun, Artifacts, show_artifact
from homeport.rest.entries import RunEntry
from homeport.server.api.answers import Answer, ApiRefusalError, Page
from homeport.server.api.call import Call, Permission
from homeport.server.api.endpoint import Endpoint, Nothing, endpoint
from homeport.server.api.runs import find_run

READ = Permission("reader", "actions")
WRITE = Permission("writer", "actions", "write")
_ARTIFACTS = "/repos/{owner}/{repo}/actions/artifacts"


class ArtifactsQuery(Page, frozen=True, kw_only=True):
    """What narrows the list."""

    name: str | None = None


def list_all(call: Call, query: ArtifactsQuery) -> Answer:
    """Those of all runs, the newest first."""
    return _page(call, query, *call.parts.reading.artifacts(call.repository, query.name, query.offset, query.size))


def list_of_run(call: Call, query: ArtifactsQuery) -> Answer:
    """Those of one run, all attempts, the newest first."""
    run = find_run(call).run
    stored = call.parts.artifacts.list(str(run.id))
    wanted = [(artifact, run) for artifact in stored if query.name in {None, artifact.name}]
    return _page(call, query, len(wanted), query.cut(sorted(wanted, key=lambda each: -int(each[0].id))))


def get(call: Call, _: Nothing) -> Answer:
    """One of them."""
    return Answer(body=_show(call, *_find(call)))


def download(call: Call, _: Nothing) -> Answer:
    """Leads to where it can be read."""
    if call.text("archive_format") != "zip":
        raise ApiRefusalError(410, "The only format is zip.")
    artifact, _run = _find(call)
    return Answer(status=302, headers={"location": call.parts.downloads.sign_artifact(call.links.site, artifact)})


def delete(call: Call, _: Nothing) -> Answer:
    """Remove one."""
    call.parts.artifacts.delete(_find(call)[0])
    return Answer(status=204)


def _find(call: Call) -> tuple[StoredArtifact, RunEntry]:
    found = call.parts.reading.find_artifact(call.repository, str(call.number("artifact_id")))
    return call.refuse_unknown() if found is None else found


def _page(call: Call, query: Page, total: int, shown: Sequence[tuple[StoredArtifact, RunEntry]]) -> Answer:
    return call.page(Artifacts(total, tuple(_show(call, *each) for each in shown)), query, total)


def _show(call: Call, artifact: StoredArtifact, run: RunEntry) -> Artifact:
    of_run = ArtifactRun(
        id=run.id,
        repository_id=call.repository.id,
        head_repository_id=call.repository.id,
        head_branch=run.head_branch,
        head_sha=run.head_sha,
    )
    return show_artifact(artifact, of_run, call.repository.full_name, call.links)


ENDPOINTS: tuple[Endpoint, ...] = (
    endpoint(
        "GET",
        _ARTIFACTS,
        "actions/list-artifacts-for-repo",
        "List the artifacts of a repository",
        list_all,
        ArtifactsQuery,
        permission=READ,
        answer=Artifacts,
    ),
    endpoint(
        "GET",
        "/repos/{owner}/{repo}/actions/runs/{run_id}/artifacts",
        "actions/list-workflow-run-artifacts",
        "List the artifacts of a run",
        list_of_run,
        ArtifactsQuery,
        permission=READ,
        answer=Artifacts,
    ),
    endpoint(
        "GET",
        f"{_ARTIFACTS}/{{artifact_id}}",
        "actions/get-artifact",
        "Get an artifact",
        get,
        Nothing,
        permission=READ,
        answer=Artifact,
    ),
    endpoint(
        "GET",
        f"{_ARTIFACTS}/{{artifact_id}}/{{archive_format}}",
        "actions/download-artifact",
        "Download an artifact: leads to a signed address",
        download,
        Nothing,
        permission=READ,
        status=302,
    ),
    endpoint(
        "DELETE",
        f"{_ARTIFACTS}/{{artifact_id}}",
        "actions/delete-artifact",
        "Delete an artifact",
        delete,
        Nothing,
        permission=WRITE,
        status=204,
    ),
)

"""Downloading and deleting artifacts: what a job has made is handed out as a file, and never shown as a page of this server."""

from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from homeport.ports.access import Role
from homeport.ports.artifacts import ZIP, Artifact, ArtifactStore
from homeport.ports.directory import HostedRepository, RepositoryDirectory
from homeport.ports.history import RunHistory
from homeport.server.audit import Audit
from homeport.server.auth import find_identity
from homeport.server.limits import client_address
from homeport.server.pages.forms import Typed, form_route
from homeport.server.pages.run_paths import RUN_PATH, find_repository, run_link

_HEADERS = {
    "content-security-policy": "sandbox",
    "x-content-type-options": "nosniff",
    "cache-control": "private, no-store",
}


class ArtifactFiles:
    """The routes of `…/runs/{run}/artifacts/{id}`."""

    def __init__(
        self, directory: RepositoryDirectory, history: RunHistory, artifacts: ArtifactStore, audit: Audit
    ) -> None:
        self._directory = directory
        self._history = history
        self._artifacts = artifacts
        self._audit = audit

    @property
    def routes(self) -> list[BaseRoute]:
        """For whoever may see the run; deleting is for writers."""
        path = f"{RUN_PATH}/artifacts/{{artifact}}"
        return [Route(path, self._download, methods=["GET"]), form_route(f"{path}/delete", self._delete)]

    def _download(self, request: Request) -> Response:
        _, artifact = self._find(request, "reader")
        is_zip = artifact.media_type == ZIP
        name = artifact.name if not is_zip or artifact.name.endswith(".zip") else f"{artifact.name}.zip"
        headers = {**_HEADERS, "content-disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}"}
        media_type = ZIP if is_zip else "application/octet-stream"
        return FileResponse(self._artifacts.archive_path(artifact), headers=headers, media_type=media_type)

    def _delete(self, request: Request, _: Typed) -> Response:
        repository, artifact = self._find(request, "writer")
        self._artifacts.delete(artifact)
        self._audit.note(
            find_identity(request).caller,
            "artifact.deleted",
            f"{repository.full_name} run {artifact.run} {artifact.name}",
            address=client_address(request.scope),
        )
        return RedirectResponse(f"{run_link(repository, artifact.run)}?done=removed", 303)

    def _find(self, request: Request, role: Role) -> tuple[HostedRepository, Artifact]:
        repository = find_repository(request, self._directory, role)
        run = str(request.path_params["run"])
        known = self._history.get(run)
        wanted = request.path_params["artifact"]
        if known is None or known.repository_id != repository.id:
            raise HTTPException(404, "Not Found")
        found = next((one for one in self._artifacts.list(run) if one.id == wanted), None)
        if found is None:
            raise HTTPException(404, "Not Found")
        return repository, found

"""Badges: how a workflow's newest completed run on a branch ended, and how much of the code its tests covered.

Source: GitHub docs, "Adding a workflow status badge" (`…/actions/workflows/FILE/badge.svg`, with `branch` and `event`).
"""

from hashlib import sha256

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from homeport.ports.artifacts import ArtifactStore
from homeport.ports.directory import HostedRepository, RepositoryDirectory
from homeport.ports.events import KnownWorkflow, WorkflowRegistry
from homeport.ports.history import RunFilter, RunHistory
from homeport.server.auth import find_caller, refuse
from homeport.server.badge_image import Tone, draw_badge
from homeport.server.badge_key import BadgeKey
from homeport.server.coverage_records import read_coverage
from homeport.server.parts import ServerParts
from homeport.server.problems import answer_problem
from homeport.store.artifacts_folder import FolderArtifacts

_COVERAGE = "coverage"
_RUNS_LOOKED_AT = 25
"""so many of the newest runs of a branch are asked for a coverage report"""
_WORDS: dict[str, tuple[str, Tone]] = {
    "success": ("passing", "success"),
    "failure": ("failing", "failure"),
    "cancelled": ("cancelled", "neutral"),
    "skipped": ("skipped", "neutral"),
}
_NOTHING: tuple[str, Tone] = ("no status", "neutral")
_HEADERS = {
    "cache-control": "no-cache, max-age=0, must-revalidate",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'",
    "x-content-type-options": "nosniff",
}


class Badges:
    """The routes. What does not exist for the caller is 404, as everywhere."""

    def __init__(
        self,
        directory: RepositoryDirectory,
        workflows: WorkflowRegistry,
        history: RunHistory,
        artifacts: ArtifactStore,
        key: BadgeKey,
    ) -> None:
        self._directory = directory
        self._workflows = workflows
        self._history = history
        self._artifacts = artifacts
        self._key = key

    @property
    def routes(self) -> list[BaseRoute]:
        """Before those of pages."""
        return [
            Route("/badge/{owner}/{repo}/{name}.svg", self.answer),
            Route("/{owner}/{repo}/actions/workflows/{name}/badge.svg", self.answer),
        ]

    async def answer(self, request: Request) -> Response:
        """One badge. `branch` (default: the repository's), `event`, `label`; `key` for a private repository."""
        owner, repo, name = (request.path_params[part] for part in ("owner", "repo", "name"))
        repository = await run_in_threadpool(self._directory.find, f"{owner}/{repo}")
        if repository is None:
            return answer_problem(request.url.path, 404)
        query = request.query_params
        caller = await find_caller(request)
        if not (caller.may("reader", repository) or self._key.is_good(repository, query.get("key", ""))):
            raise refuse(request, 404, "Not Found", repository.full_name)
        branch = query.get("branch") or repository.default_branch
        found = await run_in_threadpool(self._find, repository, name, branch, query.get("event", ""))
        if found is None:
            return answer_problem(request.url.path, 404, f"there is no workflow {name}")
        label, message, tone = found
        return _answer_image(request, draw_badge(query.get("label") or label, message, tone))

    def _find(self, repository: HostedRepository, name: str, branch: str, event: str) -> tuple[str, str, Tone] | None:
        workflow = self._find_workflow(repository, name)
        if workflow is not None:
            run = self._history.latest(repository.id, workflow.path, branch, event=event, completed=True)
            message, tone = _NOTHING if run is None else _WORDS.get(run.entry.conclusion or "", _NOTHING)
            return workflow.name, message, tone
        return self._find_coverage(repository, branch, event) if name == _COVERAGE else None

    def _find_workflow(self, repository: HostedRepository, name: str) -> KnownWorkflow | None:
        """By its file's name, also without the ending."""
        for file in (name,) if name.endswith((".yml", ".yaml")) else (f"{name}.yml", f"{name}.yaml"):
            found = self._workflows.find(repository.id, file)
            if found is not None:
                return found
        return None

    def _find_coverage(self, repository: HostedRepository, branch: str, event: str) -> tuple[str, str, Tone]:
        """Of the newest run of the branch that has kept a report."""
        wanted = RunFilter(repositories=(repository.id,), branch=branch, event=event)
        for run in self._history.find(wanted, limit=_RUNS_LOOKED_AT).runs:
            covered = read_coverage(self._artifacts, run.id)
            if covered is not None:
                tone: Tone = "success" if covered >= 80 else "middling" if covered >= 50 else "failure"
                return _COVERAGE, f"{int(covered)}%", tone  # rounded down: 100 is all of it
        return _COVERAGE, "unknown", "neutral"


def _answer_image(request: Request, image: str) -> Response:
    tag = f'"{sha256(image.encode()).hexdigest()[:32]}"'
    headers = {**_HEADERS, "etag": tag}
    if tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(image, headers=headers, media_type="image/svg+xml")


def routes(parts: ServerParts) -> list[BaseRoute]:
    """Badges of all repositories."""
    artifacts = FolderArtifacts(parts.folder.path, parts.clock)
    workflows = parts.happenings.workflows
    return Badges(parts.directory, workflows, parts.history, artifacts, parts.results.badge_key).routes

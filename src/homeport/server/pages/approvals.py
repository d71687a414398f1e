"""Runs of pull requests from forks that wait for a maintainer: what would run, and the two answers."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute

from homeport.ports.approvals import HeldRun
from homeport.ports.directory import HostedRepository, RepositoryDirectory
from homeport.server.auth import find_identity
from homeport.server.forks import ApprovalError, Forks
from homeport.server.limits import client_address
from homeport.server.pages.forms import Typed, form_route
from homeport.server.pages.rendering import Pages, repository_path
from homeport.server.pages.run_paths import RUN_PATH, find_repository, run_link


class Approvals:
    """The page of a run that has not begun, and the forms on it, for maintainers. Approving counts for the head commit."""

    def __init__(self, pages: Pages, directory: RepositoryDirectory, forks: Forks) -> None:
        self._pages = pages
        self._directory = directory
        self._forks = forks

    @property
    def routes(self) -> list[BaseRoute]:
        """The two answers."""
        return [form_route(f"{RUN_PATH}/approve", self._approve), form_route(f"{RUN_PATH}/reject", self._reject)]

    def is_held(self, run: str) -> bool:
        """Whether it has not begun, waiting or turned down."""
        return self._forks.find_plan(run) is not None

    def show(self, request: Request, repository: HostedRepository, run: str, problem: str = "") -> Response:
        """What waits. Raises 404 where nothing of this number does."""
        held, found = self._find(repository, run), self._forks.find_plan(run)
        if found is None:
            raise HTTPException(404, "Not Found")
        record, plan = found
        return self._pages.show(
            request,
            "held_run.html",
            status=409 if problem else 200,
            title=f"{plan.workflow.name} #{record.number}",
            repository=repository,
            section="runs",
            held=held,
            plan=plan,
            number=record.number,
            link=run_link(repository, run),
            problem=problem,
        )

    def _approve(self, request: Request, _: Typed) -> Response:
        repository = find_repository(request, self._directory, "maintainer")
        run = str(request.path_params["run"])
        self._find(repository, run)
        try:
            self._forks.approve(run, find_identity(request).caller, client_address(request.scope))
        except ApprovalError as error:
            return self._refuse(request, repository, run, error)
        return RedirectResponse(f"{run_link(repository, run)}?done=approved", 303)

    def _reject(self, request: Request, _: Typed) -> Response:
        repository = find_repository(request, self._directory, "maintainer")
        run = str(request.path_params["run"])
        self._find(repository, run)
        try:
            self._forks.reject(run, find_identity(request).caller, client_address(request.scope))
        except ApprovalError as error:
            return self._refuse(request, repository, run, error)
        return RedirectResponse(f"{repository_path(repository)}/actions?done=rejected", 303)

    def _refuse(self, request: Request, repository: HostedRepository, run: str, error: ApprovalError) -> Response:
        """Somebody else was quicker: the page of the run says what is."""
        if not self.is_held(run):
            return RedirectResponse(run_link(repository, run), 303)
        return self.show(request, repository, run, str(error))

    def _find(self, repository: HostedRepository, run: str) -> HeldRun:
        held = self._forks.find(run)
        if held is None or held.repository != repository.id:
            raise HTTPException(404, "Not Found")
        return held

"""Finds the run that a request is about, for whoever may see it."""

from starlette.exceptions import HTTPException
from starlette.requests import Request

from homeport.ports.access import Caller, Role
from homeport.ports.directory import HostedRepository, RepositoryDirectory
from homeport.ports.history import HistoryJob, HistoryRun, RunHistory

RUN_PATH = "/{owner}/{repo}/actions/runs/{run:int}"
JOB_PATH = RUN_PATH + "/job/{number:int}"


class RunRequests:
    """What requests below a run's address stand on. It reads the database: not for the event loop."""

    def __init__(self, directory: RepositoryDirectory, history: RunHistory) -> None:
        self.directory = directory
        self.history = history

    def find_repository(self, request: Request, role: Role = "reader") -> HostedRepository:
        """Raises 404 for what the caller may not know of (401 for whoever has not said who they are), 403 for what only others may do."""
        caller: Caller = request.state.caller
        repository = self.directory.find(f"{request.path_params['owner']}/{request.path_params['repo']}")
        if repository is None or not caller.may("reader", repository):
            raise HTTPException(401 if caller.kind == "anonymous" else 404)
        if not caller.may(role, repository):
            needed = f"this needs the role {role} in {repository.full_name}"
            raise HTTPException(401 if caller.kind == "anonymous" else 403, needed)
        return repository

    def find_run(self, request: Request, role: Role = "reader") -> HistoryRun:
        """The latest attempt."""
        repository = self.find_repository(request, role)
        run = self.history.get(str(request.path_params["run"]))
        if run is None or run.repository_id != repository.id:
            raise HTTPException(404)
        return run

    def find_job(self, request: Request) -> HistoryJob:
        """By its number."""
        run = self.find_run(request)
        job = self.history.job(request.path_params["number"])
        if job is None or job.run != run.id:
            raise HTTPException(404)
        return job

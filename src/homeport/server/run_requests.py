"""Finds the run that a request is about, for whoever may see it."""

from starlette.exceptions import HTTPException
from starlette.requests import Request

from homeport.ports.access import Role
from homeport.ports.directory import HostedRepository, RepositoryDirectory
from homeport.ports.history import HistoryJob, HistoryRun, RunHistory
from homeport.server.auth import demand

RUN_PATH = "/{owner}/{repo}/actions/runs/{run:int}"
JOB_PATH = RUN_PATH + "/job/{number:int}"


class RunRequests:
    """What requests below a run's address stand on. It reads the database: not for the event loop."""

    def __init__(self, directory: RepositoryDirectory, history: RunHistory) -> None:
        self.directory = directory
        self.history = history

    def find_repository(self, request: Request, role: Role = "reader") -> HostedRepository:
        """As `server.auth.demand` does it: a job's token needs `actions`."""
        full_name = f"{request.path_params['owner']}/{request.path_params['repo']}"
        return demand(request, role, self.directory.find(full_name), permission="actions")

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

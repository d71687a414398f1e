"""The addresses of runs, and the repository that an address is about."""

from starlette.requests import Request

from homeport.ports.access import Role
from homeport.ports.directory import HostedRepository, RepositoryDirectory
from homeport.server.auth import demand
from homeport.server.pages.rendering import repository_path

RUN_PATH = "/{owner}/{repo}/actions/runs/{run:int}"


def run_link(repository: HostedRepository, run: str, attempt: int | None = None) -> str:
    """The page of a run, or of one attempt."""
    own = f"{repository_path(repository)}/actions/runs/{run}"
    return own if attempt is None else f"{own}/attempts/{attempt}"


def find_repository(request: Request, directory: RepositoryDirectory, role: Role = "reader") -> HostedRepository:
    """The repository of the address, if the caller may do there what this role may; it raises as `server.auth.demand` does."""
    parameters = request.path_params
    return demand(request, role, directory.find(f"{parameters['owner']}/{parameters['repo']}"))

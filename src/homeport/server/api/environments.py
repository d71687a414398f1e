"""Environments of a repository (docs: "REST API endpoints for deployment environments"): as far as secrets and variables need them."""

import msgspec

from homeport.ports.vault import Environment as StoredEnvironment
from homeport.ports.vault import VaultError
from homeport.rest.links import format_time, node_id
from homeport.server.api.answers import Answer, Page
from homeport.server.api.call import Call, Permission
from homeport.server.api.endpoint import Endpoint, Nothing, endpoint

READ = Permission("reader", "actions")
WRITE = Permission("maintainer", "administration", "write")
_ABOVE = "/repos/{owner}/{repo}/environments"
_ONE = f"{_ABOVE}/{{environment_name}}"


class Environment(msgspec.Struct, frozen=True, kw_only=True):
    """GitHub's `environment`."""

    id: int
    node_id: str
    name: str
    url: str
    html_url: str
    created_at: str
    updated_at: str
    protection_rules: tuple[str, ...] = ()
    deployment_branch_policy: None = None


class Environments(msgspec.Struct, frozen=True):
    """A page of environments."""

    total_count: int
    environments: tuple[Environment, ...]


class EnvironmentBody(msgspec.Struct, frozen=True, kw_only=True):
    """Rules that protect it. None can be set yet: what asks for one is refused, rather than left unprotected without a word."""

    wait_timer: int = 0
    prevent_self_review: bool = False
    reviewers: tuple[dict[str, str | int], ...] | None = None
    deployment_branch_policy: dict[str, bool] | None = None


def list_all(call: Call, query: Page) -> Answer:
    """By name."""
    known = call.parts.vault.environments(call.repository)
    shown = tuple(_show(call, each) for each in query.cut(known))
    return call.page(Environments(len(known), shown), query, len(known))


def get(call: Call, _: Nothing) -> Answer:
    """One of them, in any case."""
    found = call.parts.vault.find_environment(call.repository, call.text("environment_name"))
    return Answer(body=_show(call, call.refuse_unknown() if found is None else found))


def put(call: Call, body: EnvironmentBody) -> Answer:
    """Make one, where it is not there yet."""
    if body.wait_timer or body.prevent_self_review or body.reviewers or body.deployment_branch_policy:
        call.refuse("This server cannot protect environments: no wait timer, reviewers or branch policy can be set.")
    name = call.text("environment_name")
    try:
        made = call.parts.vault.add_environment(call.repository, name, at=call.parts.clock.now())
    except VaultError as error:
        call.refuse(str(error))
    call.note("environment.put", name)
    return Answer(body=_show(call, made))


def delete(call: Call, _: Nothing) -> Answer:
    """With its secrets and variables."""
    name = call.text("environment_name")
    if not call.parts.vault.remove_environment(call.repository, name):
        call.refuse_unknown()
    call.note("environment.remove", name)
    return Answer(status=204)


def _show(call: Call, found: StoredEnvironment) -> Environment:
    made_at = format_time(found.created_at)
    return Environment(
        id=found.id,
        node_id=node_id("EN", found.id),
        name=found.name,
        url=f"{call.links.repository(call.repository.full_name)}/environments/{found.name}",
        html_url=f"{call.links.page(call.repository.full_name)}/settings/environments",
        created_at=made_at,
        updated_at=made_at,
    )


ENDPOINTS: tuple[Endpoint, ...] = (
    endpoint(
        "GET",
        _ABOVE,
        "repos/get-all-environments",
        "List the environments of a repository",
        list_all,
        Page,
        permission=READ,
        answer=Environments,
    ),
    endpoint(
        "GET",
        _ONE,
        "repos/get-environment",
        "Get an environment",
        get,
        Nothing,
        permission=READ,
        answer=Environment,
    ),
    endpoint(
        "PUT",
        _ONE,
        "repos/create-or-update-environment",
        "Make an environment",
        put,
        EnvironmentBody,
        permission=WRITE,
        answer=Environment,
    ),
    endpoint(
        "DELETE",
        _ONE,
        "repos/delete-an-environment",
        "Delete an environment",
        delete,
        Nothing,
        permission=WRITE,
        status=204,
    ),
)

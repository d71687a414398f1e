"""Variables of organisations, repositories and environments (docs: "REST API endpoints for GitHub Actions variables")."""

from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from homeport.ports.vault import (
    VariableEntry,
    VariableTakenError,
    VaultError,
    VaultScope,
    Visibility,
    may_use,
    organization_scope,
)
from homeport.rest.links import format_time
from homeport.server.api.answers import Answer, ApiRefusalError, Empty, FieldError, Page
from homeport.server.api.call import Call, Permission
from homeport.server.api.endpoint import Endpoint, Nothing, endpoint
from homeport.server.api.scopes import KINDS, ScopeKind, scope_of


class VariablesQuery(Page, frozen=True, kw_only=True):
    """GitHub gives at most 30 variables at a time, 10 unless asked."""

    per_page: int = 10


class Variable(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """GitHub's `actions-variable`; an organisation's says who may use it."""

    name: str
    value: str
    created_at: str
    updated_at: str
    visibility: Visibility | None = None
    selected_repositories_url: str | None = None


class Variables(msgspec.Struct, frozen=True):
    """A page of variables."""

    total_count: int
    variables: tuple[Variable, ...]


class NewVariable(msgspec.Struct, frozen=True, kw_only=True):
    """A variable to be made."""

    name: str
    value: str
    visibility: Visibility | None = None
    selected_repository_ids: tuple[int, ...] | None = None


class ChangedVariable(msgspec.Struct, frozen=True, kw_only=True):
    """What is left out stays as it is."""

    name: str | None = None
    value: str | None = None
    visibility: Visibility | None = None
    selected_repository_ids: tuple[int, ...] | None = None


def list_all(call: Call, query: VariablesQuery) -> Answer:
    """By name."""
    scope = scope_of(call)
    known = call.parts.vault.variables(scope)
    return _page(call, query, scope, list(known))


def list_of_organization(call: Call, query: VariablesQuery) -> Answer:
    """Those of the repository's organisation that it may use."""
    known = call.parts.vault.variables(organization_scope(call.repository.owner))
    return _page(call, query, None, [each for each in known if may_use(each, call.repository)])


def get(call: Call, _: Nothing) -> Answer:
    """One with its value."""
    scope = scope_of(call)
    return Answer(body=_show(call, scope, _find(call, scope)))


def create(call: Call, body: NewVariable) -> Answer:
    """Make one; refused with 409 where there is one of this name."""
    scope = scope_of(call)
    with _refusing(call):
        call.parts.vault.put_variable(
            scope,
            body.name,
            body.value,
            at=call.parts.clock.now(),
            visibility=body.visibility,
            repositories=body.selected_repository_ids,
            must_be_new=True,
        )
    call.note("variable.put", f"{scope.key} {body.name.upper()}")
    return Answer(body=Empty(), status=201)


def change(call: Call, body: ChangedVariable) -> Answer:
    """Its value, who may use it, or its name: 409 where another one has it."""
    scope = scope_of(call)
    entry = _find(call, scope)
    with _refusing(call):
        is_there = call.parts.vault.change_variable(
            scope,
            entry.name,
            at=call.parts.clock.now(),
            new_name=body.name or None,
            value=body.value,
            visibility=body.visibility,
            repositories=body.selected_repository_ids,
        )
    if not is_there:  # any more
        call.refuse_unknown()
    name = (body.name or entry.name).upper()
    if name != entry.name:
        call.note("variable.remove", f"{scope.key} {entry.name}")
    call.note("variable.put", f"{scope.key} {name}")
    return Answer(status=204)


def delete(call: Call, _: Nothing) -> Answer:
    """Forget one."""
    scope, name = scope_of(call), call.text("name")
    if not call.parts.vault.remove_variable(scope, name):
        call.refuse_unknown()
    call.note("variable.remove", f"{scope.key} {name}")
    return Answer(status=204)


@contextmanager
def _refusing(call: Call) -> Iterator[None]:
    try:
        yield
    except VariableTakenError as error:
        raise ApiRefusalError(409, "Already exists - Variable already exists") from error
    except VaultError as error:
        call.refuse(str(error), [FieldError(resource="Variable", field="name", code="invalid")])


def _page(call: Call, query: VariablesQuery, scope: VaultScope | None, known: list[VariableEntry]) -> Answer:
    shown = tuple(_show(call, scope, each) for each in query.cut(known))
    return call.page(Variables(len(known), shown), query, len(known))


def _find(call: Call, scope: VaultScope) -> VariableEntry:
    found = call.parts.vault.find_variable(scope, call.text("name"))
    return call.refuse_unknown() if found is None else found


def _show(call: Call, scope: VaultScope | None, entry: VariableEntry) -> Variable:
    is_shared = scope is not None and scope.kind == "organization"
    address = f"{call.links.api}/orgs/{scope.owner}/actions/variables/{entry.name}/repositories" if scope else ""
    return Variable(
        name=entry.name,
        value=entry.value,
        created_at=format_time(entry.created_at),
        updated_at=format_time(entry.updated_at),
        visibility=entry.visibility if is_shared else None,
        selected_repositories_url=address if is_shared and entry.visibility == "selected" else None,
    )


def _endpoints(kind: ScopeKind) -> list[Endpoint]:
    read = Permission("writer", kind.variables_grant, "read", kind.is_owners)
    write = Permission("maintainer", kind.variables_grant, "write", kind.is_owners)
    above = f"{kind.above}/variables"
    one = f"{above}/{{name}}"
    return [
        endpoint(
            "GET",
            above,
            f"actions/list-{kind.name}-variables",
            f"List the variables of {kind.words}",
            list_all,
            VariablesQuery,
            permission=read,
            answer=Variables,
        ),
        endpoint(
            "POST",
            above,
            f"actions/create-{kind.name}-variable",
            f"Make a variable of {kind.words}",
            create,
            NewVariable,
            permission=write,
            answer=Empty,
            status=201,
        ),
        endpoint(
            "GET",
            one,
            f"actions/get-{kind.name}-variable",
            f"Get a variable of {kind.words}",
            get,
            Nothing,
            permission=read,
            answer=Variable,
        ),
        endpoint(
            "PATCH",
            one,
            f"actions/update-{kind.name}-variable",
            f"Change a variable of {kind.words}",
            change,
            ChangedVariable,
            permission=write,
            status=204,
        ),
        endpoint(
            "DELETE",
            one,
            f"actions/delete-{kind.name}-variable",
            f"Delete a variable of {kind.words}",
            delete,
            Nothing,
            permission=write,
            status=204,
        ),
    ]


ENDPOINTS: tuple[Endpoint, ...] = (
    *(each for kind in KINDS for each in _endpoints(kind)),
    endpoint(
        "GET",
        "/repos/{owner}/{repo}/actions/organization-variables",
        "actions/list-repo-organization-variables",
        "List the variables of its organisation that a repository may use",
        list_of_organization,
        VariablesQuery,
        permission=Permission("writer", "actions_variables"),
        answer=Variables,
    ),
)

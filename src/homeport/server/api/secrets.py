"""Secrets of organisations, repositories and environments (docs: "REST API endpoints for GitHub Actions Secrets").

Values arrive as sealed boxes, and never leave. Those for update bots are elsewhere (docs: "… for Dependabot secrets"), in the same shapes.
"""

import msgspec

from homeport.ports.vault import (
    SecretEntry,
    VaultError,
    VaultScope,
    Visibility,
    check_name,
    may_use,
    organization_scope,
)
from homeport.rest.links import format_time
from homeport.server.api.answers import Answer, Empty, FieldError, Page
from homeport.server.api.call import Call, Permission
from homeport.server.api.endpoint import Endpoint, Nothing, endpoint
from homeport.server.api.scopes import KINDS, KINDS_OF_BOTS, ScopeKind, scope_of
from homeport.server.api.sharing import read_numbers
from homeport.server.sealed_values import PublicKeyEntry, SealedValueError

MAINTAIN = Permission("maintainer", "secrets", "write")


class Secret(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """GitHub's `actions-secret`; an organisation's says who may use it."""

    name: str
    created_at: str
    updated_at: str
    visibility: Visibility | None = None
    selected_repositories_url: str | None = None


class Secrets(msgspec.Struct, frozen=True):
    """A page of secrets."""

    total_count: int
    secrets: tuple[Secret, ...]


class SecretBody(msgspec.Struct, frozen=True, kw_only=True):
    """A value in a sealed box of the public key, in base64."""

    encrypted_value: str
    key_id: str
    visibility: Visibility | None = None
    selected_repository_ids: tuple[int | str, ...] | None = None


def get_key(call: Call, _: Nothing) -> Answer:
    """What to encrypt for: the same key everywhere."""
    return Answer(body=call.parts.sealed_values.public_key())


def list_all(call: Call, query: Page) -> Answer:
    """Their names."""
    scope = scope_of(call)
    known = call.parts.vault.secrets(scope)
    shown = tuple(_show(call, scope, each) for each in query.cut(known))
    return call.page(Secrets(len(known), shown), query, len(known))


def list_of_organization(call: Call, query: Page) -> Answer:
    """Those of the repository's organisation that it may use."""
    known = call.parts.vault.secrets(organization_scope(call.repository.owner))
    usable = [each for each in known if may_use(each, call.repository)]
    shown = tuple(_show(call, None, each) for each in query.cut(usable))
    return call.page(Secrets(len(usable), shown), query, len(usable))


def get(call: Call, _: Nothing) -> Answer:
    """One without its value."""
    scope = scope_of(call)
    return Answer(body=_show(call, scope, _find(call, scope)))


def put(call: Call, body: SecretBody) -> Answer:
    """Make or change one."""
    scope, name = scope_of(call), call.text("secret_name")
    try:
        value = call.parts.sealed_values.open(body.encrypted_value, body.key_id)
        is_new = call.parts.vault.put_secret(
            scope,
            check_name(name),
            value,
            at=call.parts.clock.now(),
            visibility=body.visibility,
            repositories=None
            if body.selected_repository_ids is None
            else read_numbers(call, body.selected_repository_ids),
        )
    except VaultError as error:
        call.refuse(str(error), [FieldError(resource="Secret", field="secret_name", code="invalid")])
    except SealedValueError as error:
        call.refuse(str(error), [FieldError(resource="Secret", field="encrypted_value", code="invalid")])
    call.note("secret.put", f"{scope.key} {name}")
    return Answer(body=Empty(), status=201) if is_new else Answer(status=204)


def delete(call: Call, _: Nothing) -> Answer:
    """Forget one."""
    scope, name = scope_of(call), call.text("secret_name")
    if not call.parts.vault.remove_secret(scope, name):
        call.refuse_unknown()
    call.note("secret.remove", f"{scope.key} {name}")
    return Answer(status=204)


def _find(call: Call, scope: VaultScope) -> SecretEntry:
    found = call.parts.vault.find_secret(scope, call.text("secret_name"))
    return call.refuse_unknown() if found is None else found


def _show(call: Call, scope: VaultScope | None, entry: SecretEntry) -> Secret:
    is_shared = scope is not None and scope.kind == "organization"
    address = f"{call.links.api}/orgs/{scope.owner}/{call.group}/secrets/{entry.name}/repositories" if scope else ""
    return Secret(
        name=entry.name,
        created_at=format_time(entry.created_at),
        updated_at=format_time(entry.updated_at),
        visibility=entry.visibility if is_shared else None,
        selected_repositories_url=address if is_shared and entry.visibility == "selected" else None,
    )


def _endpoints(kind: ScopeKind) -> list[Endpoint]:
    permission = Permission("maintainer", kind.secrets_grant, "write", kind.is_owners)
    above = f"{kind.above}/secrets"
    one = f"{above}/{{secret_name}}"
    return [
        endpoint(
            "GET",
            above,
            f"{kind.group}/list-{kind.name}-secrets",
            f"List the secrets of {kind.words}",
            list_all,
            Page,
            permission=permission,
            answer=Secrets,
        ),
        endpoint(
            "GET",
            f"{above}/public-key",
            f"{kind.group}/get-{kind.name}-public-key",
            f"Get the key to encrypt secrets of {kind.words}",
            get_key,
            Nothing,
            permission=permission,
            answer=PublicKeyEntry,
        ),
        endpoint(
            "GET",
            one,
            f"{kind.group}/get-{kind.name}-secret",
            f"Get a secret of {kind.words}, without its value",
            get,
            Nothing,
            permission=permission,
            answer=Secret,
        ),
        endpoint(
            "PUT",
            one,
            f"{kind.group}/create-or-update-{kind.name}-secret",
            f"Make or change a secret of {kind.words}",
            put,
            SecretBody,
            permission=permission,
            status=201,
        ),
        endpoint(
            "DELETE",
            one,
            f"{kind.group}/delete-{kind.name}-secret",
            f"Delete a secret of {kind.words}",
            delete,
            Nothing,
            permission=permission,
            status=204,
        ),
    ]


ENDPOINTS: tuple[Endpoint, ...] = (
    *(each for kind in (*KINDS, *KINDS_OF_BOTS) for each in _endpoints(kind)),
    endpoint(
        "GET",
        "/repos/{owner}/{repo}/actions/organization-secrets",
        "actions/list-repo-organization-secrets",
        "List the secrets of its organisation that a repository may use",
        list_of_organization,
        Page,
        permission=MAINTAIN,
        answer=Secrets,
    ),
)

"""Which repositories may use a secret or a variable of an organisation that is for chosen ones (docs: "… for GitHub Actions Secrets", "…
variables", "… for Dependabot secrets").
"""

from collections.abc import Callable, Collection
from typing import Literal, NoReturn

import msgspec

from homeport.ports.vault import Choose, SecretEntry, VariableEntry, VaultScope
from homeport.rest.repositories import MinimalRepository, show_repository
from homeport.server.api.answers import Answer, ApiRefusalError, Page
from homeport.server.api.call import Call, Permission, entry_of
from homeport.server.api.endpoint import Endpoint, Nothing, endpoint
from homeport.server.api.scopes import scope_of


class SelectedBody(msgspec.Struct, frozen=True, kw_only=True):
    """The repositories that may use it."""

    selected_repository_ids: tuple[int | str, ...]


class SelectedRepositories(msgspec.Struct, frozen=True):
    """A page of the repositories that may use it."""

    total_count: int
    repositories: tuple[MinimalRepository, ...]


def list_selected(call: Call, query: Page) -> Answer:
    """Which repositories may use it."""
    entry = _Shared(call).find()
    known = [found for each in entry.repositories if (found := call.parts.directory.get(each)) is not None]
    shown = tuple(show_repository(entry_of(each), call.links) for each in query.cut(known))
    return call.page(SelectedRepositories(len(known), shown), query, len(known))


def set_selected(call: Call, body: SelectedBody) -> Answer:
    """Say which repositories may use it."""
    numbers = read_numbers(call, body.selected_repository_ids)
    return _Shared(call).choose(lambda _: numbers)


def add_selected(call: Call, _: Nothing) -> Answer:
    """Let one more use it."""
    number = call.number("repository_id")
    repository = call.parts.directory.get(number)
    if repository is None or repository.owner.lower() != call.text("org").lower():
        call.refuse_unknown()
    return _Shared(call).choose(lambda known: known | {number})


def remove_selected(call: Call, _: Nothing) -> Answer:
    """Let one use it no more."""
    number = call.number("repository_id")
    return _Shared(call).choose(lambda known: known - {number})


def read_numbers(call: Call, given: Collection[int | str]) -> list[int]:
    """Clients send numbers, or text with numbers in it."""
    texts = [str(each) for each in given]
    if not all(text.isascii() and text.isdigit() and len(text) < 19 for text in texts):
        call.refuse("selected_repository_ids has what is no number")
    return [int(text) for text in texts]


class _Shared:
    """What the address is about."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._scope: VaultScope = scope_of(call)
        self._is_secret = call.has("secret_name")
        self._name = call.text("secret_name" if self._is_secret else "name")

    def find(self) -> SecretEntry | VariableEntry:
        """Refused with 404 where there is none."""
        vault = self._call.parts.vault
        find: Callable[[VaultScope, str], SecretEntry | VariableEntry | None] = (
            vault.find_secret if self._is_secret else vault.find_variable
        )
        found = find(self._scope, self._name)
        return self._call.refuse_unknown() if found is None else found

    def choose(self, choose: Choose) -> Answer:
        """Refused with 409 where it is not for chosen repositories."""
        self.find()
        vault = self._call.parts.vault
        change = vault.choose_for_secret if self._is_secret else vault.choose_for_variable
        if not change(self._scope, self._name, choose):
            _refuse_conflict()
        self._call.note(f"{'secret' if self._is_secret else 'variable'}.share", f"{self._scope.key} {self._name}")
        return Answer(status=204)


def _refuse_conflict() -> NoReturn:
    raise ApiRefusalError(409, "Its visibility is not `selected`.")


def _endpoints(group: Literal["actions", "dependabot"], kind: Literal["secret", "variable"]) -> list[Endpoint]:
    part = "secret_name" if kind == "secret" else "name"
    above = f"/orgs/{{org}}/{group}/{kind}s/{{{part}}}/repositories"
    grant = f"organization_{'' if group == 'actions' else 'dependabot_'}{'secrets' if kind == 'secret' else 'actions_variables'}"
    permission = Permission("maintainer", grant, "write", True)
    return [
        endpoint(
            "GET",
            above,
            f"{group}/list-selected-repos-for-org-{kind}",
            f"List the repositories that may use a {kind}",
            list_selected,
            Page,
            permission=permission,
            answer=SelectedRepositories,
        ),
        endpoint(
            "PUT",
            above,
            f"{group}/set-selected-repos-for-org-{kind}",
            f"Say which repositories may use a {kind}",
            set_selected,
            SelectedBody,
            permission=permission,
            status=204,
        ),
        endpoint(
            "PUT",
            f"{above}/{{repository_id}}",
            f"{group}/add-selected-repo-to-org-{kind}",
            f"Let one more repository use a {kind}",
            add_selected,
            Nothing,
            permission=permission,
            status=204,
        ),
        endpoint(
            "DELETE",
            f"{above}/{{repository_id}}",
            f"{group}/remove-selected-repo-from-org-{kind}",
            f"Let a repository use a {kind} no more",
            remove_selected,
            Nothing,
            permission=permission,
            status=204,
        ),
    ]


ENDPOINTS: tuple[Endpoint, ...] = (
    *_endpoints("actions", "secret"),
    *_endpoints("actions", "variable"),
    *_endpoints("dependabot", "secret"),
)

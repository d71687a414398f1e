"""A repository's settings: what it is, its secrets and variables, environments, the forge that it comes from, and its end."""

from collections.abc import Sequence

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from homeport.ports.access import Role
from homeport.ports.clock import Clock
from homeport.ports.directory import DirectoryError, HostedRepository, RepositoryDirectory, RepositorySettings
from homeport.ports.vault import (
    SecretEntry,
    VariableEntry,
    Vault,
    VaultError,
    VaultScope,
    environment_scope,
    repository_scope,
)
from homeport.server.access import Access
from homeport.server.auth import find_identity
from homeport.server.delivery import Delivery
from homeport.server.forge_administration import ForgeAdministration
from homeport.server.forge_credentials import own_target
from homeport.server.pages.forge_forms import INCOMPLETE, change_credential
from homeport.server.pages.forms import Act, Typed, actor_of, form_route
from homeport.server.pages.rendering import Pages, repository_path
from homeport.server.pages.run_paths import find_repository
from homeport.server.pages.value_forms import ValueForms
from homeport.server.results import Results

_PATH = "/{owner}/{repo}/settings"
_APPROVALS = (
    ("always", "Always wait for a maintainer"),
    ("first-time", "Wait the first time somebody opens one"),
    ("never", "Never wait"),
)


class EnvironmentRow(msgspec.Struct, frozen=True):
    """An environment with what is kept for it."""

    name: str
    secrets: Sequence[SecretEntry]
    variables: Sequence[VariableEntry]


class RepositorySettingsPages:
    """The routes of `/{owner}/{repo}/settings`, for maintainers. `url` is how forges reach this server."""

    def __init__(
        self,
        pages: Pages,
        directory: RepositoryDirectory,
        access: Access,
        results: Results,
        forges: ForgeAdministration,
        clock: Clock,
        url: str,
    ) -> None:
        self._pages = pages
        self._directory = directory
        self._vault: Vault = access.vault
        self._audit = access.audit
        self._values = ValueForms(access.vault, access.audit, clock)
        self._people = access.people
        self._delivery: Delivery = results.delivery
        self._forges = forges
        self._badge_key = results.badge_key
        self._clock = clock
        self._url = url

    @property
    def routes(self) -> list[BaseRoute]:
        """What is shown, and what its forms do."""
        shown = {
            "": self._show,
            "/secrets": self._show_secrets,
            "/environments": self._show_environments,
            "/forge": self._show_forge,
        }
        acts: dict[str, Act] = {
            "": self._change,
            "/secrets": self._put_value,
            "/secrets/remove": self._remove_value,
            "/environments": self._add_environment,
            "/environments/remove": self._remove_environment,
            "/forge/token": self._put_credential,
            "/forge/try": self._try_forge,
            "/forge/webhook": self._make_webhook_secret,
            "/remove": self._remove,
        }
        return [
            *(Route(_PATH + path, show, methods=["GET"]) for path, show in shown.items()),
            *(form_route(_PATH + path, act) for path, act in acts.items()),
        ]

    # --- general ------------------------------------------------------------------------------------------------------------

    def _show(self, request: Request) -> Response:
        return self._render_general(request, self._find(request), "")

    def _render_general(self, request: Request, repository: HostedRepository, problem: str) -> Response:
        return self._render(
            request,
            repository,
            "settings_general.html",
            "general",
            settings=repository.settings,
            approvals=_APPROVALS,
            problem=problem,
        )

    def _change(self, request: Request, typed: Typed) -> Response:
        repository = self._find(request)

        def change(known: HostedRepository) -> HostedRepository:
            return msgspec.structs.replace(
                known,
                default_branch=typed.get("default_branch", "").strip() or known.default_branch,
                is_private=self._choose_privacy(request, known, typed),
                settings=_read_settings(known.settings, typed),
            )

        try:
            self._directory.change(repository.id, change)
        except DirectoryError as error:
            return self._render_general(request, repository, str(error))
        self._note(request, "repository.changed", repository.full_name)
        return self._back(repository, "")

    def _choose_privacy(self, request: Request, repository: HostedRepository, typed: Typed) -> bool:
        """Who may see it is an administrator's to say."""
        may_choose = find_identity(request).caller.may("administrator", repository)
        return bool(typed.get("is_private")) if may_choose else repository.is_private

    def _remove(self, request: Request, typed: Typed) -> Response:
        repository = self._find(request, "administrator")
        if typed.get("name", "").strip().lower() != repository.full_name.lower():
            return self._render_general(request, repository, f"Type {repository.full_name} to remove it.")
        self._directory.remove(repository.id)
        self._vault.forget_repository(repository.id)
        self._people.forget_target(repository.full_name)
        self._note(request, "repository.removed", repository.full_name)
        return RedirectResponse("/repositories?done=removed", 303)

    # --- secrets and variables ----------------------------------------------------------------------------------------------

    def _show_secrets(self, request: Request) -> Response:
        return self._render_secrets(request, self._find(request), "")

    def _render_secrets(self, request: Request, repository: HostedRepository, problem: str) -> Response:
        scope = repository_scope(repository)
        return self._render(
            request,
            repository,
            "settings_secrets.html",
            "secrets",
            secrets=self._vault.secrets(scope),
            variables=self._vault.variables(scope),
            problem=problem,
        )

    def _put_value(self, request: Request, typed: Typed) -> Response:
        repository = self._find(request)
        scope = self._scope(repository, typed)
        try:
            self._values.put(request, scope, _name_of(repository, scope), typed)
        except VaultError as error:
            if scope.kind == "environment":
                return self._render_environments(request, repository, str(error))
            return self._render_secrets(request, repository, str(error))
        return self._back(repository, _page_of(scope))

    def _remove_value(self, request: Request, typed: Typed) -> Response:
        repository = self._find(request)
        scope = self._scope(repository, typed)
        self._values.remove(request, scope, _name_of(repository, scope), typed)
        return self._back(repository, _page_of(scope), "removed")

    def _scope(self, repository: HostedRepository, typed: Typed) -> VaultScope:
        name = typed.get("environment", "")
        if not name:
            return repository_scope(repository)
        if self._vault.find_environment(repository, name) is None:
            raise HTTPException(404, "Not Found")
        return environment_scope(repository, name)

    # --- environments -------------------------------------------------------------------------------------------------------

    def _show_environments(self, request: Request) -> Response:
        return self._render_environments(request, self._find(request), "")

    def _render_environments(self, request: Request, repository: HostedRepository, problem: str) -> Response:
        rows = []
        for environment in self._vault.environments(repository):
            scope = environment_scope(repository, environment.name)
            rows.append(EnvironmentRow(environment.name, self._vault.secrets(scope), self._vault.variables(scope)))
        return self._render(
            request, repository, "settings_environments.html", "environments", rows=rows, problem=problem
        )

    def _add_environment(self, request: Request, typed: Typed) -> Response:
        repository = self._find(request)
        try:
            added = self._vault.add_environment(repository, typed.get("name", "").strip(), at=self._clock.now())
        except VaultError as error:
            return self._render_environments(request, repository, str(error))
        self._note(request, "environment.created", f"{repository.full_name} {added.name}")
        return self._back(repository, "/environments")

    def _remove_environment(self, request: Request, typed: Typed) -> Response:
        repository = self._find(request)
        name = typed.get("name", "")
        self._vault.remove_environment(repository, name)
        self._note(request, "environment.removed", f"{repository.full_name} {name}")
        return self._back(repository, "/environments", "removed")

    # --- the forge ----------------------------------------------------------------------------------------------------------

    def _show_forge(self, request: Request) -> Response:
        return self._render_forge(request, self._find(request))

    def _render_forge(
        self, request: Request, repository: HostedRepository, *, made: str = "", problem: str = ""
    ) -> Response:
        return self._render(
            request,
            repository,
            "settings_forge.html",
            "forge",
            state=self._delivery.find_state(repository),
            kind=self._forges.credentials.find_kind(own_target(repository)),
            has_webhook=self._forges.has_webhook_secret(repository),
            hook_url=f"{self._url}/webhooks/{'gitea' if repository.origin == 'gitea' else 'github'}",
            clone_url=f"{self._url}{repository_path(repository)}",
            badge_url=self._badge_url(repository),
            made=made,
            problem=problem,
        )

    def _badge_url(self, repository: HostedRepository) -> str:
        """Of a workflow in `ci.yml`; with the key that lets pages elsewhere show it."""
        key = f"?key={self._badge_key.sign(repository)}" if repository.is_private else ""
        return f"{self._url}/badge{repository_path(repository)}/ci.yml.svg{key}"

    def _put_credential(self, request: Request, typed: Typed) -> Response:
        repository = self._find(request)
        done = change_credential(request, self._forges, own_target(repository), typed)
        if done is None:
            return self._render_forge(request, repository, problem=INCOMPLETE)
        return self._back(repository, "/forge", done)

    def _try_forge(self, request: Request, _: Typed) -> Response:
        repository = self._find(request)
        self._delivery.try_now(repository)
        return self._back(repository, "/forge")

    def _make_webhook_secret(self, request: Request, _: Typed) -> Response:
        repository = self._find(request)
        return self._render_forge(
            request, repository, made=self._forges.make_webhook_secret(actor_of(request), repository)
        )

    # --- inside -------------------------------------------------------------------------------------------------------------

    def _find(self, request: Request, role: Role = "maintainer") -> HostedRepository:
        return find_repository(request, self._directory, role)

    def _render(
        self,
        request: Request,
        repository: HostedRepository,
        template: str,
        tab: str,
        *,
        problem: str = "",
        **values: object,
    ) -> Response:
        return self._pages.show(
            request,
            template,
            status=422 if problem else 200,
            title="Settings",
            repository=repository,
            section="settings",
            tab=tab,
            problem=problem,
            values=values,
        )

    def _back(self, repository: HostedRepository, page: str, done: str = "saved") -> Response:
        return RedirectResponse(f"{repository_path(repository)}/settings{page}?done={done}", 303)

    def _note(self, request: Request, action: str, target: str) -> None:
        actor = actor_of(request)
        self._audit.note(actor.caller, action, target, address=actor.address)


def _read_settings(former: RepositorySettings, typed: Typed) -> RepositorySettings:
    folders = tuple(line.strip().strip("/") for line in typed.get("workflow_folders", "").splitlines() if line.strip())
    approval = typed.get("fork_approval", "")
    return msgspec.structs.replace(
        former,
        workflow_folders=folders or former.workflow_folders,
        is_shadow=bool(typed.get("is_shadow")),
        builds_without_workflows=bool(typed.get("builds_without_workflows")),
        status_prefix=typed.get("status_prefix", "")[:100],
        poll_seconds=_number(typed, "poll_seconds", former.poll_seconds, 86_400),
        fork_approval="first-time" if approval == "first-time" else "never" if approval == "never" else "always",
        log_days=_number(typed, "log_days", former.log_days, 4000),
        artifact_days=_number(typed, "artifact_days", former.artifact_days, 4000),
        cache_bytes=_read_gigabytes(typed, "cache_gigabytes", former.cache_bytes),
    )


def _number(typed: Typed, name: str, former: int, most: int) -> int:
    text = typed.get(name, "").strip()
    return min(int(text), most) if text.isascii() and text.isdigit() and len(text) < 10 else former


def _read_gigabytes(typed: Typed, name: str, former: int) -> int:
    """In bytes; the former, where it is still what the form showed of it: there may be parts of a gigabyte in it."""
    shown = former >> 30
    number = _number(typed, name, shown, 10_000)
    return former if number == shown else number << 30


def _page_of(scope: VaultScope) -> str:
    return "/environments" if scope.kind == "environment" else "/secrets"


def _name_of(repository: HostedRepository, scope: VaultScope) -> str:
    """As the audit log calls it."""
    return f"{repository.full_name} {scope.environment}" if scope.environment else repository.full_name

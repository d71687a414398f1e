"""`/api/homeport/v1/repositories`, `/approvals`, `/audit`: repositories with their settings, runs that wait for approval, the audit log."""

from typing import Annotated, Literal
from urllib.parse import urlsplit

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.routing import BaseRoute

from homeport.ports.access import Role
from homeport.ports.approvals import HeldRun
from homeport.ports.audit import AuditEntry
from homeport.ports.directory import HostedRepository, Origin, RepositoryDirectory, RepositorySettings
from homeport.server.access import Access
from homeport.server.api_people import actor_of, demand_user, read_body, resource
from homeport.server.auth import demand, demand_administrator, find_identity, refuse
from homeport.server.forks import Forks

_ONE = "/repositories/{owner}/{repo}"
_MOST_ENTRIES = 1000

Days = Annotated[int, msgspec.Meta(ge=1, le=3650)]
Size = Annotated[int, msgspec.Meta(ge=0, le=1 << 50)]


class NewRepository(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One to add. `clone_url` is where a forge's repository is fetched from; this server's own needs none."""

    full_name: str
    origin: Origin = "own"
    clone_url: str = ""
    default_branch: str = "main"
    is_private: bool = True


class SettingsChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is left out stays: fields of `RepositorySettings`, and of the repository itself."""

    default_branch: str | None = None
    is_private: bool | None = None
    workflow_folders: tuple[str, ...] | None = None
    is_shadow: bool | None = None
    builds_without_workflows: bool | None = None
    status_prefix: Annotated[str, msgspec.Meta(max_length=100)] | None = None
    poll_seconds: Annotated[int, msgspec.Meta(ge=0, le=86_400)] | None = None
    fork_approval: Literal["always", "first-time", "never"] | None = None
    log_days: Days | None = None
    artifact_days: Days | None = None
    cache_bytes: Size | None = None
    artifact_bytes: Size | None = None


class ApiRepository(msgspec.Struct, frozen=True, kw_only=True):
    """A repository with its settings."""

    id: int
    full_name: str
    origin: Origin
    clone_url: str
    default_branch: str
    is_private: bool
    settings: RepositorySettings


class Verification(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the audit log is as it was written."""

    length: int
    head: str
    is_whole: bool
    broken_at: int


class RepositoriesApi:
    """The routes."""

    def __init__(self, access: Access, directory: RepositoryDirectory, forks: Forks) -> None:
        self._access = access
        self._directory = directory
        self._forks = forks

    @property
    def routes(self) -> list[BaseRoute]:
        """All below `/api/homeport/v1`."""
        return [
            *resource("/repositories", GET=self._list, POST=self._add),
            *resource(_ONE, GET=self._get, PATCH=self._change, DELETE=self._remove),
            *resource("/approvals", GET=self._list_held),
            *resource("/approvals/{run}/approve", POST=self._approve),
            *resource("/approvals/{run}/reject", POST=self._reject),
            *resource("/audit", GET=self._list_audit),
            *resource("/audit/verification", GET=self._verify_audit),
        ]

    # --- repositories ---------------------------------------------------------------------------------------------------

    def _list(self, request: Request, _: bytes) -> object:
        caller = find_identity(request).caller
        return [_show(each) for each in self._directory.list() if caller.role_in(each) is not None]

    def _add(self, request: Request, body: bytes) -> object:
        wish = read_body(body, NewRepository)
        owner, _, name = wish.full_name.partition("/")
        if not demand_user(request).may_for_owner("administrator", owner):
            raise refuse(request, 403, f"This needs an administrator of {owner}.", wish.full_name)
        added = self._directory.add(
            HostedRepository(
                id=0,
                owner=owner,
                name=name,
                origin=wish.origin,
                server_url=_check_clone_url(wish),
                clone_url=wish.clone_url,
                default_branch=wish.default_branch,
                is_private=wish.is_private,
            )
        )
        self._note(request, "repository.added", added)
        return _show(added)

    def _get(self, request: Request, _: bytes) -> object:
        return _show(self._find(request, "reader"))

    def _change(self, request: Request, body: bytes) -> object:
        found = self._find(request, "maintainer")
        wish = read_body(body, SettingsChange)
        said = {name: value for name in wish.__struct_fields__ if (value := getattr(wish, name)) is not None}
        own = {name: said.pop(name) for name in ("default_branch", "is_private") if name in said}
        if "is_private" in own and not find_identity(request).caller.may("administrator", found):
            raise refuse(request, 403, f"Who may see it is for an administrator of {found.full_name}.", found.full_name)
        if "workflow_folders" in said:
            _check_folders(said["workflow_folders"])
        changed = self._directory.change(
            found.id,
            lambda known: msgspec.structs.replace(
                known, settings=msgspec.structs.replace(known.settings, **said), **own
            ),
        )
        self._note(
            request, "settings.changed", changed, ", ".join(f"{key}: {value}" for key, value in (own | said).items())
        )
        return _show(changed)

    def _remove(self, request: Request, _: bytes) -> object:
        found = self._find(request, "administrator")
        self._directory.remove(found.id)
        self._access.vault.forget_repository(found.id)
        self._access.people.forget_target(found.full_name)
        self._note(request, "repository.removed", found)
        return None

    # --- approvals ------------------------------------------------------------------------------------------------------

    def _list_held(self, request: Request, _: bytes) -> object:
        caller = demand_user(request)
        seen = {each.id: each.full_name for each in self._directory.list() if caller.role_in(each) is not None}
        return [_show_held(each, seen[each.repository]) for each in self._forks.waiting() if each.repository in seen]

    def _approve(self, request: Request, _: bytes) -> object:
        held, name = self._find_held(request)
        actor = actor_of(request)
        return [_show_held(each, name) for each in self._forks.approve(held.run, actor.caller, actor.address)]

    def _reject(self, request: Request, _: bytes) -> object:
        held, name = self._find_held(request)
        actor = actor_of(request)
        return [_show_held(each, name) for each in self._forks.reject(held.run, actor.caller, actor.address)]

    def _find_held(self, request: Request) -> tuple[HeldRun, str]:
        """A job cannot approve what it is about to judge."""
        demand_user(request)
        held = self._forks.find(request.path_params["run"])
        repository = None if held is None else self._directory.get(held.repository)
        found = demand(request, "maintainer", repository)
        assert held is not None
        return held, found.full_name

    # --- the audit log --------------------------------------------------------------------------------------------------

    def _list_audit(self, request: Request, _: bytes) -> object:
        demand_administrator(request)
        query = request.query_params
        before, limit = _number(query.get("before", "")), _number(query.get("limit", "100")) or 100
        entries: tuple[AuditEntry, ...] = tuple(
            self._access.audit.log.list(
                before=before,
                limit=min(limit, _MOST_ENTRIES),
                who=query.get("who", ""),
                action=query.get("action", ""),
                target=query.get("target", ""),
            )
        )
        return entries

    def _verify_audit(self, request: Request, _: bytes) -> object:
        demand_administrator(request)
        report = self._access.audit.log.verify()
        return Verification(
            length=report.length, head=report.head, is_whole=not report.broken_at, broken_at=report.broken_at
        )

    def _find(self, request: Request, role: Role) -> HostedRepository:
        name = f"{request.path_params['owner']}/{request.path_params['repo']}"
        return demand(request, role, self._directory.find(name), permission="metadata" if role == "reader" else "")

    def _note(self, request: Request, action: str, repository: HostedRepository, detail: str = "") -> None:
        actor = actor_of(request)
        self._access.audit.note(actor.caller, action, repository.full_name, address=actor.address, detail=detail)


def _check_clone_url(wish: NewRepository) -> str:
    """Gives the forge's address. Whether it may be reached is looked at whenever it is fetched from."""
    if wish.origin == "own":
        if wish.clone_url:
            raise HTTPException(422, "A repository of this server's own has no clone_url.")
        return ""
    parts = urlsplit(wish.clone_url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise HTTPException(422, "clone_url has to begin with https:// (or http://) and a host.")
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        raise HTTPException(422, "clone_url holds more than an address: give the forge's token in the settings.")
    suffix = f"/{wish.full_name}".lower()
    path = parts.path.removesuffix(".git").removesuffix("/")
    above = path[: -len(suffix)] if path.lower().endswith(suffix) else ""
    return f"{parts.scheme}://{parts.netloc}{above}"


def _check_folders(folders: tuple[str, ...]) -> None:
    for folder in folders:
        parts = folder.split("/")
        if not folder or folder.startswith("/") or "\\" in folder or {"", ".", ".."}.intersection(parts):
            raise HTTPException(422, f"{folder!r} is no folder of the repository: .github/workflows, for example.")
    if not folders:
        raise HTTPException(422, "At least one folder of workflows is needed.")


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def _show(repository: HostedRepository) -> ApiRepository:
    return ApiRepository(
        id=repository.id,
        full_name=repository.full_name,
        origin=repository.origin,
        clone_url=repository.clone_url,
        default_branch=repository.default_branch,
        is_private=repository.is_private,
        settings=repository.settings,
    )


class ApiHeldRun(msgspec.Struct, frozen=True, kw_only=True):
    """A run that waits for approval, or has waited."""

    run: str
    repository: str
    pull_request: int
    head_sha: str
    author: str
    held_at: str
    decision: str
    decided_by: str


def _show_held(held: HeldRun, repository: str) -> ApiHeldRun:
    return ApiHeldRun(
        run=held.run,
        repository=repository,
        pull_request=held.pull_request,
        head_sha=held.head_sha,
        author=held.author,
        held_at=held.held_at.isoformat(timespec="seconds"),
        decision=held.decision,
        decided_by=held.decided_by,
    )

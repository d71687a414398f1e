"""Starting a workflow by hand, with the inputs that it declares; and switching workflows on and off."""

from collections.abc import Sequence

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from homeport.language import nodes
from homeport.language.expr.coercion import format_number
from homeport.language.tokens import BooleanToken, NumberToken, StringToken, Token
from homeport.ports.directory import HostedRepository, RepositoryDirectory
from homeport.ports.events import KnownWorkflow, WorkflowState
from homeport.ports.vault import Vault
from homeport.server.access import Access
from homeport.server.auth import find_identity
from homeport.server.dispatches import DispatchRefusedError
from homeport.server.happenings import Happenings
from homeport.server.limits import client_address
from homeport.server.pages.forms import Typed, form_route
from homeport.server.pages.rendering import Pages, repository_path
from homeport.server.pages.run_paths import find_repository

_INPUT = "input."
_OPTIONAL = "optional."
"""The beginnings of fields' names: an empty text is a value, an empty number or choice is none."""
_MOST_REFS = 500
_WAIT_SECONDS = 5.0


class InputField(msgspec.Struct, frozen=True, kw_only=True):
    """One input as its form shows it."""

    name: str
    field: str
    """what its form's field is called"""
    kind: str
    description: str
    is_required: bool
    value: str
    options: Sequence[str]


class Starting:
    """The routes of `/{owner}/{repo}/actions/start`, for writers."""

    def __init__(self, pages: Pages, directory: RepositoryDirectory, happenings: Happenings, access: Access) -> None:
        self._pages = pages
        self._directory = directory
        self._planner = happenings.planner
        self._dispatches = happenings.dispatches
        self._events = happenings.events
        self._workflows = happenings.workflows
        self._vault: Vault = access.vault
        self._audit = access.audit

    @property
    def routes(self) -> list[BaseRoute]:
        """The form, and what it does."""
        path = "/{owner}/{repo}/actions"
        return [
            Route(f"{path}/start", self._show, methods=["GET"]),
            form_route(f"{path}/start", self._start),
            form_route(f"{path}/workflows/{{workflow:int}}/switch", self._switch),
        ]

    def _show(self, request: Request) -> Response:
        repository = find_repository(request, self._directory, "writer")
        query = request.query_params
        ref = query.get("ref", "") or repository.default_branch
        return self._render(request, repository, query.get("workflow", ""), ref, {})

    def _render(
        self,
        request: Request,
        repository: HostedRepository,
        path: str,
        ref: str,
        typed: Typed,
        problem: str = "",
    ) -> Response:
        branches, found = self._find_workflows(repository, ref)
        others = found[:1] if not path else []  # who has chosen one gets no other
        chosen = next((one for one in found if one[0].path == path), next(iter(others), None))
        fields = [self._describe(repository, one, typed) for one in chosen[1].inputs] if chosen else []
        return self._pages.show(
            request,
            "start.html",
            status=422 if problem else 200,
            title="Start a workflow",
            repository=repository,
            section="dispatch",
            workflows=[known for known, _ in found],
            chosen=chosen[0] if chosen else None,
            wanted=path,
            fields=fields,
            ref=ref,
            branches=branches if ref in branches else [ref, *branches],
            problem=problem,
        )

    def _find_workflows(
        self, repository: HostedRepository, ref: str
    ) -> tuple[list[str], list[tuple[KnownWorkflow, nodes.Trigger]]]:
        """The branches and tags that there are, and what can be started by hand on this one."""
        git = self._planner.find_git(repository)
        if git is None:
            return [], []
        names = [
            one.ref.removeprefix(prefix)
            for prefix in ("refs/heads/", "refs/tags/")
            for one in git.list_refs(prefix)[:_MOST_REFS]
        ]
        sha = next((sha for one in (f"refs/heads/{ref}", f"refs/tags/{ref}") if (sha := git.resolve(one))), None)
        if sha is None:
            return names, []
        files = self._planner.read_files(repository, git, sha)
        found = []
        for known in self._workflows.list(repository.id):
            parsed = files.read(known.path) if not known.state.startswith("disabled") else None
            trigger = parsed.workflow.find_trigger("workflow_dispatch") if parsed and parsed.workflow else None
            if trigger is not None:
                found.append((known, trigger))
        return names, found

    def _describe(self, repository: HostedRepository, declared: nodes.InputDeclaration, typed: Typed) -> InputField:
        options: Sequence[str] = declared.options
        if declared.kind == "environment":
            options = [one.name for one in self._vault.environments(repository)]
        field = (_INPUT if declared.kind in ("string", "boolean") else _OPTIONAL) + declared.name
        return InputField(
            name=declared.name,
            field=field,
            kind=declared.kind,
            description=declared.description,
            is_required=declared.required,
            value=typed.get(field, _text_of(declared.default)),
            options=options,
        )

    def _start(self, request: Request, typed: Typed) -> Response:
        repository = find_repository(request, self._directory, "writer")
        ref, path = typed.get("ref", "").strip(), typed.get("workflow", "")
        known = self._workflows.find(repository.id, path)
        if known is None:
            raise HTTPException(404, "Not Found")
        inputs = _read_inputs(typed)
        caller = find_identity(request).caller
        try:
            delivery = self._dispatches.start_workflow(caller, repository, known, ref, inputs)
        except DispatchRefusedError as error:
            return self._render(request, repository, path, ref, typed, error.message)
        self._audit.note(
            caller, "workflow.started", f"{repository.full_name} {path}", address=client_address(request.scope)
        )
        return RedirectResponse(self._find_outcome(repository, delivery), 303)

    def _find_outcome(self, repository: HostedRepository, delivery: str) -> str:
        """The run, if it was planned soon; else the list in which it will be."""
        above = f"{repository_path(repository)}/actions"
        stored = self._planner.wait_for(repository.id, delivery, _WAIT_SECONDS)
        if stored is None:
            return f"{above}?done=started"
        run = next((start.run for start in self._events.starts(stored.id) if start.run), "")
        return f"{above}/runs/{run}" if run else f"{above}/events/{stored.id}"

    def _switch(self, request: Request, typed: Typed) -> Response:
        repository = find_repository(request, self._directory, "writer")
        known = self._workflows.find(repository.id, request.path_params["workflow"])
        if known is None or known.state == "deleted":
            raise HTTPException(404, "Not Found")
        state: WorkflowState = "active" if typed.get("state") == "active" else "disabled_manually"
        self._workflows.switch(repository.id, known.id, state)
        self._audit.note(
            find_identity(request).caller,
            "workflow.enabled" if state == "active" else "workflow.disabled",
            f"{repository.full_name} {known.path}",
            address=client_address(request.scope),
        )
        file = known.path.rsplit("/", 1)[-1]
        return RedirectResponse(f"{repository_path(repository)}/actions/workflows/{file}?done=saved", 303)


def _read_inputs(typed: Typed) -> dict[str, str]:
    given = {name.removeprefix(_INPUT): value for name, value in typed.items() if name.startswith(_INPUT)}
    chosen = {name.removeprefix(_OPTIONAL): value for name, value in typed.items() if name.startswith(_OPTIONAL)}
    return given | {name: value for name, value in chosen.items() if value}


def _text_of(default: Token | None) -> str:
    match default:
        case StringToken():
            return default.value
        case BooleanToken():
            return "true" if default.value else "false"
        case NumberToken():
            return format_number(default.value)
        case _:
            return ""

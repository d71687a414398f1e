"""The little of GitHub's GraphQL interface that `gh` insists on for what it does with Actions: who asks, and what a repository is.

Everything else is refused by name, as GitHub refuses a field that does not exist, with a hint to the REST interface.
"""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from homeport.ports.access import Caller
from homeport.ports.directory import HostedRepository
from homeport.ports.history import RunFilter
from homeport.rest.links import node_id
from homeport.server.api.answers import ApiRefusalError, answer_refusal
from homeport.server.api.call import links_of, owner_id
from homeport.server.api.graphql_document import DocumentError, Selection, read_query
from homeport.server.api.guard import read_body
from homeport.server.api.parts import ApiParts
from homeport.server.auth import find_caller

_MOST_RUNS = 50
_PERMISSIONS = {"reader": "READ", "writer": "WRITE", "maintainer": "ADMIN", "administrator": "ADMIN"}

Arguments = Mapping[str, Any]


class Node(msgspec.Struct, frozen=True):
    """An object: its type's name, and what its fields give for their arguments."""

    kind: str
    fields: Mapping[str, Callable[[Arguments], Any]]


class GraphQLRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked."""

    query: str
    variables: dict[str, Any] | None = None


class _FieldError(Exception):
    """A field that is not there, or has no answer."""

    def __init__(self, kind: str, message: str, path: tuple[str, ...]) -> None:
        super().__init__(message)
        self.kind = kind
        self.path = path


def graphql_route(parts: ApiParts) -> Route:
    """`POST /api/graphql`, where clients of an Enterprise Server look for it."""

    async def answer(request: Request) -> Response:
        caller = await find_caller(request)
        try:
            if caller.kind == "anonymous":
                raise ApiRefusalError(401, "This endpoint requires you to be authenticated.")
            body = await read_body(request)
            told = await run_in_threadpool(_answer, parts, request, caller, body)
        except ApiRefusalError as error:
            return answer_refusal(error, "https://docs.github.com/graphql")
        return Response(msgspec.json.encode(told), media_type="application/json; charset=utf-8")

    return Route("/api/graphql", answer, methods=["POST"], name="graphql")


def _answer(parts: ApiParts, request: Request, caller: Caller, body: bytes) -> dict[str, Any]:
    try:
        asked = msgspec.json.decode(body, type=GraphQLRequest)
        selections = read_query(asked.query, asked.variables or {})
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ApiRefusalError(400, "Problems parsing JSON") from error
    except DocumentError as error:
        return {"errors": [{"message": f"Parse error: {error}"}]}
    root = _Root(parts, caller, links_of(request, parts).site).node()
    try:
        return {"data": _resolve(root, selections, ())}
    except _FieldError as error:
        return {"data": None, "errors": [{"type": error.kind, "path": list(error.path), "message": str(error)}]}


def _resolve(node: Node, selections: tuple[Selection, ...], path: tuple[str, ...]) -> dict[str, Any]:
    """The fields that are asked for; the first that cannot be answered ends it."""
    found: dict[str, Any] = {}
    for selection in selections:
        here = (*path, selection.alias)
        if selection.name == "__typename":
            found[selection.alias] = node.kind
            continue
        field = node.fields.get(selection.name)
        if field is None:
            hint = "this server answers a few fields of GraphQL only; the REST interface has more (`gh api`)"
            raise _FieldError(
                "UNDEFINED_FIELD", f"Field '{selection.name}' doesn't exist on type '{node.kind}': {hint}", here
            )
        try:
            value = field(selection.arguments)
        except LookupError as error:
            raise _FieldError("NOT_FOUND", str(error.args[0]), here) from error
        found[selection.alias] = _show(value, selection, here)
    return found


def _show(value: Any, selection: Selection, path: tuple[str, ...]) -> Any:
    if isinstance(value, Node):
        return _resolve(value, selection.fields, path)
    if isinstance(value, list):
        return [_show(each, selection, path) for each in value]
    return value


class _Root:
    """What can be asked for at the top."""

    def __init__(self, parts: ApiParts, caller: Caller, site: str) -> None:
        self._parts = parts
        self._caller = caller
        self._site = site

    def node(self) -> Node:
        """The type `Query`."""
        return Node("Query", {"viewer": self._viewer, "repository": self._repository})

    def _viewer(self, _: Arguments) -> Node:
        login = self._caller.login if self._caller.kind == "user" else "github-actions[bot]"
        user = self._parts.people.find(login)
        number = 0 if user is None else user.id
        return Node(
            "User",
            {
                "login": _always(login),
                "id": _always(node_id("U", number, login)),
                "databaseId": _always(number),
                "name": _always("" if user is None else user.name),
                "url": _always(f"{self._site}/{login}"),
            },
        )

    def _repository(self, arguments: Arguments) -> Node:
        full_name = f"{arguments.get('owner')}/{arguments.get('name')}"
        found = self._parts.directory.find(full_name)
        if found is None or self._caller.role_in(found) is None:
            raise LookupError(f"Could not resolve to a Repository with the name '{full_name[:200]}'.")
        return self._describe(found)

    def _describe(self, found: HostedRepository) -> Node:
        owner = {
            "login": _always(found.owner),
            "id": _always(node_id("O", owner_id(found.owner))),
            "url": _always(f"{self._site}/{found.owner}"),
        }
        branch = Node("Ref", {"name": _always(found.default_branch)})
        never = _always(False)
        return Node(
            "Repository",
            {
                "id": _always(node_id("R", found.id)),
                "databaseId": _always(found.id),
                "name": _always(found.name),
                "nameWithOwner": _always(found.full_name),
                "owner": _always(Node("Organization", owner)),
                "description": _always(None),
                "url": _always(f"{self._site}/{found.full_name}"),
                "isPrivate": _always(found.is_private),
                "isFork": never,
                "isArchived": never,
                "hasIssuesEnabled": never,
                "hasWikiEnabled": never,
                "mergeCommitAllowed": never,
                "rebaseMergeAllowed": never,
                "squashMergeAllowed": never,
                "parent": _always(None),
                "viewerPermission": _always(_PERMISSIONS[self._caller.role_in(found) or "reader"]),
                "defaultBranchRef": _always(branch),
                "pullRequests": lambda arguments: self._pull_requests(found, arguments),
            },
        )

    def _pull_requests(self, found: HostedRepository, arguments: Arguments) -> Node:
        """Those of a head branch that have had runs: no others are known here, for pull requests are the forge's."""
        head = arguments.get("headRefName")
        if not isinstance(head, str) or not head:
            raise LookupError("Pull requests are kept by the forge: this server knows only those of a branch's runs.")
        wanted = RunFilter(branch=head, event="pull_request")
        runs = self._parts.reading.list(found, wanted, 0, _MOST_RUNS)[1]
        numbers = {pull.number: None for run in runs for pull in run.pull_requests}
        most = arguments.get("first")
        shown = list(numbers)[: most if isinstance(most, int) and most > 0 else _MOST_RUNS]
        return Node(
            "PullRequestConnection",
            {
                "totalCount": _always(len(numbers)),
                "nodes": _always([self._pull_request(found, number) for number in shown]),
            },
        )

    def _pull_request(self, found: HostedRepository, number: int) -> Node:
        return Node("PullRequest", {"number": _always(number), "headRepository": lambda _: self._describe(found)})


def _always(value: Any) -> Callable[[Arguments], Any]:
    return lambda _: value

"""From a request to its handler and back: who asks, whether he may, what he gives, in GitHub's words where it ends early."""

from collections.abc import Awaitable, Callable, Mapping

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from homeport.ports.access import Caller
from homeport.ports.directory import HostedRepository
from homeport.server.api.answers import (
    Answer,
    ApiRefusalError,
    FieldError,
    RightsError,
    answer_refusal,
    render,
)
from homeport.server.api.call import Call, check_allowed, check_owner, refuse_hidden
from homeport.server.api.endpoint import Endpoint
from homeport.server.api.parts import ApiParts
from homeport.server.api.rates import Rate
from homeport.server.auth import find_caller, find_identity, refuse
from homeport.server.limits import client_network
from homeport.server.problems import answer_problem

LARGEST_BODY = 4 << 20
API = "/api/v3"
_WITH_QUERY = frozenset({"GET", "DELETE"})
_NUMBERS = ("per_page", "page")
_LARGEST_NUMBER = 1_000_000


def route_of(endpoint: Endpoint, parts: ApiParts, *, above: str = API) -> Route:
    """The route of an endpoint, below some path. HEAD is GET without its body."""
    return Route(
        above + endpoint.path, _guard(endpoint, parts, above), methods=[endpoint.method], name=endpoint.operation
    )


def _guard(endpoint: Endpoint, parts: ApiParts, above: str) -> Callable[[Request], Awaitable[Response]]:
    def tell(request: Request, error: ApiRefusalError) -> Response:
        if above == API:
            return answer_refusal(error, endpoint.documentation)
        return answer_problem(request.url.path, error.status, error.message, headers=error.headers)

    async def answer(request: Request) -> Response:
        caller = await find_caller(request)
        who = _who(caller, request)
        rate = parts.rates.show(who) if endpoint.operation == "rate-limit/get" else parts.rates.count(who)
        try:
            if rate.is_over:
                raise ApiRefusalError(403, f"API rate limit exceeded for {caller.login or 'this address'}.")
            body = b"" if endpoint.method in _WITH_QUERY else await read_body(request)
            done = await run_in_threadpool(_carry_out, endpoint, parts, request, rate, body)
            response = render(
                done, request.headers.get("if-none-match", ""), is_conditional=request.method in {"GET", "HEAD"}
            )
        except ApiRefusalError as error:
            if isinstance(error, RightsError):
                refuse(request, error.status, error.message, request.url.path)
            response = tell(request, error)
        except HTTPException as error:  # another part's refusal
            response = tell(request, ApiRefusalError(error.status_code, error.detail))
        response.headers.update(_common_headers(caller))
        response.headers.update(rate.headers)
        return response

    return answer


def _carry_out(endpoint: Endpoint, parts: ApiParts, request: Request, rate: Rate, body: bytes) -> Answer:
    caller = find_identity(request).caller
    found = _find_repository(request, parts, caller) if "repo" in request.path_params else None
    if found is not None and caller.role_in(found) is None:
        request.state.refusal = (found.full_name, "Not Found")  # for the audit log: the answer does not tell
    if found is not None and endpoint.permission is not None:
        check_allowed(caller, endpoint.permission, found)
    elif not endpoint.is_open and caller.kind == "anonymous":
        raise RightsError(401, "Requires authentication")
    elif endpoint.permission is not None and endpoint.permission.is_owners:
        check_owner(caller, endpoint.permission, request.path_params["org"])
    call = Call(request, parts, caller, found, rate, endpoint.group)
    return endpoint.handler(call, _take(endpoint, request, body))


def _find_repository(request: Request, parts: ApiParts, caller: Caller) -> HostedRepository:
    found = parts.directory.find(f"{request.path_params['owner']}/{request.path_params['repo']}")
    if found is not None:
        return found
    if caller.kind == "anonymous":
        refuse_hidden(caller)
    raise ApiRefusalError(404, "Not Found")  # nobody was kept from anything


def _take(endpoint: Endpoint, request: Request, body: bytes) -> msgspec.Struct:
    """The query or the body as what the handler expects."""
    try:
        if endpoint.method in _WITH_QUERY:
            return msgspec.convert(_read_query(request.query_params), endpoint.given, strict=False)
        return msgspec.json.decode(body or b"{}", type=endpoint.given)
    except msgspec.ValidationError as error:
        wrong, _, place = str(error).partition(" - at `$.")
        field = place.rstrip("`") or "body"
        code = "missing_field" if "missing required field" in wrong else "invalid"
        told = FieldError(resource=endpoint.group, field=field, code=code, message=wrong)
        raise ApiRefusalError(422, f"Invalid request. {error}", errors=[told]) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ApiRefusalError(400, "Problems parsing JSON") from error


def _read_query(query: Mapping[str, str]) -> dict[str, str]:
    """Numbers of pages that are none are left out, and large ones cut: GitHub answers with the default, or an empty page."""
    given = dict(query)
    for name in _NUMBERS:
        text = given.get(name, "")
        if not (text.isascii() and text.isdigit()):
            given.pop(name, None)
        else:
            given[name] = str(min(int(text[:8]), _LARGEST_NUMBER))
    return given


async def read_body(request: Request) -> bytes:
    """All of it. Raises `ApiRefusalError` where that is too much."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_BODY:
            raise ApiRefusalError(413, f"The body is larger than {LARGEST_BODY} bytes.")
    return bytes(body)


def _who(caller: Caller, request: Request) -> str:
    if caller.kind == "anonymous":
        return f"address {client_network(request.scope)}"
    return f"{caller.kind} {caller.login} {caller.run}"


def _common_headers(caller: Caller) -> dict[str, str]:
    """What clients look at. The scopes are those of a classic token: `gh auth status` refuses to go on without `repo`."""
    headers = {
        "x-github-media-type": "github.v3; format=json",
        "x-github-api-version-selected": "2022-11-28",
        "x-content-type-options": "nosniff",
    }
    if caller.kind == "user":
        headers["x-oauth-scopes"] = ", ".join(scopes_of(caller))
        headers["x-accepted-oauth-scopes"] = ""
    return headers


def scopes_of(caller: Caller) -> list[str]:
    """A token's scopes in GitHub's words: those by which clients decide what they may try."""
    if caller.scopes is None or "admin" in caller.scopes:
        return ["admin:org", "read:org", "repo", "workflow"]
    return ["read:org", "repo", "workflow"] if "write" in caller.scopes else ["read:org", "repo"]

"""The web application: every front door of the server, in the order in which they are tried."""

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import BaseRoute

from homeport.server import access, api_runs, badges, health, identity_tokens, interfaces, logs, operation_forms, pages
from homeport.server.api_forges import ForgesApi
from homeport.server.api_people import PeopleApi
from homeport.server.api_repositories import RepositoriesApi
from homeport.server.error_edge import ErrorEdge, answer_refusal
from homeport.server.forge_administration import open_forges
from homeport.server.metrics import Timing
from homeport.server.pages.rendering import Pages
from homeport.server.parts import ServerParts


def build_app(parts: ServerParts, shown: Pages | None = None) -> Starlette:
    """What is served to people, forges and programs. Starting and stopping its parts is the caller's (`server.lifecycle`). `shown` makes
    the pages: who hands it in may have it prepared.
    """
    shown = shown or pages.open_pages(parts)
    routes: list[BaseRoute] = [
        *health.routes(parts),
        *parts.metrics.routes,
        *access.sign_in_routes(parts.access),
        *parts.happenings.routes,
        *identity_tokens.routes(parts),
        *interfaces.routes(parts),
        *PeopleApi(parts.access).routes,
        *RepositoriesApi(parts.access, parts.directory, parts.forks).routes,
        *ForgesApi(open_forges(parts), parts.directory).routes,
        *api_runs.routes(parts),
        *logs.routes(parts),
        *operation_forms.routes(parts),
        *badges.routes(parts),
        *pages.routes(parts, shown),
    ]
    headers, identification = access.middleware(parts.access)
    middleware = [
        Middleware(Timing, metrics=parts.metrics),
        headers,
        pages.middleware(shown),
        Middleware(ErrorEdge),
        identification,
    ]
    return Starlette(routes=routes, middleware=middleware, exception_handlers={HTTPException: answer_refusal})

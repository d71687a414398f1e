"""What programs call, put together: GitHub's interface, every build as JSON, and the description of both."""

from starlette.routing import BaseRoute

from homeport.server import openapi_pages
from homeport.server.api.guard import route_of
from homeport.server.api.opening import open_api, routes_of
from homeport.server.legacy_logs import BuildLogs, endpoints_of
from homeport.server.parts import ServerParts


def routes(parts: ServerParts) -> list[BaseRoute]:
    """`/api/…`, `/logs`, `/openapi.json`, `/docs`, `/redoc`."""
    api = open_api(parts)
    builds = endpoints_of(BuildLogs(parts.history, parts.logs))
    return [
        *routes_of(api),
        *(route_of(each, api, above="") for each in builds),
        *openapi_pages.routes(parts, builds),
    ]

"""Puts the services together: one application, for a local run and for a server."""

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from homeport.ports.repositories import StoreError
from homeport.toolkit.answers import RefusalError, answer_refusal, explain_failure
from homeport.toolkit.artifact_service import ArtifactService
from homeport.toolkit.blobs import Blobs
from homeport.toolkit.cache_service import CacheService, Caching
from homeport.toolkit.cache_v1 import CacheV1
from homeport.toolkit.git_server import GitServer
from homeport.toolkit.identity import Identity
from homeport.toolkit.parts import Parts
from homeport.toolkit.rest import Rest
from homeport.toolkit.rest_forwarding import RestForwarding
from homeport.toolkit.twirp import PREFIX, answer_call
from homeport.toolkit.uploads import Uploads


class Services(msgspec.Struct, frozen=True):
    """The application, and the uploads that whoever carries it has to remove: a job's when it ends, all at the end."""

    application: Starlette
    uploads: Uploads


def build_services(parts: Parts) -> Services:
    """The application over its parts. Every answer is JSON, but those of git; what goes wrong has a message and leaves nothing."""
    uploads = Uploads(parts.uploads_folder, parts.limits)
    caching = Caching(parts, uploads)
    artifacts, caches = ArtifactService(parts, uploads), CacheService(parts, uploads, caching)

    async def call_artifacts(request: Request) -> Response:
        return await answer_call(request, parts, artifacts.methods)

    async def call_caches(request: Request) -> Response:
        return await answer_call(request, parts, caches.methods)

    async def tell_of_fault(_: Request, error: Exception) -> Response:
        # raised by the framework from an error that came too late to be answered: the archive went, the caller did
        if not isinstance(error.__cause__, (OSError, RefusalError, ClientDisconnect)):
            parts.on_fault(error)
        return answer_refusal(500, f"Homeport failed: {type(error).__name__}.")

    application = Starlette(
        routes=[
            Route(f"{PREFIX}.ArtifactService/{{method}}", call_artifacts, methods=["POST"]),
            Route(f"{PREFIX}.CacheService/{{method}}", call_caches, methods=["POST"]),
            *Blobs(parts, uploads).routes,
            *CacheV1(parts, uploads, caching).routes,
            *Identity(parts).routes,
            *(Rest(parts) if parts.ask_server is None else RestForwarding(parts, parts.ask_server)).routes,
            *GitServer(parts).routes,
        ],
        exception_handlers={
            RefusalError: _refuse,
            OSError: _fail,
            StoreError: _fail,
            ClientDisconnect: _hang_up,
            HTTPException: _miss,
            Exception: tell_of_fault,
        },
    )
    return Services(application, uploads)


async def _refuse(_: Request, error: Exception) -> Response:
    assert isinstance(error, RefusalError)
    return answer_refusal(error.status, error.message)


async def _fail(_: Request, error: Exception) -> Response:
    cause = error if isinstance(error, OSError) else error.__cause__
    refusal = explain_failure(cause if isinstance(cause, OSError) else OSError())
    return answer_refusal(refusal.status, refusal.message)


async def _hang_up(_: Request, __: Exception) -> Response:
    return answer_refusal(499, "The request was cut off.")


async def _miss(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return answer_refusal(error.status_code, f"There is nothing at {request.method} {request.url.path[:200]} here.")

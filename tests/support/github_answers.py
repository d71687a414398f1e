"""What GitHub's published description says of its answers: npm's `@octokit/openapi`, as JSON schema."""

import functools
import re
from collections.abc import Mapping
from typing import Any

import jsonschema
import msgspec

from tests.support.forges.schema import GITHUB_PACKAGES
from tests.support.parts import require_npm_packages


class Published:
    """The description, looked up by what was asked."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self._paths = [
            (re.compile(re.sub(r"\\{(\w+)\\}", _group, re.escape(path))), path) for path in document["paths"]
        ]
        self._converted: dict[str, Any] = {}

    def find_path(self, method: str, path: str) -> str | None:
        """The published path, `{names}` in it, that an address (without `/api/v3`) is one of; None where there is none."""
        found = [
            written
            for pattern, written in self._paths
            if pattern.fullmatch(path) and method.lower() in self._document["paths"][written]
        ]
        return max(found, key=lambda written: len(re.sub(r"\{\w+\}", "", written)), default=None)

    def operation(self, method: str, written: str) -> Mapping[str, Any]:
        """What is published of an operation."""
        found: Mapping[str, Any] = self._document["paths"][written][method.lower()]
        return found

    def find_faults(self, method: str, written: str, status: int, body: Any) -> list[str]:
        """Where an answer is not as published."""
        answers = self.operation(method, written)["responses"]
        if str(status) not in answers:
            return [f"{status} is not published: {', '.join(answers)}"]
        content = self._follow(answers[str(status)]).get("content", {}).get("application/json")
        if content is None:
            return [] if body is None else ["there is a body, and none is published"]
        schema = self._convert(content["schema"])
        validator = jsonschema.Draft202012Validator({**schema, "$defs": self._converted})
        return [f"{error.json_path}: {error.message[:200]}" for error in validator.iter_errors(body)]

    def _follow(self, value: Any) -> Any:
        while "$ref" in value:
            found: Any = self._document
            for name in value["$ref"].removeprefix("#/").split("/"):
                found = found[name]
            value = found
        return value

    def _convert(self, schema: Any) -> Any:
        """OpenAPI 3.0's dialect as JSON schema: `nullable` is its own; what is referred to is converted once."""
        if isinstance(schema, list):
            return [self._convert(each) for each in schema]
        if not isinstance(schema, dict):
            return schema
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            if name not in self._converted:
                self._converted[name] = {}  # it may refer to itself
                self._converted[name] = self._convert(self._follow(schema))
            return {"$ref": f"#/$defs/{name}"}
        made = {
            name: {key: self._convert(value) for key, value in inner.items()}
            if name == "properties"
            else self._convert(inner)
            for name, inner in schema.items()
            if name not in {"nullable", "example", "examples", "description", "title", "default", "format"}
        }
        return {"anyOf": [made, {"type": "null"}]} if schema.get("nullable") else made


@functools.cache
def published() -> Published:
    """Skips the calling test where the package cannot be had."""
    folder = require_npm_packages(GITHUB_PACKAGES)
    text = (folder / "@octokit" / "openapi" / "generated" / "api.github.com.json").read_bytes()
    return Published(msgspec.json.decode(text))


def _group(found: re.Match[str]) -> str:
    """Paths of files and names of refs have slashes in them."""
    return r".+" if found.group(1) in {"path", "ref", "branch"} else r"[^/]+"

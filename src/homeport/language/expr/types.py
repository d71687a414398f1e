"""What kind of value an expression gives, as far as that is known before it runs.

The tables are GitHub's documentation ("Contexts reference") and the workflow schema of actions/languageservices.
"""

from collections.abc import Iterable, Mapping
from functools import reduce
from typing import Any, Literal, TypeAlias, assert_never

import msgspec

ScalarKind = Literal["any", "null", "boolean", "number", "string"]
_LONGEST_RENDERING = 100
_MOST_RENDERED = 100


class ScalarType(msgspec.Struct, frozen=True):
    """A value with nothing in it; `any` where nothing is known."""

    kind: ScalarKind


class ArrayType(msgspec.Struct, frozen=True):
    """An array. `filtered` ones come from `.*`: keys after it apply to each item."""

    element: "Type"
    filtered: bool = False


class ObjectType(msgspec.Struct, frozen=True):
    """An object with these properties and, where `rest` is given, any others of that type; without it there are no others."""

    properties: "Mapping[str, Type]" = {}
    rest: "Type | None" = None

    def find(self, name: str) -> "Type | None":
        """The type of a property, found ignoring case; None where the object cannot have it."""
        exact = self.properties.get(name)
        if exact is not None:
            return exact
        folded = name.lower()
        for known, known_type in self.properties.items():
            if known.lower() == folded:
                return known_type
        return self.rest


Type: TypeAlias = ScalarType | ArrayType | ObjectType

ANY = ScalarType("any")
NULL = ScalarType("null")
BOOLEAN = ScalarType("boolean")
NUMBER = ScalarType("number")
STRING = ScalarType("string")
ANY_ARRAY = ArrayType(ANY)
ANY_OBJECT = ObjectType({}, ANY)
STRINGS = ObjectType({}, STRING)
"""An object whose every property is a string, such as `env`."""


def merge_types(one: Type, other: Type) -> Type:
    """What is known of a value that has one type or the other.

    Text absorbs numbers and booleans; an object has the properties of both; nothing is known of other mixtures.
    """
    if one == other:
        return one
    match one, other:
        case ScalarType(), ScalarType():
            kinds = {one.kind, other.kind}
            return STRING if "string" in kinds and kinds <= {"string", "number", "boolean"} else ANY
        case ArrayType(), ArrayType():
            return ArrayType(merge_types(one.element, other.element), one.filtered and other.filtered)
        case ObjectType(), ObjectType():
            return _merge_objects(one, other)
        case _:
            return ANY


def _merge_objects(one: ObjectType, other: ObjectType) -> ObjectType:
    properties = dict(one.properties)
    for name, known in other.properties.items():
        mine = properties.get(name)
        properties[name] = known if mine is None else merge_types(mine, known)
    if one.rest is None or other.rest is None:
        return ObjectType(properties, one.rest or other.rest)
    return ObjectType(properties, merge_types(one.rest, other.rest))


def merge_all(types: Iterable[Type]) -> Type:
    """What is known of a value that has one of the types; of none at all, nothing."""
    found = list(types)
    return reduce(merge_types, found) if found else ANY


def type_of(value: Any) -> Type:
    """The type of a value that is known already: a constant, or what a literal matrix holds."""
    if value is None:
        return NULL
    if isinstance(value, bool):
        return BOOLEAN
    if isinstance(value, str):
        return STRING
    if isinstance(value, list):
        return ArrayType(merge_all(type_of(item) for item in value))
    if isinstance(value, dict):
        return ObjectType({key: type_of(item) for key, item in value.items()})
    return NUMBER


def render_type(shown: Type) -> str:
    """A type in words, for a message."""
    match shown:
        case ScalarType():
            return shown.kind
        case ArrayType():
            return "array" if shown.element == ANY else f"array of {render_type(shown.element)}"
        case ObjectType():
            return _render_object(shown)
        case _:
            assert_never(shown)


def noun_of(shown: Type) -> str:
    """The kind of a type in one word."""
    match shown:
        case ScalarType():
            return shown.kind
        case ArrayType():
            return "array"
        case ObjectType():
            return "object"
        case _:
            assert_never(shown)


def describe_type(shown: Type) -> str:
    """The kind of a type with its article, for a sentence."""
    noun = noun_of(shown)
    return "null" if noun == "null" else f"{'an' if noun[0] in 'ao' else 'a'} {noun}"


def _render_object(shown: ObjectType) -> str:
    if shown == ANY_OBJECT:
        return "object"
    if len(shown.properties) > _MOST_RENDERED:
        return f"an object with {len(shown.properties):,} properties"
    parts = [f"{name}: {render_type(known)}" for name, known in sorted(shown.properties.items())]
    if shown.rest is not None:
        parts.append(f"…: {render_type(shown.rest)}")
    text = "{" + ", ".join(parts) + "}"
    if len(text) <= _LONGEST_RENDERING:
        return text
    names = "{" + ", ".join(sorted(shown.properties)) + "}"
    return names if len(names) <= _LONGEST_RENDERING else f"{names[:_LONGEST_RENDERING]}…}}"


class TypeMistake(msgspec.Struct, frozen=True):
    """One mistake that the types show, at a 0-based place in the source."""

    offset: int
    message: str
    hint: str | None = None


# --- contexts --------------------------------------------------------------------------------------------------------

_GITHUB_STRINGS = [
    "action",
    "action_path",
    "action_ref",
    "action_repository",
    "action_status",
    "actor",
    "actor_id",
    "api_url",
    "artifact_cache_size_limit",
    "artifacts",
    "artifacts_list",
    "base_ref",
    "env",
    "event_name",
    "event_path",
    "graphql_url",
    "head_ref",
    "job",
    "job_workflow_sha",
    "output",
    "path",
    "ref",
    "ref_name",
    "ref_type",
    "repository",
    "repository_id",
    "repository_owner",
    "repository_owner_id",
    "repositoryUrl",
    "repository_visibility",
    "retention_days",
    "run_attempt",
    "run_id",
    "run_number",
    "secret_source",
    "server_url",
    "sha",
    "state",
    "step_summary",
    "token",
    "triggering_actor",
    "workflow",
    "workflow_ref",
    "workflow_sha",
    "workspace",
]


def github_type(event: Type = ANY_OBJECT) -> ObjectType:
    """The `github` context, with what is known of its event."""
    strings: dict[str, Type] = dict.fromkeys(_GITHUB_STRINGS, STRING)
    return ObjectType({**strings, "event": event, "ref_protected": BOOLEAN})


def step_type(outputs: Type = STRINGS) -> ObjectType:
    """One entry of `steps`."""
    return ObjectType({"outputs": outputs, "outcome": STRING, "conclusion": STRING})


def job_result_type(outputs: Type = STRINGS) -> ObjectType:
    """One entry of `needs`, or of `jobs` in the outputs of a reusable workflow."""
    return ObjectType({"outputs": outputs, "result": STRING})


CONTEXTS: Mapping[str, Type] = {
    "github": github_type(),
    "env": STRINGS,
    "vars": STRINGS,
    "secrets": STRINGS,
    "inputs": ANY_OBJECT,
    "matrix": ANY_OBJECT,
    "needs": ObjectType({}, job_result_type()),
    "jobs": ObjectType({}, job_result_type()),
    "steps": ObjectType({}, step_type()),
    "job": ObjectType(
        {
            "status": STRING,
            "check_run_id": NUMBER,
            "container": ObjectType({"id": STRING, "network": STRING}),
            "services": ObjectType({}, ObjectType({"id": STRING, "network": STRING, "ports": STRINGS})),
            "workflow_ref": STRING,
            "workflow_sha": STRING,
            "workflow_repository": STRING,
            "workflow_file_path": STRING,
        }
    ),
    "runner": ObjectType(
        dict.fromkeys(("name", "os", "arch", "temp", "tool_cache", "debug", "environment", "workspace"), STRING)
    ),
    "strategy": ObjectType({"fail-fast": BOOLEAN, "job-index": NUMBER, "job-total": NUMBER, "max-parallel": NUMBER}),
}
"""The contexts as they are where nothing of the workflow is known. A rule replaces what it knows better, such as `steps`."""


# --- functions -------------------------------------------------------------------------------------------------------


class Signature(msgspec.Struct, frozen=True):
    """One way to call a function: the types it takes, that of any further arguments, and what it gives."""

    parameters: tuple[Type, ...]
    rest: Type | None
    result: Type


_STATUS = (Signature((), STRING, BOOLEAN),)
SIGNATURES: Mapping[str, tuple[Signature, ...]] = {
    "contains": (Signature((STRING, STRING), None, BOOLEAN), Signature((ANY_ARRAY, ANY), None, BOOLEAN)),
    "startswith": (Signature((STRING, STRING), None, BOOLEAN),),
    "endswith": (Signature((STRING, STRING), None, BOOLEAN),),
    "format": (Signature((STRING,), ANY, STRING),),
    "join": (Signature((ArrayType(STRING),), STRING, STRING), Signature((STRING,), STRING, STRING)),
    "tojson": (Signature((ANY,), None, STRING),),
    "fromjson": (Signature((STRING,), None, ANY),),
    "hashfiles": (Signature((STRING,), STRING, STRING),),
    "success": _STATUS,
    "failure": _STATUS,
    "always": _STATUS,
    "cancelled": _STATUS,
}
"""By lower-case name. `case` is not here: its arguments alternate."""


def accepts(parameter: Type, argument: Type) -> bool:
    """Whether an argument makes sense for a parameter: an object that would become the text `Object` does not, nor a boolean."""
    if ANY in (parameter, argument):
        return True
    if parameter == STRING:
        return argument in (STRING, NUMBER)
    if isinstance(parameter, ArrayType):
        return isinstance(argument, ArrayType) and accepts(parameter.element, argument.element)
    return parameter == argument

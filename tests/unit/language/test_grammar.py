"""The grammar against GitHub's two published schemas: nothing that they know is missing here, and each key has its contexts."""

import json
from typing import Any

import pytest

from homeport.language.action_grammar import ACTION
from homeport.language.availability import AVAILABILITY
from homeport.language.grammar import WORKFLOW
from homeport.language.grammar_model import Choice, Mapping, Value
from tests.support.conformance import conformance_folder

Schema = dict[str, Any]

SCALARS = ("string", "boolean", "number", "null")
DIFFERENCES = {
    "jobs.<>.container.env.<>": "the docs' table leaves out `steps`, which nothing has run yet",
    "jobs.<>.services.<>.env.<>": "likewise",
    "jobs.<>.snapshot": "the runner's schema allows the contexts of a job here, the other one none",
    "jobs.<>.snapshot.image-name": "likewise",
    "jobs.<>.snapshot.version": "likewise",
    "jobs.<>.snapshot.if": "the runner's schema allows what a step's `if` may use, the other one less",
    "jobs.<>.steps[].parallel[]": "the docs allow only steps that run or use something inside `parallel`",
    "runs.pre-if": "the runner reads it as text, and as an expression later",
    "runs.post-if": "likewise",
    "runs.plugin": "for the runner's own use",
    "name": "the runner does without; it is reported, and not refused",
    "description": "likewise",
}
"""Where the grammar differs from a schema on purpose."""


def load_schema(name: str) -> Schema:
    path = conformance_folder() / name
    if not path.exists():
        pytest.skip(f"the schema {name} is absent: set HOMEPORT_CONFORMANCE to its folder")
    schema: Schema = json.loads(path.read_text("utf-8-sig"))["definitions"]
    return schema


class Comparison:
    """Walks a schema and the grammar side by side; what the grammar lacks is added to `missing`."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self.missing: list[str] = []
        self._active: list[str] = []

    def compare(self, name: str, contexts: frozenset[str], value: Value, at: str, path: str) -> None:
        if (mark := f"{name} {path}") in self._active or value.anything:
            return
        self._active.append(mark)
        at = value.at or at
        for alternative, own in self._alternatives(name, contexts):
            self._compare_one(alternative, own, value, at, path)
        self._active.pop()

    def _alternatives(self, name: str, contexts: frozenset[str]) -> list[tuple[Schema, frozenset[str]]]:
        definition: Schema = {name: {}} if name in {*SCALARS, "sequence", "mapping", "any"} else self.schema[name]
        contexts = contexts | frozenset(definition.get("context", ()))
        if "one-of" in definition:
            return [pair for inner in definition["one-of"] for pair in self._alternatives(inner, contexts)]
        return [(definition, contexts)]

    def _compare_one(self, definition: Schema, contexts: frozenset[str], value: Value, at: str, path: str) -> None:
        self._compare_contexts(contexts, at, path)
        for kind in SCALARS:
            if kind in definition:
                self._expect(kind in value.scalars or (kind == "null" and "string" in value.scalars), path, kind)
                constant = definition[kind].get("constant")
                self._expect(
                    constant is None or not value.one_of or constant in value.one_of, path, f"the text {constant}"
                )
        for allowed in definition.get("allowed-values", ()):
            self._expect(allowed in value.one_of or not value.one_of, path, f"the text {allowed}")
        if "sequence" in definition:
            self._expect(value.items is not None, path, "a list")
            item = definition["sequence"].get("item-type")
            if value.items is not None and item is not None:
                self.compare(item, contexts, value.items, at, f"{path}[]")
        if "mapping" in definition:
            self._compare_mapping(definition["mapping"], contexts, value, at, path)

    def _compare_mapping(self, mapping: Schema, contexts: frozenset[str], value: Value, at: str, path: str) -> None:
        keys = mapping.get("properties", {})
        ours = _choose(value.mapping, set(keys))
        self._expect(ours is not None, path, "a mapping")
        if ours is None:
            return
        for key, child in keys.items():
            child_name = child if isinstance(child, str) else child["type"]
            known = ours.keys.get(key)
            below = f"{path}.{key}".lstrip(".")
            self._expect(known is not None, below, "the key")
            if known is not None:
                self.compare(child_name, contexts, known, at, below)
            required = isinstance(child, dict) and child.get("required", False)
            self._expect(not required or key in ours.required, below, "that it is required")
        if "loose-value-type" in mapping and mapping["loose-value-type"] != "any":
            self._expect(ours.named is not None, path, "names of one's own")
            if ours.named is not None:
                self.compare(mapping["loose-value-type"], contexts, ours.named, at, f"{path}.<>".lstrip("."))

    def _compare_contexts(self, contexts: frozenset[str], at: str, path: str) -> None:
        names = {context for context in contexts if "(" not in context}
        functions = {context.partition("(")[0] for context in contexts if "(" in context}
        available = AVAILABILITY[at] if at else None
        allowed = available.contexts if available else frozenset[str]()
        callable_here = available.functions if available else frozenset[str]()
        self._expect(names == allowed, path, f"contexts {sorted(names)} at {at!r}")
        self._expect(functions == callable_here, path, f"functions {sorted(functions)}")

    def _expect(self, holds: bool, path: str, what: str) -> None:
        if not holds and not any(path == known or path.startswith(f"{known}.") for known in DIFFERENCES):
            self.missing.append(f"{path}: {what}")


def _choose(mapping: Mapping | Choice | None, keys: set[str]) -> Mapping | None:
    """Of the mappings of a choice, the one that has most of the keys."""
    if not isinstance(mapping, Choice):
        return mapping
    candidates = [*mapping.decides.values(), *mapping.by_value.values()]
    return max(candidates, key=lambda candidate: (len(keys & candidate.keys.keys()), -len(candidate.keys)))


def compare(schema_name: str, root: str, value: Value) -> list[str]:
    comparison = Comparison(load_schema(schema_name))
    comparison.compare(root, frozenset(), value, "", "")
    return comparison.missing


def test_the_workflow_grammar_knows_all_of_the_language_services_schema() -> None:
    assert compare("languageservices/workflow-v1.0.json", "workflow-root-strict", WORKFLOW) == []


def test_the_workflow_grammar_knows_all_of_the_runners_schema() -> None:
    assert compare("runner/workflow-v1.0.json", "workflow-root", WORKFLOW) == []


def test_the_action_grammar_knows_all_of_the_language_services_schema() -> None:
    assert compare("languageservices/action-v1.0.json", "action-root-strict", ACTION) == []


def test_the_action_grammar_knows_all_of_the_runners_schema() -> None:
    assert compare("runner/action_yaml.json", "action-root", ACTION) == []


def test_every_key_of_the_grammar_names_known_contexts() -> None:
    unknown = {at for at in _find_places(WORKFLOW) | _find_places(ACTION) if at not in AVAILABILITY}
    assert unknown == set()


def _find_places(value: Value) -> set[str]:
    places = {value.at} - {""}
    if value.items is not None:
        places |= _find_places(value.items)
    mappings = [value.mapping] if isinstance(value.mapping, Mapping) else []
    if isinstance(value.mapping, Choice):
        mappings = [*value.mapping.decides.values(), *value.mapping.by_value.values()]
    for mapping in mappings:
        for child in (*mapping.keys.values(), *([mapping.named] if mapping.named else [])):
            places |= _find_places(child)
    return places

"""The parser against GitHub's own cases: actions/languageservices `workflow-parser/testdata/reader` (MIT licence)."""

import re
from typing import Any

import pytest

from homeport.diagnostics.diagnostic import Diagnostic
from homeport.language.calls import CallLimits, check_calls
from homeport.language.nodes import Workflow
from homeport.language.parser.workflow import parse_workflow
from homeport.language.yaml_nodes import YamlMapping, YamlNode, YamlScalar, YamlSequence
from homeport.language.yaml_reader import Limits, read_yaml
from tests.support.conformance import load_cases, require_cases
from tests.support.workflow_shape import Shaper, normalize

DATA = "parser/cases.jsonl"
CASES = [
    case for case in load_cases(DATA) if case["name"] != "errors-anchor-tag.yml"
]  # anchors are allowed since September 2025
READ = [case for case in CASES if "expect_errors" not in case]
REFUSED = [case for case in CASES if "expect_errors" in case]

_PLACE = re.compile(r"(?:\(Line: (\d+), Col: (\d+)\)|on line (\d+) and column (\d+))")


def test_the_published_cases_are_there() -> None:
    require_cases(DATA)
    assert len(CASES) == 129


@pytest.mark.parametrize("case", READ, ids=[case["name"] for case in READ])
def test_a_workflow_is_read_as_github_reads_it(case: dict[str, Any]) -> None:
    reader = _Reader(case)
    workflow, diagnostics = reader.parse_root()
    assert workflow is not None
    texts = reader.texts if case["options"].get("include-source") else None
    shaper = Shaper(lambda reference: (reader.load(reference) or (None, []))[0], texts)
    shape = shaper.shape_workflow(workflow, with_events="events" in case["expect"])
    assert shape == normalize(case["expect"])
    refused = [diagnostic for diagnostic in diagnostics if diagnostic.invalid]
    # GitHub's service refuses two opposite filters for one event after its parser has read them.
    assert [diagnostic for diagnostic in refused if "cannot both filter" not in diagnostic.message] == []
    assert check_calls(workflow, reader.load, **reader.call_options) == []


@pytest.mark.parametrize("case", REFUSED, ids=[case["name"] for case in REFUSED])
def test_a_mistake_is_found_where_github_finds_it(case: dict[str, Any]) -> None:
    reader = _Reader(case)
    workflow, diagnostics = reader.parse_root()
    if workflow is not None:
        diagnostics = [*diagnostics, *check_calls(workflow, reader.load, **reader.call_options)]
    refused = [diagnostic for diagnostic in diagnostics if diagnostic.invalid]
    if "C#" in case["options"].get("skip", []):  # then GitHub's service reads over it
        refused = diagnostics
    assert refused
    known: set[tuple[str, int, int]] = set()
    for expected in case["expect_errors"]:
        file = next(name for name in reader.texts if name in expected)
        place = _PLACE.search(expected)
        if place is None:  # a limit of the whole file
            return
        line, column = (int(number) for number in place.groups() if number is not None)
        allowed = {(file, *place) for place in _places_around(reader.texts[file], line, column)}
        assert any(_place_of(diagnostic) in allowed for diagnostic in refused), (expected, diagnostics)
        known |= allowed
    assert [diagnostic for diagnostic in refused if _place_of(diagnostic) not in known] == []


class _Reader:
    """Reads the files of one case."""

    def __init__(self, case: dict[str, Any]) -> None:
        options = case["options"]
        self.root = f".github/workflows/{case['name']}"
        self.texts: dict[str, str] = {self.root: case["workflow"], **case["files"]}
        extra = case.get("extra_docs") or []
        self.texts.update(zip(extra[::2], extra[1::2], strict=True))
        size = options.get("max-result-size", Limits().size)
        self.limits = Limits(
            depth=options.get("max-depth", Limits().depth),
            characters=options.get("max-file-size", Limits().characters),
            size=size,
        )
        levels = 1 + options.get("max-nested-reusable-workflows-depth", 9)
        self.call_options: dict[str, Any] = {
            "limits": CallLimits(levels=levels, size=size),
            "default_permissions": "read" if options.get("permissions-policy") == "LimitedRead" else "write",
        }

    def parse_root(self) -> tuple[Workflow | None, list[Diagnostic]]:
        return parse_workflow(self.texts[self.root], self.root, self.limits)

    def load(self, reference: str) -> tuple[Workflow | None, list[Diagnostic]] | None:
        if reference not in self.texts:
            return None
        return parse_workflow(self.texts[reference], reference, self.limits)


def _place_of(diagnostic: Diagnostic) -> tuple[str, int, int]:
    return diagnostic.span.file, diagnostic.span.line, diagnostic.span.column


def _places_around(text: str, line: int, column: int) -> set[tuple[int, int]]:
    """The place itself, the places inside the scalar that begins there, and the key of the mapping that does."""
    document, _ = read_yaml(text, "")
    assert document is not None
    return {(line, column)} | _find_places(document.root, line, column)


def _find_places(node: YamlNode, line: int, column: int) -> set[tuple[int, int]]:
    match node:
        case YamlScalar():
            if (node.span.line, node.span.column) != (line, column):
                return set()
            return {(line, inside) for inside in range(column, node.span.end_column)}
        case YamlSequence():
            return set().union(*(_find_places(item, line, column) for item in node.items))
        case YamlMapping():
            places: set[tuple[int, int]] = set()
            for key, value in node.pairs:
                if isinstance(value, YamlMapping) and (value.span.line, value.span.column) == (line, column):
                    places.add((key.span.line, key.span.column))
                places |= _find_places(key, line, column) | _find_places(value, line, column)
            return places

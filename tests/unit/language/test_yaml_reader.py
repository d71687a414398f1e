"""YAML 1.2's core schema, with places: golden rows, limits, encodings, and the library's two halves."""

from collections.abc import Callable
from typing import Any

import pytest
import yaml
from yaml._yaml import CParser

from homeport.diagnostics.span import Span
from homeport.language.yaml_nodes import YamlMapping, YamlNode, YamlScalar, YamlSequence, find_bare, find_expression
from homeport.language.yaml_reader import Limits, read_yaml
from tests.support.cases import read_rows

ROWS = read_rows("language/yaml.jsonl")
FILE = "w.yml"


def plain(node: YamlNode) -> Any:
    match node:
        case YamlSequence():
            return [plain(item) for item in node.items]
        case YamlMapping():
            return {key.text: plain(value) for key, value in node.pairs}
        case YamlScalar(kind="string"):
            return node.text
        case YamlScalar(kind="number"):
            return node.text if node.text in {"Infinity", "-Infinity", "NaN"} else node.number
        case YamlScalar(kind="boolean"):
            return node.text == "true"
        case YamlScalar(kind="null"):
            return None
        case YamlScalar(kind="broken"):
            return "?"
    raise AssertionError(node)


def first_scalar(text: str) -> YamlScalar:
    document, _ = read_yaml(text, FILE)
    assert document is not None
    assert isinstance(document.root, YamlMapping)
    scalar = document.root.pairs[0][1]
    assert isinstance(scalar, YamlScalar)
    return scalar


@pytest.mark.parametrize("row", ROWS, ids=[row["about"] for row in ROWS])
def test_a_document_reads_as_the_core_schema_says(row: dict[str, Any]) -> None:
    document, diagnostics = read_yaml(row["text"], FILE)
    found = [f"{diagnostic.span.line}:{diagnostic.span.column} {diagnostic.message}" for diagnostic in diagnostics]
    assert len(found) == len(row["problems"]), found
    for message, expected in zip(found, row["problems"], strict=True):
        assert message.startswith(expected)
    assert (None if document is None else plain(document.root)) == row["root"]


@pytest.mark.parametrize("row", ROWS, ids=[row["about"] for row in ROWS])
def test_both_halves_of_the_library_read_the_same(row: dict[str, Any]) -> None:
    in_c, _ = read_yaml(row["text"], FILE, parser=CParser)
    in_python, _ = read_yaml(row["text"], FILE, parser=yaml.SafeLoader)
    assert repr(in_c) == repr(in_python)  # a NaN is not equal to itself


def test_every_node_has_its_place() -> None:
    text = "a:\n  - 'x y'\n  - {b: c}\nd: |\n  one\n  two\n\n# end\ne:\n"
    document, _ = read_yaml(text, FILE)
    assert document is not None
    root = document.root
    assert isinstance(root, YamlMapping)
    assert root.span == Span(FILE, 1, 1, 9, 3)
    (key, items), (_, block), (_, empty) = root.pairs
    assert key.span == Span(FILE, 1, 1, 1, 2)
    assert isinstance(items, YamlSequence)
    assert items.span == Span(FILE, 2, 3, 3, 11)
    assert items.items[0].span == Span(FILE, 2, 5, 2, 10)
    assert items.items[1].span == Span(FILE, 3, 5, 3, 11)
    assert block.span == Span(FILE, 4, 4, 6, 6)
    assert empty.span == Span(FILE, 9, 3, 9, 3)


def test_an_alias_keeps_the_place_of_its_anchor() -> None:
    document, _ = read_yaml("a: &x [1]\nb: *x\n", FILE)
    assert document is not None
    assert isinstance(document.root, YamlMapping)
    (_, anchored), (_, alias) = document.root.pairs
    assert alias is anchored
    assert alias.span.line == 1


@pytest.mark.parametrize(
    ("text", "line", "columns", "exact"),
    [
        ("a: x ${{ b }} y\n", 1, (10, 11), True),
        ("a: ${{b}}\n", 1, (7, 8), True),
        ("a: '${{ b }}'\n", 1, (9, 10), True),
        ('a: "\\t${{ b }}"\n', 1, (11, 12), True),
        ("a: |\n  one\n  two ${{ b }}\n", 3, (11, 12), True),
        ("a: >-\n  one\n  two ${{ b }}\n", 3, (11, 12), True),
        ("a: &n ${{ b }}\nc: *n\n", 1, (11, 12), True),
        ("a: é ${{ b }}\n", 1, (10, 11), True),
    ],
)
def test_the_place_of_an_expression_is_exact_in_every_style(
    text: str, line: int, columns: tuple[int, int], exact: bool
) -> None:
    place = find_expression(first_scalar(text), "b", 0)
    assert (place.span.line, place.span.column, place.span.end_column) == (line, *columns)
    assert place.exact is exact


def test_the_place_of_an_expression_with_escapes_is_only_where_it_begins() -> None:
    place = find_expression(first_scalar("a: '${{ ''b'' }}'\n"), "'b'", 0)
    assert (place.span.line, place.span.column, place.exact) == (1, 9, False)


def test_the_second_of_two_expressions_is_found() -> None:
    place = find_expression(first_scalar("a: ${{ b }}${{ b }}\n"), "b", 1)
    assert place.span.column == 16


@pytest.mark.parametrize(
    ("text", "column"), [("a: b == c\n", 4), ("a: 'b == c'\n", 5), ("a: |\n   b == c\n", 4), ("a: &b b == c\n", 7)]
)
def test_the_place_of_a_bare_condition_is_found(text: str, column: int) -> None:
    place = find_bare(first_scalar(text), "b == c")
    assert (place.span.column, place.exact) == (column, True)


def test_columns_count_characters_not_bytes() -> None:
    _, diagnostics = read_yaml("é: 'ü' # ß\n😀: *x\n", FILE)
    assert [(item.span.line, item.span.column) for item in diagnostics] == [(2, 4)]


# --- encodings -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        "a: é\n".encode(),
        b"\xef\xbb\xbf" + "a: é\n".encode(),
        "a: é\n".encode("utf-16"),
        b"\xfe\xff" + "a: é\n".encode("utf-16-be"),
        "a: é\r\n".encode(),
    ],
)
def test_the_usual_encodings_are_read(data: bytes) -> None:
    document, diagnostics = read_yaml(data, FILE)
    assert diagnostics == []
    assert document is not None
    assert plain(document.root) == {"a": "é"}
    assert document.root.span.column == 1


@pytest.mark.parametrize(
    ("data", "line", "column", "message"),
    [
        (b"a: b\nc: \xff\n", 2, 4, "the file is not UTF-8 text"),
        (b"\xef\xbb\xbfa: \xc3", 1, 4, "the file is not UTF-8 text"),
        (b"\xff\xfea\x00\n\x00\x00\xd8", 2, 1, "the file is not UTF-16 text"),
        ("a: b\n".encode("utf-16-le"), 1, 2, "this is not YAML: the file contains a NUL byte"),
        ("a: \ud800", 1, 4, "half of a surrogate pair"),
        (bytes(range(256)), 2, 118, "the file is not UTF-8 text"),
    ],
)
def test_what_is_not_text_is_refused_with_its_place(data: bytes | str, line: int, column: int, message: str) -> None:
    document, diagnostics = read_yaml(data, FILE)
    assert document is None
    assert [(item.span.line, item.span.column) for item in diagnostics] == [(line, column)]
    assert diagnostics[0].message.startswith(message)
    assert diagnostics[0].invalid


# --- limits ----------------------------------------------------------------------------------------------------------


def doubling(levels: int) -> str:
    lines = ["a0: &a0 [x, x]"]
    lines += [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, levels)]
    return "\n".join(lines) + "\n"


LIMIT_CASES: list[tuple[str, Callable[[], str | bytes], str]] = [
    ("two MiB of letters", lambda: "a" * 2_097_152, "longer than 1,048,576 characters"),
    ("eight MiB of bytes", lambda: b"a" * 8_388_608, "longer than 1,048,576 characters"),
    ("10,000 brackets", lambda: "[" * 10_000, "more than 50 levels deep"),
    ("10,000 braces", lambda: "{a: " * 10_000, "more than 50 levels deep"),
    ("10,000 dashes", lambda: "- " * 10_000, "more than 50 levels deep"),
    (
        "51 levels by an alias",
        lambda: "a: &a " + "[" * 30 + "]" * 30 + "\nb: " + "[" * 25 + "*a" + "]" * 25,
        "more than 50 levels",
    ),
    ("doubling aliases", lambda: doubling(40), "more than 50,000 nodes"),
    ("many small nodes", lambda: "[" + "a," * 300_000 + "]", "more than 10,485,760 bytes"),
]


@pytest.mark.parametrize(("text", "message"), [case[1:] for case in LIMIT_CASES], ids=[case[0] for case in LIMIT_CASES])
def test_a_file_beyond_a_limit_is_refused(text: Callable[[], str | bytes], message: str) -> None:
    document, diagnostics = read_yaml(text(), FILE)
    assert document is None
    assert message in diagnostics[-1].message
    assert diagnostics[-1].invalid


def test_fifty_levels_are_read() -> None:
    document, diagnostics = read_yaml("[" * 50 + "]" * 50, FILE)
    assert diagnostics == []
    assert document is not None


def test_aliases_weigh_each_time_that_they_are_used() -> None:
    once, _ = read_yaml("a: &x {b: text}\n", FILE)
    twice, _ = read_yaml("a: &x {b: text}\nc: *x\n", FILE)
    assert once is not None
    assert twice is not None
    assert twice.size - once.size == (50 + 2) + 24 + (50 + 2) + (50 + 8)


def test_the_limits_can_be_set() -> None:
    for limits in (Limits(characters=3), Limits(depth=0), Limits(events=3), Limits(size=60)):
        document, diagnostics = read_yaml("a: b\n", FILE, limits)
        assert document is None
        assert len(diagnostics) == 1

"""Problem matchers: definitions, matching over lines, and expressions that never end."""

import json
import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homeport.runner.matcher_process import Service
from homeport.runner.matchers import Match, MatcherError, MatcherProcess, parse_matchers

MSBUILD = {
    "owner": "msbuild",
    "pattern": [
        {
            "regexp": r"^\s*([^:]+)\((\d+),(\d+)\): (error|warning) ([^:]+): (.*) \[(.+)\]$",
            "file": 1, "line": 2, "column": 3, "severity": 4, "code": 5, "message": 6, "fromPath": 7,
        }
    ],
}  # fmt: skip
ESLINT = {
    "owner": "eslint-stylish",
    "pattern": [
        {"regexp": r"^([^\s].*)$", "file": 1},
        {
            "regexp": r"^\s+(\d+):(\d+)\s+(error|warning|info)\s+(.*)\s\s+(.*)$",
            "line": 1, "column": 2, "severity": 3, "message": 4, "code": 5, "loop": True,
        },
    ],
}  # fmt: skip


def definition(*matchers: dict[str, Any]) -> bytes:
    return json.dumps({"problemMatcher": matchers}).encode()


@pytest.fixture
def process() -> Iterator[MatcherProcess]:
    process = MatcherProcess(timeout_seconds=0.2)
    yield process
    process.close()


def find(process: MatcherProcess, *lines: str, stream: int = 1) -> list[Match | None]:
    found, removed = process.match(stream, list(lines))
    assert removed == []
    return found


def test_a_single_line_gives_every_field(process: MatcherProcess) -> None:
    """The example of ADR 0276."""
    process.add(parse_matchers(definition(MSBUILD)))
    line = "Class1.cs(16,24): warning CS0612: 'Name' is obsolete [/repo/App/App.csproj]"
    (match,) = find(process, line)
    assert match == Match(
        line, "'Name' is obsolete", "warning", "Class1.cs", "16", "24", "CS0612", "/repo/App/App.csproj"
    )


def test_a_loop_finds_several_problems_of_one_file(process: MatcherProcess) -> None:
    """The example of ADR 0276."""
    process.add(parse_matchers(definition(ESLINT)))
    found = find(
        process,
        "test.js",
        '  1:0   error  Missing "use strict" statement                 strict',
        "  5:10  error  'addOne' is defined but never used             no-unused-vars",
        "✖ 2 problems (2 errors, 0 warnings)",
        "  6:1   error  after the loop was broken                      none",
    )
    assert [match and (match.file, match.line, match.code) for match in found] == [
        None,
        ("test.js", "1", "strict"),
        ("test.js", "5", "no-unused-vars"),
        None,
        ("✖ 2 problems (2 errors, 0 warnings)", "6", "none"),
    ]


def test_lines_of_other_streams_do_not_break_a_match(process: MatcherProcess) -> None:
    process.add(parse_matchers(definition(ESLINT)))
    assert find(process, "one.js", stream=1) == [None]
    assert find(process, "two.js", stream=2) == [None]
    (match,) = find(process, "  1:0   error  text  code", stream=1)
    assert match is not None
    assert match.file == "one.js"


def test_a_match_makes_other_matchers_begin_anew(process: MatcherProcess) -> None:
    plain = {"owner": "plain", "pattern": [{"regexp": "^PLAIN (.*)$", "message": 1}]}
    process.add(parse_matchers(definition(plain, ESLINT)))
    found = find(process, "one.js", "PLAIN problem", "  1:0   error  text  code")
    assert [match is not None for match in found] == [False, True, False]


def test_colours_are_taken_out_before_matching(process: MatcherProcess) -> None:
    process.add(parse_matchers(definition(MSBUILD)))
    (match,) = find(process, "\033[1;31ma.cs(1,2): error C1: text [b]\033[0m")
    assert match is not None
    assert match.text == "a.cs(1,2): error C1: text [b]"


def test_default_severity_and_path_fill_what_a_line_lacks(process: MatcherProcess) -> None:
    matcher = {
        "owner": "tool", "severity": "notice", "fromPath": "lib/x.proj",
        "pattern": [{"regexp": "^(?<name>.*): (.*)$", "file": 1, "message": 2}],
    }  # fmt: skip
    process.add(parse_matchers(definition(matcher)))
    (match,) = find(process, "a.c: oops")
    assert match is not None
    assert (match.severity, match.from_path, match.file) == ("notice", "lib/x.proj", "a.c")


@pytest.mark.parametrize("line", ["info: x", "error:  "])
def test_an_unknown_severity_or_an_empty_message_is_no_problem(process: MatcherProcess, line: str) -> None:
    matcher = {"owner": "tool", "pattern": [{"regexp": "^(.*):(.*)$", "severity": 1, "message": 2}]}
    process.add(parse_matchers(definition(matcher)))
    assert find(process, line) == [None]


def test_the_latest_of_an_owner_replaces_the_former_and_removal_ends_it(process: MatcherProcess) -> None:
    first = {"owner": "Tool", "pattern": [{"regexp": "^one (.*)$", "message": 1}]}
    second = {"owner": "tool", "pattern": [{"regexp": "^two (.*)$", "message": 1}]}
    process.add(parse_matchers(definition(first)))
    process.add(parse_matchers(definition(second)))
    assert [match is not None for match in find(process, "one x", "two x")] == [False, True]
    process.remove(["TOOL", "never-there"])
    assert not process.is_active


def test_an_expression_that_never_ends_is_given_up(process: MatcherProcess) -> None:
    evil = {"owner": "evil", "pattern": [{"regexp": "^(a+)+$", "message": 1}]}
    process.add(parse_matchers(definition(evil, MSBUILD)))
    found, removed = process.match(1, ["a" * 40 + "b", "a.cs(1,2): error C1: text [b]"])
    assert [match is not None for match in found] == [False, True]
    assert [owner for owner, _ in removed] == ["evil"]


@pytest.mark.parametrize(
    ("written", "message"),
    [
        (b"{", "not a definition"),
        (b'{"problemMatcher": [{"owner": 1}]}', "not a definition"),
        (definition({"pattern": [{"regexp": "x", "message": 0}]}), "Owner must not be empty"),
        (definition({"owner": "a", "pattern": []}), "Matcher 'a' does not contain any patterns"),
        (definition({"owner": "a", "severity": "bad", "pattern": [{"message": 0}]}), "unexpected default severity 'bad'"),
        (definition({"owner": "a", "pattern": [{"regexp": "x"}]}), "At least one pattern must set 'message'"),
        (definition({"owner": "a", "pattern": [{"message": 0}, {"message": 0}]}), "The property 'message' is set twice"),
        (definition({"owner": "a", "pattern": [{"message": 0, "loop": True}]}), "Only the last pattern in a multiline matcher may set 'loop'"),
        (definition({"owner": "a", "pattern": [{"message": 0}, {"loop": True}]}), "The loop pattern must set 'message'"),
        (definition({"owner": "a", "pattern": [{"message": 0}]}, {"owner": "A", "pattern": [{"message": 0}]}), "Duplicate owner name 'A'"),
    ],
)  # fmt: skip
def test_a_definition_that_makes_no_sense_is_refused(written: bytes, message: str) -> None:
    """`IssueMatchersConfig.Validate`."""
    with pytest.raises(MatcherError, match=message):
        parse_matchers(written)


@pytest.mark.parametrize("pattern", [{"regexp": "(", "message": 1}, {"regexp": "x", "message": 3}])
def test_an_expression_that_cannot_be_used_adds_nothing(process: MatcherProcess, pattern: dict[str, Any]) -> None:
    with pytest.raises(MatcherError):
        process.add(parse_matchers(definition(MSBUILD, {"owner": "b", "pattern": [pattern]})))
    assert not process.is_active


def test_a_process_that_was_killed_is_an_error_and_not_a_hang(process: MatcherProcess) -> None:

    process.add(parse_matchers(definition(MSBUILD)))
    os.kill(process.pid, signal.SIGKILL)
    with pytest.raises(MatcherError, match="has ended"):
        process.match(1, ["line"])
    assert not process.is_active
    process.add(parse_matchers(definition(MSBUILD)))
    assert find(process, "line") == [None]


@settings(max_examples=50)
@given(st.lists(st.text(max_size=30), max_size=8))
def test_any_lines_are_matched_or_not(lines: list[str]) -> None:
    service = Service(timeout_seconds=5)
    written = [
        {"owner": "a", "severity": "", "from_path": "", "patterns": [
            {"regexp": "^(.*)$", "groups": {"file": 1}, "loop": False},
            {"regexp": "^ (.*)$", "groups": {"message": 1}, "loop": True},
        ]},
    ]  # fmt: skip
    assert service.answer(("add", written)) is None
    found, removed = service.answer(("match", 1, lines))
    assert len(found) == len(lines)
    assert removed == []

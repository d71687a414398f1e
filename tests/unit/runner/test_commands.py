"""Workflow commands in lines, and command files."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeport.runner.command_files import CommandFileError, decode, parse_lines, parse_pairs
from homeport.runner.commands import parse_command, unescape_data
from homeport.runner.interpreter import BLOCKED_VARIABLES, check_range
from tests.support.conformance import load_cases, require_cases

NAMES = {"do-something", "warning", "add-mask", "set-output"}


def test_published_command_cases_are_there() -> None:
    require_cases("runner/commands.jsonl")
    assert len(load_cases("runner/commands.jsonl")) == 14


@pytest.mark.parametrize("case", load_cases("runner/commands.jsonl"), ids=lambda case: case["line"])
def test_commands_are_read_as_the_runner_reads_them(case: dict[str, Any]) -> None:
    """Data of actions/runner's own tests (`ActionCommandL0`)."""
    command = parse_command(case["line"], set(case["registered"]))
    expected = case["expect"]
    if expected is None:
        assert command is None
    else:
        assert command is not None
        assert (command.name, command.properties, command.data) == (
            expected["command"],
            expected["properties"],
            expected["data"],
        )


def test_names_and_keys_ignore_case() -> None:
    command = parse_command("::WARNING FILE=a.py,Line=3::text", NAMES)
    assert command is not None
    assert (command.name, command.properties) == ("warning", {"file": "a.py", "line": "3"})


@pytest.mark.parametrize(
    "line", ["", "::", "::::", "text ::warning::x", "::warning", "::unknown::x", "##[", "##[warning", "std::vector"]
)
def test_other_lines_are_text(line: str) -> None:
    assert parse_command(line, NAMES) is None


def test_an_old_command_may_stand_anywhere_in_a_line() -> None:
    command = parse_command("2026-01-01 ##[warning file=a]text]", NAMES)
    assert command is not None
    assert (command.properties, command.data) == ({"file": "a"}, "text]")


def escape(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


@given(st.text())
def test_escaped_data_comes_back(text: str) -> None:
    assert unescape_data(escape(text)) == text


@given(st.text(st.characters(exclude_characters="\n")))
def test_no_line_makes_the_reader_fail(line: str) -> None:
    parse_command(line, NAMES)
    parse_command(f"::{line}", NAMES)
    parse_command(f"##[{line}", NAMES)


# --- command files ---------------------------------------------------------------------------------------------------


def test_published_file_cases_are_there() -> None:
    require_cases("runner/file_commands.jsonl")
    assert len(load_cases("runner/file_commands.jsonl")) == 38


@pytest.mark.parametrize(
    "case", load_cases("runner/file_commands.jsonl"), ids=lambda case: case["source"].rpartition(":")[2]
)
def test_command_files_are_read_as_the_runner_reads_them(case: dict[str, Any]) -> None:
    """Data of actions/runner's own tests (`SetEnvFileCommandL0` and others)."""
    content = (b"\xef\xbb\xbf" if case["bom"] else b"") + case["content"].encode()
    if "error_contains" in case:
        with pytest.raises(CommandFileError, match=case["error_contains"]):
            list(parse_pairs(decode(content)))
        return
    pairs = dict(parse_pairs(decode(content)))
    if case["file"] == "env":
        pairs = {name: value for name, value in pairs.items() if name.upper() not in BLOCKED_VARIABLES}
    assert pairs == case["expect"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("novalue\n", "Invalid format 'novalue'"),
        ("=value\n", "Invalid format '=value'. Name must not be empty"),
        ("<<EOF\nx\nEOF\n", "Invalid format '<<EOF'. Name must not be empty and delimiter must not be empty"),
        ("A<<\nx\n", "Invalid format 'A<<'. Name must not be empty and delimiter must not be empty"),
        ("A<<EOF\nx\n", "Invalid value. Matching delimiter not found 'EOF'"),
        ("A<<EOF\nx", "Invalid value. EOF marker missing new line."),
    ],
)
def test_mistakes_are_told_in_the_runners_words(content: str, message: str) -> None:
    with pytest.raises(CommandFileError) as caught:
        list(parse_pairs(content))
    assert str(caught.value) == message


def test_what_stands_before_a_mistake_counts() -> None:
    pairs = parse_pairs("A=1\nbroken\n")
    assert next(pairs) == ("A", "1")
    with pytest.raises(CommandFileError):
        next(pairs)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_says_what_a_file_is_written_in(encoding: str) -> None:
    assert decode("A=ä\n".encode(encoding)) == "A=ä\n"


def test_the_folders_of_a_path_file_are_its_lines() -> None:
    assert parse_lines("/a\n\n/b\r\n/c") == ["/a", "/b", "/c"]


names = st.text(st.characters(codec="utf-8", exclude_characters="=<\n"), min_size=1, max_size=8)
values = st.text(st.characters(codec="utf-8"), max_size=30)


@given(st.dictionaries(names, values))
def test_every_value_can_be_written_as_the_toolkit_writes_it(pairs: dict[str, str]) -> None:
    """@actions/core writes a delimiter that does not occur in the value."""
    mark = "ghadelimiter_5c7b"
    content = "".join(f"{name}<<{mark}\n{value}\n{mark}\n" for name, value in pairs.items())
    assert dict(parse_pairs(content)) == pairs


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(CommandFileError):
        assert all(name for name, _ in parse_pairs(text))


# --- places ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given_", "sensible"),
    [
        ((3, 4, None, None), (3, 4, None, None)),
        ((None, None, 5, None), (5, None, 5, None)),
        ((3, None, None, 7), (3, 7, None, 7)),
        ((None, 4, None, 6), (None, None, None, None)),
        ((3, 4, 5, 6), (3, None, 5, None)),
        ((5, None, 3, None), (None, None, None, None)),
        ((3, 6, 3, 4), (3, None, 3, None)),
    ],
)
def test_only_the_sensible_part_of_a_place_is_kept(
    given_: tuple[int | None, ...], sensible: tuple[int | None, ...]
) -> None:
    """`IssueCommandExtension.ValidateLinesAndColumns`."""
    assert check_range(*given_) == sensible

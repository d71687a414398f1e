"""The manual says what the program does: options, facts, actions, command lines, links, examples and sizes are compared with the code."""

import re
from importlib import import_module
from pathlib import Path

import pytest

from homeport.cli import errors
from homeport.cli.main import COMMANDS, NOT_YET
from homeport.cli.options import Command, parse_options, wants_help
from homeport.language.lint import lint
from homeport.run.facts import Fact, KeptJob
from homeport.runner.actions.native.registry import NATIVE
from homeport.store import caches_folder, pruning
from tests.support.conformance import ROOT
from tests.support.documents import MANUAL, PAGES, find_blocks, find_commands, find_rows, find_section, read

NAMES = [name for name, _, _ in COMMANDS]
FACTS = {str(fact.__struct_config__.tag): fact for fact in Fact.__args__}
COMMON = {"type", "at", "run"}
WIRE_NAMES = {("lines_logged", "text"): "lines"}
"""fields that are published under another name (`run/codec.py`)"""


def command(name: str) -> Command:
    (path,) = (path for known, path, _ in COMMANDS if known == name)
    declared: Command = import_module(path).COMMAND
    return declared


def code_words(text: str) -> set[str]:
    """The words in backticks, fenced blocks aside."""
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    return {word for code in re.findall(r"`([^`]+)`", prose) for word in code.replace("\\|", "|").split()}


# --- commands and options ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_every_option_of_a_command_is_in_the_manual(name: str) -> None:
    text = (
        read(MANUAL / "running.md") if name == "run" else find_section(read(MANUAL / "commands.md"), f"homeport {name}")
    )
    words = code_words(text) | {"--format"}  # every command has it, as the page says at its head
    assert {option.name for option in command(name).options} <= words
    assert {option.short for option in command(name).options if option.short} <= words


@pytest.mark.parametrize("name", NAMES)
def test_a_command_is_described_with_no_option_that_it_has_not(name: str) -> None:
    text = (
        read(MANUAL / "running.md") if name == "run" else find_section(read(MANUAL / "commands.md"), f"homeport {name}")
    )
    known = {option.name for option in command(name).options} | {"--help"}
    rows = [cell for row in find_rows(text) for cell in row[:1]]
    assert {word for word in code_words("\n".join(rows)) if word.startswith("--")} <= known


def test_commands_of_later_parts_are_named() -> None:
    words = code_words(find_section(read(MANUAL / "commands.md"), "Not in this version"))
    assert set(NOT_YET) <= words


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_line_that_is_printed_can_be_called(page: Path) -> None:
    for words in find_commands(read(page)):
        if not words or words[0].startswith("-"):
            assert words in ([], ["--version"], ["--help"])
        elif words[0] in NOT_YET:
            continue
        else:
            assert words[0] in NAMES, words
            declared = command(words[0])
            if not wants_help(words[1:]):
                parse_options(declared, [word for word in words[1:] if word != "&"])


def test_command_lines_are_found_at_all() -> None:
    found = [words for page in PAGES for words in find_commands(read(page))]
    assert {words[0] for words in found if words} >= set(NAMES)
    assert ["retry", "--from-step", "1"] in found


def test_the_exit_codes_are_those_of_the_program() -> None:
    rows = find_rows(read(MANUAL / "exit-codes.md"))
    codes = {errors.OK, errors.FAILED, errors.USAGE, errors.FAULT, errors.INTERRUPTED}
    assert {int(row[0]) for row in rows if row[0].isdigit()} == codes


# --- facts ------------------------------------------------------------------------------------------------------------


def read_facts() -> dict[str, set[str]]:
    """The fields of every type, as the page lists them: a row with a type, then one for each of its fields."""
    facts: dict[str, set[str]] = {}
    current = ""
    for row in find_rows(read(MANUAL / "json.md")):
        if len(row) != 3 or row[0] == "type":
            continue
        kind, field = row[0].strip("`"), row[1].strip("`")
        if kind:
            current = kind
            assert current not in facts, f"{current} is listed twice"
            facts[current] = set()
        if field:
            assert field not in facts[current], f"{field} of {current} is listed twice"
            facts[current].add(field)
    return facts


def test_every_type_of_fact_is_listed_and_no_other() -> None:
    assert read_facts().keys() == FACTS.keys()


@pytest.mark.parametrize("kind", FACTS)
def test_every_field_of_a_fact_is_listed_and_no_other(kind: str) -> None:
    fields = {WIRE_NAMES.get((kind, name), name) for name in FACTS[kind].__struct_fields__}
    assert read_facts()[kind] == fields - COMMON


def test_what_a_re_run_keeps_of_a_job_is_listed() -> None:
    (row,) = [row for row in find_rows(read(MANUAL / "json.md")) if row[1] == "`jobs`"]
    assert set(KeptJob.__struct_fields__) <= code_words(row[2].replace(",", " "))


# --- native actions ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NATIVE)
def test_the_table_of_a_native_action_has_its_inputs_outputs_and_versions(name: str) -> None:
    native = NATIVE[name]
    definition = import_module(native.module).DEFINITION
    section = find_section(read(MANUAL / "actions.md"), f"{name}, v{native.oldest} to v{native.newest}")
    said = {row[0].strip("`"): row[1] for row in find_rows(section) if row[0] != "input"}
    assert list(said) == [row.name for row in definition.inputs] or said.keys() == {
        row.name for row in definition.inputs
    }
    for row in definition.inputs:
        assert ("refused" in said[row.name]) >= (row.support == "refused"), row.name
        assert ("no effect here" in said[row.name]) == (row.support == "accepted"), row.name
    outputs = re.search(r"^Outputs: (.*?)\.(?: |$)", section, re.MULTILINE)
    assert definition.outputs == (tuple(re.findall(r"`([^`]+)`", outputs[1])) if outputs else ())


def test_the_list_of_native_actions_is_whole() -> None:
    headings = re.findall(r"^### (\S+/\S+), v", read(MANUAL / "actions.md"), re.MULTILINE)
    assert sorted(headings) == sorted(NATIVE)


# --- links, paths, sizes ----------------------------------------------------------------------------------------------


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as forges make them."""
    headings = re.findall(r"^#+ (.+)$", read(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", read(page)):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        place = (page.parent / path).resolve() if path else page
        assert place.exists(), target
        assert not anchor or anchor in anchors(place), target


@pytest.mark.parametrize(
    "page", [page for page in PAGES if page.is_relative_to(ROOT / "docs")], ids=lambda page: str(page.relative_to(ROOT))
)
def test_every_file_of_the_code_that_is_named_is_there(page: Path) -> None:
    for name in re.findall(r"`((?:[\w.*]+/)+[\w*]+\.py)\b", read(page)):
        package = ROOT / "src" / "homeport"
        bases = (ROOT, package, package / "language", package / "runner" / "actions")
        assert any(any(base.glob(name)) for base in bases), name


@pytest.mark.parametrize(
    "page", [page for page in PAGES if page.is_relative_to(ROOT / "docs")], ids=lambda page: str(page.relative_to(ROOT))
)
def test_every_test_that_is_named_is_there(page: Path) -> None:
    for file, name in re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", read(page)):
        assert f"def {name}(" in (ROOT / file).read_text(), f"{file}::{name}"


def test_the_reading_order_states_the_sizes_of_its_files() -> None:
    rows = [row for row in find_rows(read(ROOT / "docs" / "reading-order.md")) if row[0].isdigit()]
    assert 7 <= len(rows) <= 10
    for _, link, stated, idea in rows:
        (target,) = re.findall(r"\(\.\./(.+?)\)", link)
        lines = len((ROOT / target).read_text("utf-8").splitlines())
        assert abs(lines - int(stated)) <= 0.2 * lines, f"{target} has {lines} lines"
        assert idea


def test_what_is_pruned_is_as_it_is_said() -> None:
    text = read(MANUAL / "files.md")
    for stated in (
        f"older than {pruning.LONGEST.days} days",
        f"{pruning.MOST_RUNS} newer runs",
        f"more than {pruning.MOST_BYTES >> 30} GiB",
        f"more than {caches_folder.DEFAULT_QUOTA_BYTES >> 30} GiB",
    ):
        assert stated in text


def test_every_page_of_the_manual_is_in_the_index() -> None:
    index = read(ROOT / "docs" / "README.md")
    pages = [page for page in PAGES if page.parent in (MANUAL, ROOT / "docs" / "how-to")]
    assert len(pages) >= 20
    for page in pages:
        assert f"({page.relative_to(ROOT / 'docs')})" in index


# --- examples ---------------------------------------------------------------------------------------------------------

EXAMPLES = [(page.name, text) for page in PAGES if page.parent == MANUAL for text in find_blocks(read(page), "yaml")]


@pytest.mark.parametrize("text", [text for _, text in EXAMPLES], ids=[name for name, _ in EXAMPLES])
def test_the_workflows_in_the_manual_are_sound(text: str) -> None:
    assert lint({".github/workflows/example.yml": text}).diagnostics == []

"""`homeport check`: which files it looks at, what it prints, and its exit code."""

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from homeport.cli.console import Console
from homeport.cli.main import main

CLEAN = "on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps: [{run: a}]\n"
WARNS = CLEAN.replace("ubuntu-latest", "gpu")
WRONG = CLEAN.replace("{run: a}", "{run: 'echo ${{ github.nope }}'}")
USES = CLEAN.replace("{run: a}", "{uses: ./tools/action}")
ACTION = "name: A\ndescription: B\nruns:\n  using: composite\n  steps: [{run: a, shell: fish}]\n"


class Told:
    """A console, and what it was told."""

    def __init__(self, folder: Path, environment: dict[str, str] | None = None, *, is_terminal: bool = False) -> None:
        self.written: list[bytes] = []
        self.said: list[str] = []
        self.console = Console(
            environment=environment or {},
            folder=str(folder),
            write=self.written.append,
            say_text=self.said.append,
            is_terminal=is_terminal,
        )

    def call(self, *words: str) -> int:
        return main(["check", *words], self.console)

    @property
    def stdout(self) -> str:
        return b"".join(self.written).decode()

    @property
    def stderr(self) -> str:
        return "".join(self.said)

    def rows(self, *words: str) -> list[dict[str, Any]]:
        self.call("--format", "json", *words)
        rows = json.loads(self.stdout)
        assert isinstance(rows, list)
        return rows

    def places(self, *words: str) -> list[tuple[str, str]]:
        return [(row["file"], row["code"]) for row in self.rows(*words)]


def write(folder: Path, **files: str) -> Path:
    """A repository: the names of workflows with their texts."""
    for name, text in files.items():
        put(folder / ".github" / "workflows" / f"{name}.yml", text)
    return folder


def put(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, "utf-8")


# --- exit codes ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words", "code"),
    [
        (CLEAN, (), 0),
        (WARNS, (), 0),
        (WARNS, ("--strict",), 1),
        (WARNS, ("--strict", "--disable", "runner-label"), 0),
        (WRONG, (), 1),
        (CLEAN.replace("run: a", "uses: octo/thing@v1"), ("--strict", "--enable=unpinned-action"), 1),
        ("a: [", (), 1),
        ("", (), 1),
    ],
)
def test_the_exit_code_tells_whether_something_is_wrong(
    tmp_path: Path, text: str, words: tuple[str, ...], code: int
) -> None:
    assert Told(write(tmp_path, a=text)).call(*words) == code


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("missing.yml",), "there is no file or folder 'missing.yml'"),
        (("--disable", "runner-lable"), "--disable is 'runner-lable'"),
        (("--enable", "glob"), "--enable is 'glob', expected one of unpinned-action"),
        (("--format", "xml"), "--format is 'xml'"),
        (("empty",), "there are no workflows and no actions in 'empty'"),
    ],
)
def test_words_that_mean_nothing_are_a_usage_error(tmp_path: Path, words: tuple[str, ...], message: str) -> None:
    (tmp_path / "empty").mkdir()
    told = Told(write(tmp_path, a=CLEAN))
    assert told.call(*words) == 2
    assert message in told.stderr
    assert told.stdout == ""


def test_a_folder_without_workflows_is_told(tmp_path: Path) -> None:
    told = Told(tmp_path)
    assert told.call() == 2
    assert "there are no workflows in" in told.stderr


# --- which files -----------------------------------------------------------------------------------------------------


def test_everything_of_the_repository_is_checked_without_a_path(tmp_path: Path) -> None:
    write(tmp_path, a=WRONG, b=USES)
    for file in ("action.yml", ".github/actions/deep/er/action.yaml", "tools/action/action.yml"):
        put(tmp_path / file, ACTION)
    put(tmp_path / "elsewhere" / "action.yml", ACTION)
    put(tmp_path / ".github" / "dependabot.yml", "version: 2\n")
    assert Told(tmp_path).places() == [
        (".github/actions/deep/er/action.yaml", "shell-name"),
        (".github/workflows/a.yml", "expression"),
        ("action.yml", "shell-name"),
        ("tools/action/action.yml", "shell-name"),
    ]


def test_the_repository_is_found_from_a_folder_below_it(tmp_path: Path) -> None:
    below = write(tmp_path, a=WRONG) / "src" / "deep"
    below.mkdir(parents=True)
    assert Told(below).places() == [("../../.github/workflows/a.yml", "expression")]


def test_only_the_files_that_are_named_are_checked(tmp_path: Path) -> None:
    write(tmp_path, a=WRONG, b=USES)
    put(tmp_path / "tools/action/action.yml", ACTION)
    assert Told(tmp_path).places(".github/workflows/b.yml") == []
    assert Told(tmp_path).places("tools/action/action.yml") == [("tools/action/action.yml", "shell-name")]
    assert Told(tmp_path / "tools").places("../.github/workflows/a.yml", "action") == [
        ("../.github/workflows/a.yml", "expression"),
        ("action/action.yml", "shell-name"),
    ]


def test_a_folder_stands_for_what_is_in_it(tmp_path: Path) -> None:
    write(tmp_path / "one", a=WRONG)
    put(tmp_path / "loose" / "x.yaml", WRONG)
    put(tmp_path / "loose" / "notes.txt", "a")
    put(tmp_path / "loose" / "inner" / "action.yml", ACTION)
    assert Told(tmp_path).places("one") == [("one/.github/workflows/a.yml", "expression")]
    assert Told(tmp_path).places("one/.github") == [("one/.github/workflows/a.yml", "expression")]
    assert Told(tmp_path).places("one/.github/workflows") == [("one/.github/workflows/a.yml", "expression")]
    assert Told(tmp_path).places("loose") == [
        ("loose/inner/action.yml", "shell-name"),
        ("loose/x.yaml", "expression"),
    ]


def test_what_a_file_names_is_looked_for_in_its_repository(tmp_path: Path) -> None:
    call = "on: push\njobs:\n  a: {uses: ./.github/workflows/b.yml, with: {x: 1}}\n  c: {uses: ./.github/workflows/c.yml}\n"
    write(tmp_path, a=call, b=CLEAN.replace("on: push", "on: workflow_call"))
    rows = Told(tmp_path).rows(".github/workflows/a.yml")
    assert [(row["line"], row["code"], row["invalid"]) for row in rows] == [
        (3, "workflow-call", True),
        (4, "workflow-call", True),
    ]


def test_a_file_without_a_repository_finds_its_actions_from_where_the_command_was_called(tmp_path: Path) -> None:
    put(tmp_path / "workflows" / "x.yml", USES)
    assert Told(tmp_path).places("workflows/x.yml") == [("workflows/x.yml", "action")]
    put(tmp_path / "tools/action/action.yml", ACTION)
    assert Told(tmp_path).places("workflows/x.yml") == []


@pytest.mark.parametrize(("text", "code"), [(WRONG, "expression"), (ACTION, "shell-name"), ("\xff", "syntax-check")])
def test_a_dash_is_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, code: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode("latin-1"))))
    assert Told(tmp_path).places("-") == [("<stdin>", code)]


# --- how it is printed -----------------------------------------------------------------------------------------------


def test_text_is_for_people(tmp_path: Path) -> None:
    told = Told(write(tmp_path, a=WRONG))
    assert told.call() == 1
    lines = told.stdout.splitlines()
    assert lines[0].startswith(".github/workflows/a.yml:5:29: error: property 'nope' is not defined in 'github'")
    assert lines[2] == "  5 |     steps: [{run: 'echo ${{ github.nope }}'}]"
    assert lines[3] == "    |                             ^^^^^^^^^^^"
    assert lines[-1] == "1 error in 1 file"


def test_silence_on_stdout_means_that_nothing_is_wrong(tmp_path: Path) -> None:
    told = Told(write(tmp_path, a=CLEAN, b=CLEAN))
    assert told.call() == 0
    assert told.stdout == ""
    assert told.stderr == "nothing is wrong in 2 files\n"


@pytest.mark.parametrize(("environment", "is_coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_colour_is_for_terminals_that_want_it(tmp_path: Path, environment: dict[str, str], is_coloured: bool) -> None:
    told = Told(write(tmp_path, a=WRONG), environment, is_terminal=True)
    told.call()
    assert ("\x1b[" in told.stdout) == is_coloured


def test_json_is_a_list_even_of_nothing(tmp_path: Path) -> None:
    assert Told(write(tmp_path, a=CLEAN)).rows() == []
    (row,) = Told(write(tmp_path, a=WRONG)).rows()
    assert {**row, "message": None} == {
        "code": "expression",
        "severity": "error",
        "invalid": False,
        "message": None,
        "file": ".github/workflows/a.yml",
        "line": 5,
        "column": 29,
        "end_line": 5,
        "end_column": 40,
        "hint": None,
        "related": [],
        "docs": "docs/rules.md#expression",
    }


def test_sarif_is_what_code_scanning_reads(tmp_path: Path) -> None:
    told = Told(write(tmp_path, a=WRONG))
    told.call("--format", "sarif")
    log = json.loads(told.stdout)
    (result,) = log["runs"][0]["results"]
    assert (log["version"], result["ruleId"], result["level"]) == ("2.1.0", "expression", "error")
    location = result["locations"][0]["physicalLocation"]
    assert location["artifactLocation"]["uri"] == ".github/workflows/a.yml"
    assert location["region"]["startLine"] == 5


def test_github_shows_annotations(tmp_path: Path) -> None:
    told = Told(write(tmp_path, a=WARNS))
    told.call("--format", "github")
    assert told.stdout.startswith("::warning file=.github/workflows/a.yml,line=4,col=14,endLine=4,endColumn=17,")


def test_no_git_is_needed(tmp_path: Path) -> None:
    told = Told(write(tmp_path, a=WRONG), {"PATH": ""})
    assert told.call() == 1

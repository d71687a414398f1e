"""`homeport eval`: one expression, and batches of them."""

import io
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from homeport.cli.console import Console
from homeport.cli.main import main
from tests.support.conformance import conformance_folder, load_cases, require_cases


class Told:
    """A console, and what it was told."""

    def __init__(self, folder: Path) -> None:
        self.written: list[bytes] = []
        self.said: list[str] = []
        self.console = Console(environment={}, folder=str(folder), write=self.written.append, say_text=self.said.append)

    def call(self, *words: str) -> int:
        return main(["eval", *words], self.console)

    @property
    def stdout(self) -> str:
        return b"".join(self.written).decode()

    @property
    def stderr(self) -> str:
        return "".join(self.said)

    @property
    def rows(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.stdout.splitlines()]


@pytest.fixture
def told(tmp_path: Path) -> Told:
    return Told(tmp_path)


@pytest.mark.parametrize(
    ("words", "printed"),
    [
        (["1 == 1.0"], "true\n"),
        (["format('{0}-{1}', 'a', 2)"], "a-2\n"),
        (["${{ 'wrapped' }}"], "wrapped\n"),
        (["fromJSON('[1, {}]')"], "[\n  1,\n  {}\n]\n"),
        ([""], "null\n"),
        (["--", "-1"], "-1\n"),
        (["--format", "json", "1e15"], '{"result":{"kind":"Number","value":1000000000000000}}\n'),
        (
            ["--format=json", "fromJSON('[NaN, -Infinity, 0.5, -0]')"],
            '{"result":{"kind":"Array","value":["NaN","-Infinity",0.5,0]}}\n',
        ),
        (["--format=json", "null || 'é'"], '{"result":{"kind":"String","value":"é"}}\n'),
    ],
)
def test_a_value_is_printed(told: Told, words: Sequence[str], printed: str) -> None:
    assert told.call(*words) == 0
    assert told.stdout == printed
    assert told.stderr == ""


def test_contexts_come_from_a_file_below_the_working_directory(told: Told, tmp_path: Path) -> None:
    (tmp_path / "contexts.json").write_text('{"github": {"ref": "refs/tags/v1", "run": 7}}', "utf-8")
    assert told.call("startsWith(GitHub.REF, 'refs/tags/') && github.run", "--contexts", "contexts.json") == 0
    assert told.stdout == "7\n"


def test_a_mistake_is_shown_where_it_is(told: Told) -> None:
    assert told.call("'a'\n  == b") == 1
    assert told.stdout == ""
    assert told.stderr.splitlines()[:1] == [
        "error: Unrecognized named-value: 'b'. Located at position 10 within expression: 'a'"
    ]
    assert "    == b\n       ^\n" in told.stderr
    assert "hint: contexts come from --contexts FILE" in told.stderr


def test_a_mistake_is_data_where_data_is_asked_for(told: Told) -> None:
    assert told.call("--format", "json", "1 &&\nfromJSON('{')") == 1
    assert told.stderr == ""
    assert told.rows == [
        {
            "error": {
                "kind": "evaluation",
                "message": "Error parsing fromJson,Unexpected end of content while loading JObject. Path '', line 1, position 1.",
                "line": 2,
                "column": 1,
            }
        }
    ]


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ([], "give either an EXPRESSION or --batch FILE"),
        (["1", "--batch", "-"], "give either an EXPRESSION or --batch FILE"),
        (["--batch", "-", "--contexts", "x"], "--contexts goes with an EXPRESSION"),
        (["1", "2"], "does not take '2'"),
        (["1", "--contexts", "absent.json"], "cannot read absent.json: No such file or directory"),
        (["--batch", "absent.jsonl"], "cannot read absent.jsonl: No such file or directory"),
        (["1", "--contexts", "list.json"], "list.json holds an array, expected a JSON object of contexts"),
        (["1", "--contexts", "broken.json"], "broken.json is not JSON"),
        (["1", "--format", "xml"], "--format is 'xml', expected one of text, json"),
    ],
)
def test_words_that_do_not_fit_are_a_matter_of_usage(
    told: Told, tmp_path: Path, words: Sequence[str], problem: str
) -> None:
    (tmp_path / "list.json").write_text("[]", "utf-8")
    (tmp_path / "broken.json").write_text("{", "utf-8")
    assert told.call(*words) == 2
    assert problem in told.stderr
    assert told.stdout == ""


def test_a_batch_answers_every_row_in_order_and_goes_on_after_unreadable_ones(
    told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = b"""{"expr": "a.b", "contexts": {"a": {"b": 3}}}

not json
{"expr": 5}
{"expr": "1", "contexts": []}
[]
\xff
{"expr": "NaN"}
{"expr": "b", "contexts": {"a": 1}}
{"expr": "success()"}
{"expr": "a ==", "contexts": {"a": 1}}
{"expr": "toJSON(a)", "contexts": {"a": null}, "more": true}"""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(rows)))
    assert told.call("--batch", "-") == 0
    assert told.stderr == ""
    found = [row.get("result") or (row["error"]["kind"], row["error"]["message"]) for row in told.rows]
    assert found[0] == {"kind": "Number", "value": 3}
    assert [kind for kind, _ in found[1:6]] == ["parsing"] * 5
    assert all(message.startswith("The row cannot be read: ") for _, message in found[1:6])
    assert found[2][1].endswith("expected a string at expr, found a number")
    assert found[6] == {"kind": "Number", "value": "NaN"}
    assert found[7][1].startswith("Unrecognized named-value: 'b'")
    assert found[8][1].startswith("Unrecognized function: 'success'")
    assert told.rows[9]["error"]["column"] == 5
    assert found[10] == {"kind": "String", "value": "null"}


def test_each_answer_of_a_batch_is_written_before_the_next_row_is_read(
    told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Asking(io.BytesIO):
        def __next__(self) -> bytes:
            answered.append(len(told.written))
            return super().__next__()

    answered: list[int] = []
    asking = Asking(b'{"expr": "1"}\n{"expr": "2"}\n')
    monkeypatch.setattr(sys, "stdin", type("Stdin", (), {"buffer": asking}))
    told.call("--batch", "-")
    assert answered == [0, 1, 2]


def test_nesting_that_cannot_be_printed_is_an_error_row_and_no_crash(told: Told, tmp_path: Path) -> None:
    depth = 900
    (tmp_path / "deep.jsonl").write_text(
        f'{{"expr": "a", "contexts": {{"a": {"[" * depth}{"]" * depth}}}}}\n' * 2, "utf-8"
    )
    (tmp_path / "deeper.jsonl").write_text('{"expr": ' + "[" * 100_000 + "\n" + '{"expr": "1"}\n', "utf-8")
    assert told.call("--batch", "deep.jsonl") == 0
    kinds = [row["error"]["kind"] if "error" in row else "printed" for row in told.rows]
    assert kinds in (["evaluation"] * 2, ["printed"] * 2)  # how deep a value can be printed depends on the Python
    told.written.clear()
    assert told.call("--batch", "deeper.jsonl") == 0
    assert ["error" in row for row in told.rows] == [True, False]


def test_the_published_cases_pass_as_one_batch(told: Told) -> None:
    require_cases("expressions.jsonl")
    assert told.call("--batch", str(conformance_folder() / "expressions.jsonl")) == 0
    cases = load_cases("expressions.jsonl")
    assert len(told.rows) == len(cases)
    for case, row in zip(cases, told.rows, strict=True):
        if "error" in case:
            assert case["error"]["message"] in row["error"]["message"]
        else:
            assert row["result"] == case["result"], case["expr"]


def test_arguments_that_are_not_text_are_answered(told: Told) -> None:
    assert told.call("'\udcff'") == 0
    assert told.stdout == "\ufffd\n"

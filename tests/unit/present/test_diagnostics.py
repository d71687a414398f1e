"""What diagnostics look like to people and to programs."""

import json

from homeport.diagnostics.diagnostic import Diagnostic, Related
from homeport.diagnostics.span import Span
from homeport.present.diagnostics.annotations import render_annotations
from homeport.present.diagnostics.json_list import render_json
from homeport.present.diagnostics.sarif import render_sarif
from homeport.present.diagnostics.text import render_text

SOURCE = "on: push\njobs:\n  one:\n    run-on: ubuntu-latest\n"
UNKNOWN = Diagnostic(
    code="syntax-check",
    message="unknown key 'run-on'",
    span=Span("a b.yml", 4, 5, 4, 11),
    invalid=True,
    hint="did you mean 'runs-on'?",
    related=(Related("the job begins here", Span("a b.yml", 3, 3, 3, 6)),),
)
WARNING = Diagnostic(code="style", message="50%,\nreally", span=Span("gone.yml", 9, 1, 9, 1), severity="warning")


def test_text_underlines_what_is_wrong_and_counts_at_the_end() -> None:
    assert render_text([UNKNOWN, WARNING], {"a b.yml": SOURCE}) == (
        "a b.yml:4:5: error: unknown key 'run-on' [syntax-check]\n"
        "    |\n"
        "  4 |     run-on: ubuntu-latest\n"
        "    |     ^^^^^^\n"
        "  note: a b.yml:3:3: the job begins here\n"
        "  hint: did you mean 'runs-on'?\n"
        "\n"
        "gone.yml:9:1: warning: 50%,\nreally [style]\n"
        "\n"
        "1 error, 1 warning in 2 files\n"
    )


def test_text_of_nothing_is_empty() -> None:
    assert render_text([], {}) == ""


def test_colour_changes_nothing_but_colour() -> None:
    plain, painted = (render_text([UNKNOWN], {"a b.yml": SOURCE}, colour=colour) for colour in (False, True))
    assert "\x1b[" in painted
    for code in ("\x1b[31m", "\x1b[36m", "\x1b[1m", "\x1b[2m", "\x1b[0m"):
        painted = painted.replace(code, "")
    assert painted == plain


def test_json_has_every_field_of_the_contract() -> None:
    first, second = json.loads(render_json([UNKNOWN, WARNING]))
    assert first == {
        "code": "syntax-check",
        "severity": "error",
        "invalid": True,
        "message": "unknown key 'run-on'",
        "file": "a b.yml",
        "line": 4,
        "column": 5,
        "end_line": 4,
        "end_column": 11,
        "hint": "did you mean 'runs-on'?",
        "related": [
            {
                "message": "the job begins here",
                "file": "a b.yml",
                "line": 3,
                "column": 3,
                "end_line": 3,
                "end_column": 6,
            }
        ],
        "docs": None,
    }
    assert (second["severity"], second["invalid"], second["related"]) == ("warning", False, [])


def test_sarif_names_rules_and_escapes_paths() -> None:
    log = json.loads(render_sarif([UNKNOWN, WARNING], version="1"))
    run = log["runs"][0]
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["style", "syntax-check"]
    result = run["results"][0]
    assert (result["ruleId"], result["ruleIndex"], result["level"]) == ("syntax-check", 1, "error")
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "a%20b.yml"
    assert place["region"] == {"startLine": 4, "startColumn": 5, "endLine": 4, "endColumn": 11}
    assert result["relatedLocations"][0]["message"]["text"] == "the job begins here"


def test_annotations_escape_data_and_properties() -> None:
    assert render_annotations([WARNING]) == (
        "::warning file=gone.yml,line=9,col=1,endLine=9,endColumn=1,title=style::50%25,%0Areally\n"
    )

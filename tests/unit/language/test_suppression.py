"""Comments that take responsibility for a diagnostic."""

import pytest

from homeport.diagnostics.diagnostic import Diagnostic
from homeport.language.lint import lint

WORKFLOW = """\
on: push
jobs:
  a:
    runs-on: {label}
    steps:
      - run: |{header}
          echo ${{{{ github.head_ref }}}}
          {script}
{between}
      - run: a
"""
ON_LABEL = "gpu # homeport: ignore[runner-label] the runner of the lab"
IN_SCRIPT = ("script-injection", 7)


def found_in(
    label: str = "ubuntu-latest", header: str = "", script: str = "", between: str = "", disabled: tuple[str, ...] = ()
) -> list[tuple[str, int]]:
    text = WORKFLOW.format(label=label, header=header, script=script, between=between)
    return [(found.code, found.span.line) for found in check(text, disabled)]


def check(text: str, disabled: tuple[str, ...] = ()) -> list[Diagnostic]:
    return lint({".github/workflows/x.yml": text}, disabled=disabled).diagnostics


def test_without_a_comment_both_are_reported() -> None:
    assert found_in("gpu") == [("runner-label", 4), IN_SCRIPT]


def test_a_comment_behind_the_line_leaves_that_line_out() -> None:
    assert found_in(ON_LABEL) == [IN_SCRIPT]


@pytest.mark.parametrize("between", ["", "    # another comment\n", "\n"])
def test_a_comment_alone_on_its_line_is_about_the_next_one(between: str) -> None:
    comment = "    # homeport: ignore[runner-label] the runner of the lab\n"
    text = WORKFLOW.format(label="gpu", header="", script="", between="")
    text = text.replace("    runs-on", f"{comment}{between}    runs-on")
    assert [found.code for found in check(text)] == ["script-injection"]


def test_a_comment_behind_the_header_of_a_script_is_about_the_script() -> None:
    assert found_in(header=" # homeport: ignore[script-injection] only members push branches") == []


@pytest.mark.parametrize(
    ("script", "between"),
    [
        ("# homeport: ignore[script-injection] a comment of the shell", ""),
        ("echo a # homeport: ignore[script-injection] a comment of the shell", ""),
        ("", "      - run: 'a # homeport: ignore[script-injection] text'"),
        ("", '      - run: "a\n          # homeport: ignore[script-injection] text"'),
    ],
)
def test_what_stands_in_a_text_is_no_comment(script: str, between: str) -> None:
    assert found_in(script=script, between=between) == [IN_SCRIPT]


def test_a_comment_after_a_script_is_a_comment() -> None:
    assert found_in(between="      # homeport: ignore[if-cond] of the next step") == [IN_SCRIPT, ("suppression", 9)]


def test_several_codes_share_one_reason() -> None:
    assert found_in("gpu # homeport: ignore[runner-label, shell-name] lab") == [("suppression", 4), IN_SCRIPT]
    header = " # homeport: ignore[script-injection,expression] why"
    assert [found.message for found in check(WORKFLOW.format(label="x64", header=header, script="", between=""))] == [
        "nothing here has the code 'expression': the comment is not needed"
    ]


@pytest.mark.parametrize("end", ["", "  ", " : ", " -"])
def test_a_comment_without_a_reason_ignores_nothing(end: str) -> None:
    found = check(WORKFLOW.format(label=f"gpu # homeport: ignore[runner-label]{end}", header="", script="", between=""))
    assert [(item.code, item.severity) for item in found] == [
        ("runner-label", "warning"),
        ("suppression", "warning"),
        ("script-injection", "error"),
    ]
    assert found[1].message == "the comment gives no reason, and ignores nothing"


@pytest.mark.parametrize("comment", ["homeport: ignore", "homeport: ignore[] why", "homeport:ignore a reason"])
def test_a_comment_without_a_code_ignores_nothing(comment: str) -> None:
    assert found_in(f"gpu # {comment}") == [("runner-label", 4), ("suppression", 4), IN_SCRIPT]


def test_an_unknown_code_is_told_with_the_nearest_one() -> None:
    (_, found, _) = check(
        WORKFLOW.format(label="gpu # homeport: ignore[runner-lable] why", header="", script="", between="")
    )
    assert (found.message, found.hint) == (
        "there is no code 'runner-lable', so the comment ignores nothing",
        "did you mean 'runner-label'?",
    )


def test_what_github_refuses_cannot_be_ignored() -> None:
    text = "on: push\njobs: {} # homeport: ignore[job-needs] later\n"
    assert [(found.code, found.invalid) for found in check(text)] == [("job-needs", True)]


def test_nothing_is_said_of_comments_about_rules_that_did_not_run() -> None:
    assert found_in("x64 # homeport: ignore[unpinned-action] optional") == [IN_SCRIPT]
    assert found_in(ON_LABEL, disabled=("runner-label", "script-injection")) == []


def test_a_disabled_code_is_left_out_unless_github_refuses_it() -> None:
    assert found_in("gpu", disabled=("runner-label",)) == [IN_SCRIPT]
    assert [found.code for found in check("on: push\njobs: {}\n", disabled=("job-needs",))] == ["job-needs"]


def test_a_file_that_is_not_yaml_has_no_comments() -> None:
    assert [found.code for found in check("a: [ # homeport: ignore[syntax-check] no\n")] == ["syntax-check"]

"""Calls of reusable workflows, beyond the published cases: levels, circles, counts, and how references are completed."""

import pytest

from homeport.diagnostics.diagnostic import Diagnostic
from homeport.language.calls import CallLimits, Loaded, check_calls, qualify_call
from homeport.language.nodes import Workflow
from homeport.language.parser.workflow import parse_workflow

CALLED = "on: workflow_call\njobs:\n  a: {runs-on: x, steps: [{run: a}]}\n"


class Files:
    """Workflow files by their whole reference; counts how often each is asked for."""

    def __init__(self, **texts: str) -> None:
        self.texts = texts
        self.asked: list[str] = []

    def load(self, reference: str) -> Loaded | None:
        self.asked.append(reference)
        text = self.texts.get(reference)
        return None if text is None else parse_workflow(text, reference.removeprefix("./"))


def caller(*uses: str) -> str:
    jobs = "".join(f"  j{number}: {{uses: '{reference}'}}\n" for number, reference in enumerate(uses))
    return f"on: [push, workflow_call]\njobs:\n{jobs}"


def check(root: str, files: Files, limits: CallLimits | None = None) -> list[Diagnostic]:
    workflow, _ = parse_workflow(root, ".github/workflows/root.yml")
    assert isinstance(workflow, Workflow)
    return check_calls(workflow, files.load, limits=limits or CallLimits())


def chain(length: int) -> dict[str, str]:
    texts = {f"o/r/w/{n}.yml@v1": caller(f"o/r/w/{n + 1}.yml@v1") for n in range(1, length)}
    return texts | {f"o/r/w/{length}.yml@v1": CALLED}


@pytest.mark.parametrize(
    ("uses", "of", "whole"),
    [
        ("./.github/workflows/a.yml", "./.github/workflows/root.yml", "./.github/workflows/a.yml"),
        ("$/.github/workflows/a.yml", "./.github/workflows/root.yml", "./.github/workflows/a.yml"),
        ("./.github/workflows/a.yml", "o/r/.github/workflows/b.yml@v1", "o/r/.github/workflows/a.yml@v1"),
        ("$/.github/workflows/a.yml", "o/r/.github/workflows/b.yml@x@y", "o/r/.github/workflows/a.yml@y"),
        ("p/q/.github/workflows/a.yml@v2", "o/r/.github/workflows/b.yml@v1", "p/q/.github/workflows/a.yml@v2"),
    ],
)
def test_a_local_call_belongs_to_the_repository_of_its_caller(uses: str, of: str, whole: str) -> None:
    assert qualify_call(uses, of) == whole


def test_ten_levels_are_allowed_and_eleven_are_not() -> None:
    root = caller("o/r/w/1.yml@v1")
    assert check(root, Files(**chain(9))) == []
    (refused,) = check(root, Files(**chain(10)))
    assert "more than 10 levels" in refused.message
    assert (refused.span.file, refused.span.line) == ("o/r/w/9.yml@v1", 3)


def test_a_circle_of_calls_is_refused_where_it_closes() -> None:
    files = Files(**{"./.github/workflows/a.yml": caller("./.github/workflows/root.yml")})
    (refused,) = check(caller("./.github/workflows/a.yml"), files)
    assert "in a circle" in refused.message
    assert refused.span.file == ".github/workflows/a.yml"


def test_a_workflow_that_calls_itself_is_refused() -> None:
    (refused,) = check(caller("./.github/workflows/root.yml"), Files())
    assert "in a circle" in refused.message


def test_more_than_fifty_different_workflows_are_refused() -> None:
    references = [f"o/r/w/{number}.yml@v1" for number in range(51)]
    files = Files(**dict.fromkeys(references, CALLED))
    assert check(caller(*references[:50]), files) == []
    (refused,) = check(caller(*references), files)
    assert "more than 50 different workflows" in refused.message


def test_each_reference_is_loaded_once_however_many_paths_lead_to_it() -> None:
    wide = {f"o/r/w/{n}.yml@v1": caller(*[f"o/r/w/{n + 1}.yml@v1"] * 20) for n in range(1, 9)}
    files = Files(**wide, **{"o/r/w/9.yml@v1": CALLED})
    limits = CallLimits(size=1 << 62)
    assert check(caller("o/r/w/1.yml@v1"), files, limits) == []
    assert len(files.asked) == len(set(files.asked)) == 9


def test_workflows_that_are_together_too_large_are_refused() -> None:
    wide = {f"o/r/w/{n}.yml@v1": caller(*[f"o/r/w/{n + 1}.yml@v1"] * 20) for n in range(1, 9)}
    found = check(caller("o/r/w/1.yml@v1"), Files(**wide, **{"o/r/w/9.yml@v1": CALLED}))
    assert found
    assert all("bytes" in diagnostic.message for diagnostic in found)


def test_a_missing_local_workflow_is_a_mistake_and_an_unknown_remote_one_is_not() -> None:
    found = check(caller("./.github/workflows/no.yml", "o/r/.github/workflows/no.yml@v1"), Files())
    assert [diagnostic.message for diagnostic in found] == [
        "the workflow './.github/workflows/no.yml' does not exist in this repository"
    ]


def test_a_workflow_without_workflow_call_cannot_be_called() -> None:
    files = Files(**{"o/r/w/a.yml@v1": CALLED.replace("workflow_call", "push")})
    (refused,) = check(caller("o/r/w/a.yml@v1"), files)
    assert "'workflow_call' is not among its events" in refused.message
    assert refused.related[0].span.file == "o/r/w/a.yml@v1"


def test_a_call_of_an_invalid_workflow_points_at_its_first_mistake() -> None:
    files = Files(**{"o/r/w/a.yml@v1": "on: workflow_call\njobs: {a: {}}\n"})
    (refused,) = check(caller("o/r/w/a.yml@v1"), files)
    assert "is not valid: the key 'runs-on' is missing" in refused.message
    assert refused.related[0].span.line == 2


def test_arguments_are_compared_ignoring_case_and_expressions_are_left_open() -> None:
    called = CALLED.replace(
        "on: workflow_call",
        "on: {workflow_call: {inputs: {One: {type: boolean, required: true}, two: {type: number}}, secrets: {S: {required: true}}}}",
    )
    root = (
        "on: push\njobs:\n  a:\n    uses: o/r/w/a.yml@v1\n"
        "    with: {ONE: '${{ github.ref }}', Two: 3}\n    secrets: {s: '${{ secrets.x }}'}\n"
    )
    files = Files(**{"o/r/w/a.yml@v1": called})
    assert check(root, files) == []
    wrong = root.replace("Two: 3", "tow: '3'").replace("{s:", "{t:")
    assert [(item.span.line, item.hint) for item in check(wrong, files)] == [
        (4, "add 'S: …' under 'secrets'"),
        (5, "did you mean 'two'?"),
        (6, None),
    ]


def test_inherited_secrets_are_not_checked() -> None:
    called = CALLED.replace("on: workflow_call", "on: {workflow_call: {secrets: {s: {required: true}}}}")
    root = "on: push\njobs:\n  a: {uses: o/r/w/a.yml@v1, secrets: inherit}\n"
    assert check(root, Files(**{"o/r/w/a.yml@v1": called})) == []

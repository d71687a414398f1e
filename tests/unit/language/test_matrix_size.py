"""The 256 jobs that one matrix may make (docs: "Running variations of jobs in a workflow")."""

import pytest

from homeport.language.parser.workflow import parse_workflow


def refusals(matrix: str) -> list[str]:
    text = f"on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    strategy: {{matrix: {matrix}}}\n    steps: [{{run: a}}]\n"
    _, diagnostics = parse_workflow(text, "x.yml")
    assert all(diagnostic.invalid and diagnostic.span.line == 5 for diagnostic in diagnostics)
    return [diagnostic.message for diagnostic in diagnostics]


def numbers(count: int) -> str:
    return str(list(range(count)))


def test_a_matrix_that_is_too_large_is_refused() -> None:
    assert refusals(f"{{n: {numbers(257)}}}") == ["the matrix makes 257 jobs; at most 256 are allowed"]
    assert refusals(f"{{n: {numbers(40)}, m: {numbers(40)}}}") == [
        "the matrix makes 1,600 jobs; at most 256 are allowed"
    ]


@pytest.mark.parametrize(
    "matrix",
    [
        f"{{n: {numbers(256)}}}",
        f"{{n: {numbers(16)}, m: {numbers(16)}}}",
        f"{{n: {numbers(257)}, exclude: [{{n: 0}}]}}",
        f"{{n: {numbers(257)}, m: ['${{{{ github.ref }}}}']}}",
    ],
)
def test_one_that_may_be_small_enough_is_not(matrix: str) -> None:
    assert refusals(matrix) == []

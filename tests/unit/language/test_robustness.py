"""No text breaks the reader or the parser: random text, broken workflows, and workflows that grew too large."""

from hypothesis import example, given, settings
from hypothesis import strategies as st

from homeport.diagnostics.diagnostic import Diagnostic, sort_diagnostics
from homeport.language.lint import lint
from homeport.language.parser.action import parse_action
from homeport.language.parser.workflow import parse_workflow
from homeport.language.yaml_nodes import YamlMapping, YamlNode, YamlSequence
from homeport.language.yaml_reader import Limits, read_yaml
from tests.support.cases import FOLDER
from tests.support.conformance import load_cases

FILE = ".github/workflows/w.yml"
SEEDS = [path.read_text("utf-8") for path in sorted((FOLDER / "language" / "mistakes").glob("*/*.yml"))]
SEEDS += [case["workflow"] for case in load_cases("parser/cases.jsonl")]
FRAGMENTS = [
    "${{", "}}", "'", '"', ":", " ", "\n", "  ", "- ", "&a ", "*a", "<<", "!", "!!int ", "|", ">-", "[", "]", "{", "}", "#", "\t",
    "\0", "\ufeff", "\u2028", "é", "😀", "null", "0x", "on:", "jobs:", "steps:", "run:", "uses:", "if:", "matrix:", "needs:", "insert",
    "? ", "%YAML 1.2\n", "---\n", "...\n", ",", "@", "`", "\\", "\r", "~", "9" * 400,
]  # fmt: skip
YAML_ISH = st.lists(st.sampled_from(FRAGMENTS) | st.text(max_size=5), max_size=60).map("".join)


@st.composite
def broken_workflows(draw: st.DrawFn) -> str:
    """A known workflow with a few pieces cut out, doubled or replaced."""
    text = draw(st.sampled_from(SEEDS))
    for _ in range(draw(st.integers(1, 6))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 12)))
        piece = draw(st.sampled_from(["", text[start:end] * 2, *FRAGMENTS]))
        text = text[:start] + piece + text[end:]
    return text


def check_diagnostics(diagnostics: list[Diagnostic], text: str) -> None:
    lines = text.count("\n") + text.count("\r") + text.count("\x85") + text.count("\u2028") + text.count("\u2029") + 2
    assert diagnostics == sort_diagnostics(diagnostics)
    for diagnostic in diagnostics:
        span = diagnostic.span
        assert 1 <= span.line <= span.end_line <= lines, diagnostic
        assert span.column >= 1, diagnostic
        assert (span.line, span.column) <= (span.end_line, span.end_column), diagnostic
        assert diagnostic.message
        assert "\n" not in diagnostic.message


def check_spans(node: YamlNode) -> None:
    span = node.span
    assert (span.line, span.column) <= (span.end_line, span.end_column)
    if isinstance(node, YamlSequence):
        for item in node.items:
            check_spans(item)
    elif isinstance(node, YamlMapping):
        for key, value in node.pairs:
            check_spans(key)
            check_spans(value)


@given(st.text() | YAML_ISH)
@example("\ud800")
@example("a: &a [*a]")
@example("${{")
@settings(max_examples=300, deadline=None)
def test_any_text_is_read_or_refused(text: str) -> None:
    document, diagnostics = read_yaml(text, FILE)
    assert document is not None or any(diagnostic.invalid for diagnostic in diagnostics)
    if document is not None:
        check_spans(document.root)


@given(st.binary())
@settings(max_examples=200, deadline=None)
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    document, diagnostics = read_yaml(data, FILE)
    assert document is not None or any(diagnostic.invalid for diagnostic in diagnostics)


@given(broken_workflows() | YAML_ISH)
@settings(max_examples=300, deadline=None)
def test_a_broken_workflow_gives_diagnostics_within_the_file(text: str) -> None:
    workflow, diagnostics = parse_workflow(text, FILE)
    assert workflow is not None or any(diagnostic.invalid for diagnostic in diagnostics)
    check_diagnostics(diagnostics, text)
    check_diagnostics(lint({FILE: text}).diagnostics, text)


@given(broken_workflows() | YAML_ISH)
@settings(max_examples=200, deadline=None)
def test_a_broken_action_gives_diagnostics_within_the_file(text: str) -> None:
    action, diagnostics = parse_action(text, "action.yml")
    assert action is not None or any(diagnostic.invalid for diagnostic in diagnostics)
    check_diagnostics(diagnostics, text)


@given(broken_workflows(), st.integers(0, 200), st.integers(0, 60))
@settings(max_examples=100, deadline=None)
def test_reading_a_file_again_or_with_smaller_limits_is_safe(text: str, events: int, depth: int) -> None:
    limits = Limits(events=events, events_with_aliases=events, depth=depth, size=events * 60)
    assert parse_workflow(text, FILE, limits) == parse_workflow(text, FILE, limits) or "NaN" in repr(
        parse_workflow(text, FILE)
    )


def jobs_in_a_circle(count: int) -> str:
    jobs = "".join(f" j{n}: {{runs-on: x, needs: [j{(n + 1) % count}], steps: []}}\n" for n in range(count))
    return f"on: push\njobs:\n{jobs}"


def test_thousands_of_jobs_in_one_circle_are_each_reported_once() -> None:
    _, diagnostics = parse_workflow(jobs_in_a_circle(4_000), FILE)
    assert len([item for item in diagnostics if "circle" in item.message]) == 4_000


def test_a_gate_that_needs_thousands_of_jobs_is_read() -> None:
    names = [f"j{n}" for n in range(4_000)]
    jobs = "".join(f" {name}: {{runs-on: x, steps: [{{run: a}}]}}\n" for name in names)
    workflow, diagnostics = parse_workflow(
        f"on: push\njobs:\n{jobs} gate: {{runs-on: x, needs: [{','.join(names)}], steps: [{{run: a}}]}}\n", FILE
    )
    assert workflow is not None
    assert (len(workflow.jobs), diagnostics) == (4_001, [])


def test_thousands_of_steps_without_an_id_get_distinct_ones() -> None:
    steps = "\n".join("      - {run: a}" for _ in range(3_000))
    workflow, _ = parse_workflow(f"on: push\njobs:\n  a:\n    runs-on: x\n    steps:\n{steps}\n", FILE)
    assert workflow is not None
    job = workflow.jobs[0]
    assert len({step.id for step in getattr(job, "steps", ())}) == 3_000


def test_a_text_of_unclosed_expressions_is_read_in_one_go() -> None:
    text = "${{ a }" * 50_000
    _, diagnostics = parse_workflow(
        f"on: push\nrun-name: {text!r}\njobs: {{a: {{runs-on: x, steps: [{{run: a}}]}}}}\n", FILE
    )
    assert diagnostics

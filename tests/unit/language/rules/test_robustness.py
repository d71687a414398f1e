"""No text breaks the rules: broken workflows and actions with expressions, comments, and one another around them."""

from hypothesis import given, settings
from hypothesis import strategies as st

from homeport.language.lint import lint
from homeport.language.rules import OPTIONAL_CODES
from tests.support.cases import FOLDER
from tests.unit.language.test_robustness import FRAGMENTS, check_diagnostics

SEEDS = [
    "".join(path.read_text("utf-8").splitlines(keepends=True)) for path in sorted((FOLDER / "rules").glob("*.yml"))
]
PIECES = [
    *FRAGMENTS, "github.", "steps.", "needs.", "matrix.", "inputs.", ".*", "['", "fromJSON('", "toJSON(", "always()", "success()", "||", "&&",
    "!", "== '", "# homeport: ignore[", "] why", "uses: ./.github/actions/a", "uses: ./.github/workflows/x.yml", "using: ", "include:",
    "github.event_name == 'push'", "background: true", "wait-all:", "parallel:", "env.",
]  # fmt: skip


@st.composite
def broken_files(draw: st.DrawFn) -> str:
    """A case of a rule with a few pieces cut out, doubled or replaced."""
    text = draw(st.sampled_from(SEEDS))
    for _ in range(draw(st.integers(1, 6))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 20)))
        text = text[:start] + draw(st.sampled_from(["", text[start:end] * 2, *PIECES])) + text[end:]
    return text


@given(broken_files(), broken_files())
@settings(max_examples=150, deadline=None)
def test_broken_files_give_diagnostics_within_themselves(workflow: str, action: str) -> None:
    files: dict[str, str | bytes] = {".github/workflows/x.yml": workflow, ".github/actions/a/action.yml": action}
    found = lint(files, enabled=OPTIONAL_CODES, follow=True).diagnostics
    for name, text in files.items():
        check_diagnostics([diagnostic for diagnostic in found if diagnostic.span.file == name], str(text))

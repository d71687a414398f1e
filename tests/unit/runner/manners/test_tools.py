"""Programs that scripts take for granted."""

import pytest

from homeport.runner.manners.tools import explain_not_found, find_calls


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("jq . file", ["jq"]),
        ("curl -s x | jq .", ["curl", "jq"]),
        ("x=$(gh api y)", ["gh"]),
        ("if ! gh auth status; then zip a b; fi", ["gh", "zip"]),
        ("WORD=1 rsync -a b c && tree", ["rsync", "tree"]),
        ("sudo make install", ["make"]),
        ("  FOO=x BAR=y \\\n  cmake .", ["cmake"]),
        ("echo jq gh curl", []),
        ("# jq is not called", []),
        ("echo 'a; make sure' \"b; zip it\"", []),
        ('echo "$(jq . x)"', ["jq"]),
        ("./make", []),
        ("command -v jq", []),
        ("python -m zip", []),
    ],
)
def test_programs_are_found_where_commands_stand(script: str, expected: list[str]) -> None:
    assert find_calls(script) == expected


def test_what_is_missing_is_named_with_what_brings_it() -> None:
    sentences = explain_not_found("jq . x; psql -c y", "/nowhere")
    assert len(sentences) == 2
    assert sentences[0].startswith("This machine has no jq, which GitHub's images have: ")
    assert sentences[1].endswith(" postgresql-client")
    assert explain_not_found("sh -c x", "/nowhere") == []

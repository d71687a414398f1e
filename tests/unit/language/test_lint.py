"""The front door of `check`: several files at once."""

from homeport.language.lint import is_action_file, lint

CALLER = "on: push\njobs:\n  a: {uses: ./.github/workflows/b.yml}\n  c: {uses: $/.github/workflows/d.yml}\n"
CALLED = "on: workflow_call\njobs:\n  a: {runs-on: ubuntu-latest, steps: [{run: a}]}\n"


def test_files_are_told_apart_by_name() -> None:
    assert all(map(is_action_file, ("action.yml", "a/b/action.yaml")))
    assert not any(map(is_action_file, (".github/workflows/x.yml", "my-action.yml", "action.yml/x.yml")))


def test_workflows_find_one_another() -> None:
    files: dict[str, str | bytes] = {
        ".github/workflows/a.yml": CALLER,
        ".github/workflows/b.yml": CALLED,
        ".github/workflows/d.yml": CALLED.encode(),
    }
    result = lint(files)
    assert result.diagnostics == []
    assert set(result.workflows) == set(files)
    assert result.actions == {}


def test_a_missing_workflow_is_found_in_the_caller() -> None:
    (found,) = lint({".github/workflows/a.yml": CALLER, ".github/workflows/b.yml": CALLED}).diagnostics
    assert (found.code, found.span.file, found.span.line) == ("workflow-call", ".github/workflows/a.yml", 4)


def test_diagnostics_are_sorted_by_file_and_place() -> None:
    result = lint({"z.yml": "a: [", "b/action.yml": "", ".github/workflows/c.yml": "on: x\njobs: {a: {b: c}}\n"})
    places = [(item.span.file, item.span.line, item.span.column) for item in result.diagnostics]
    assert places == sorted(places)
    assert {place[0] for place in places} == {"z.yml", "b/action.yml", ".github/workflows/c.yml"}
    assert result.workflows["z.yml"] is None
    assert result.actions == {"b/action.yml": None}


def test_a_mistake_in_a_called_workflow_is_told_once_and_referred_to() -> None:
    files: dict[str, str | bytes] = {
        ".github/workflows/a.yml": CALLER.partition("  c:")[0],
        ".github/workflows/b.yml": CALLED.replace("runs-on", "runs_on"),
    }
    by_file = [
        (item.span.file, item.related[0].span.file if item.related else None) for item in lint(files).diagnostics
    ]
    assert by_file.count((".github/workflows/a.yml", ".github/workflows/b.yml")) == 1
    assert len([file for file, _ in by_file if file == ".github/workflows/a.yml"]) == 1

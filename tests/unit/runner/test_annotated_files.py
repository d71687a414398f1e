"""Which file of the workflow's repository a tool's path stands for (actions/runner `OutputManagerL0`: matched files)."""

from pathlib import Path

import pytest

from homeport.runner.annotated_files import find_in_repository


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    def clone(name: str, *lines: str) -> None:
        folder = tmp_path / name
        (folder / ".git").mkdir(parents=True)
        (folder / ".git" / "config").write_text("\n".join(lines))
        (folder / "src").mkdir()
        (folder / "src" / "a.c").touch()

    clone("own", '[remote "origin"]', "\turl = https://github.com/Octo/App")
    clone("quoted", '\turl = "https://github.com/octo/app"')
    clone("by-ssh", "\turl = git@github.com:octo/app.git")
    clone("other", "\turl = https://github.com/octo/other")
    clone("own/nested-other", "\turl = https://github.com/octo/other")
    clone("other/nested-own", "\turl = https://github.com/octo/app/")
    clone("nameless", "[core]", "\tbare = false")
    (tmp_path / "own" / "module").mkdir()
    (tmp_path / "own" / "module" / ".git").write_text("gitdir: ../.git/modules/module")
    (tmp_path / "own" / "module" / "b.c").touch()
    (tmp_path / "plain.c").touch()
    return tmp_path


@pytest.mark.parametrize(
    ("file", "found"),
    [
        ("own/src/a.c", "src/a.c"),
        ("./own/../own/src/a.c", "src/a.c"),
        ("quoted/src/a.c", "src/a.c"),
        ("by-ssh/src/a.c", "src/a.c"),
        ("other/src/a.c", None),
        ("own/nested-other/src/a.c", None),
        ("other/nested-own/src/a.c", "src/a.c"),
        ("nameless/src/a.c", "src/a.c"),
        ("own/module/b.c", "module/b.c"),
        ("plain.c", "plain.c"),
        ("own/src/gone.c", None),
        ("own/src", None),
        ("../outside.c", None),
    ],
)
def test_a_file_belongs_to_the_clone_of_the_workflows_repository(workspace: Path, file: str, found: str | None) -> None:
    (workspace.parent / "outside.c").touch()
    assert find_in_repository(file, str(workspace), "octo/app") == found
    assert find_in_repository(f"{workspace}/{file}", str(workspace), "octo/app") == found

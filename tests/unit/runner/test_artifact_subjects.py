"""What steps declare in `GITHUB_ARTIFACTS`."""

import hashlib
import json
from pathlib import Path

import pytest

from homeport.runner.artifact_subjects import MOST_SUBJECTS, Subject, declare_subjects, render_list
from homeport.runner.command_files import CommandFileError

SHA = "a" * 64


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist" / "app.whl").write_bytes(b"wheel")
    (tmp_path / "odd@sha256:abc").write_bytes(b"odd")
    return tmp_path


def declare(workspace: Path, *lines: str, known: dict[str, Subject] | None = None) -> dict[str, Subject]:
    return declare_subjects("\n".join(lines), known or {}, str(workspace))


def test_files_and_images_are_declared(workspace: Path) -> None:
    wheel = Subject("app.whl", f"sha256:{hashlib.sha256(b'wheel').hexdigest()}", "file")
    subjects = declare(
        workspace,
        "# what was built",
        "  dist/app.whl  ",
        "",
        f"FILE://{workspace}/dist/app.whl",
        f"ghcr.io/octo/app@SHA256:{SHA.upper()}",
        f"oci://other@sha256:{SHA}",
        "odd@sha256:abc",
    )
    assert subjects == {
        "app.whl": wheel,
        "ghcr.io/octo/app": Subject("ghcr.io/octo/app", f"sha256:{SHA}", "oci"),
        "other": Subject("other", f"sha256:{SHA}", "oci"),
        "odd@sha256:abc": Subject("odd@sha256:abc", f"sha256:{hashlib.sha256(b'odd').hexdigest()}", "file"),
    }
    shown = json.loads(render_list(subjects))
    assert shown["version"] == 1
    assert [entry["name"] for entry in shown["subjects"]] == sorted(subjects)
    assert shown["subjects"][0] == {"name": "app.whl", "digest": wheel.digest, "kind": "file"}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("name=value", "'=' are reserved"),
        ("file://", "must include a path"),
        ("oci://image:latest", "must include an @sha"),
        ("oci://image@sha256:abc", "must be 64 hex characters, got 3"),
        ("https://example.invalid/x", "unsupported URI scheme"),
        ("dist", "is a directory"),
        ("gone", "does not exist (relative paths begin at the workspace"),
        ("/gone", "file '/gone' does not exist"),
    ],
)
def test_a_mistake_is_told_with_its_line_and_nothing_is_added(workspace: Path, line: str, message: str) -> None:
    known = {"x": Subject("x", "sha256:0", "oci")}
    with pytest.raises(CommandFileError) as caught:
        declare(workspace, "dist/app.whl", line, known=known)
    assert "line 2" in str(caught.value)
    assert message in str(caught.value)
    assert list(known) == ["x"]


def test_one_name_has_one_digest(workspace: Path) -> None:
    known = declare(workspace, f"image@sha256:{SHA}")
    assert declare(workspace, f"image@sha256:{SHA}", known=known) == known
    with pytest.raises(CommandFileError, match="was declared with the digest"):
        declare(workspace, f"image@sha256:{'b' * 64}", known=known)


def test_a_job_has_a_limit(workspace: Path) -> None:
    lines = [f"image{number}@sha256:{SHA}" for number in range(MOST_SUBJECTS)]
    known = declare(workspace, *lines)
    assert declare(workspace, lines[0], known=known) == known
    with pytest.raises(CommandFileError, match="a job may declare 500 artifacts"):
        declare(workspace, "dist/app.whl", known=known)
    with pytest.raises(CommandFileError, match="1024 KiB"):
        declare(workspace, "#" * (1 << 20) + "#")

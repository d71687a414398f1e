"""`hashFiles`: the files that @actions/glob finds, in its order, and the hash of their hashes."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from homeport.runner.hash_files import HashFilesError, hash_files

CASES: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "cases" / "runner" / "hash_files.json").read_text("utf-8")
)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tree") / "work space"
    for name in CASES["tree"]["files"]:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    for name in CASES["tree"]["folders"]:
        (folder / name).mkdir(parents=True)
    for name, target in CASES["tree"]["links"].items():
        (folder / name).symlink_to(target)
    return folder


@pytest.mark.parametrize("case", CASES["cases"], ids=lambda case: " ".join(case["patterns"]))
def test_files_are_found_and_hashed_as_the_runner_does(workspace: Path, case: dict[str, Any]) -> None:
    """What @actions/glob itself has found in the same tree."""
    if "error" in case:
        with pytest.raises(HashFilesError) as caught:
            hash_files(case["patterns"], str(workspace), "/root")
        assert str(caught.value) == case["error"]
        return
    total = hashlib.sha256()
    for name in case["files"]:
        total.update(hashlib.sha256((workspace / name).read_bytes()).digest())
    expected = total.hexdigest() if case["files"] else ""
    assert hash_files(case["patterns"], str(workspace), "/root") == expected


def test_a_pattern_may_be_absolute_and_files_elsewhere_do_not_count(workspace: Path) -> None:
    assert hash_files([f"{workspace}/top.txt"], str(workspace), "/root") == hash_files(
        ["top.txt"], str(workspace), "/root"
    )
    assert hash_files([f"{workspace}/z/*"], str(workspace / "a"), "/root") == ""
    assert hash_files(["~/*"], str(workspace), str(workspace / "z")) == hash_files(["z/*"], str(workspace), "/root")


def test_an_unknown_option_is_refused(workspace: Path) -> None:
    with pytest.raises(HashFilesError, match="Invalid glob option --follow-links"):
        hash_files(["--follow-links", "*"], str(workspace), "/root")


def test_a_link_to_nowhere_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "broken").symlink_to("nowhere")
    with pytest.raises(HashFilesError, match="broken"):
        hash_files(["*"], str(tmp_path), "/root")
    assert hash_files(["--follow-symbolic-links", "*"], str(tmp_path), "/root") == ""

"""Folders, and the variables that a job inherits."""

import os
from pathlib import Path

import pytest

from homeport.runner.environment import DEFAULT_PATH, pick_variables
from homeport.runner.folders import make_folder, read_file, remove_tree, write_file


def test_only_what_is_named_is_passed_on() -> None:
    host = {
        "PATH": "/bin", "LANG": "C.UTF-8", "LC_ALL": "C", "https_proxy": "p", "NO_PROXY": "n", "SSL_CERT_FILE": "c",
        "PIP_INDEX_URL": "i", "UV_CACHE_DIR": "u", "npm_config_registry": "r", "NPM_CONFIG_CACHE": "m",
        "HOME": "/root", "GITHUB_TOKEN": "secret", "AWS_SECRET_ACCESS_KEY": "secret", "PIPELINE": "x", "SHELL": "s", "MINE": "1",
    }  # fmt: skip
    passed = pick_variables(host, ["MINE", "NOT_THERE"])
    left_out = {"HOME", "GITHUB_TOKEN", "AWS_SECRET_ACCESS_KEY", "PIPELINE", "SHELL"}
    assert passed == {name: value for name, value in host.items() if name not in left_out}


def test_there_is_always_a_path() -> None:
    assert pick_variables({}) == {"PATH": DEFAULT_PATH}


def test_a_tree_is_removed_with_what_may_not_be_written(tmp_path: Path) -> None:
    folder = tmp_path / "tree" / "inner"
    make_folder(str(folder))
    (folder / "file").write_text("x")
    (tmp_path / "kept").write_text("y")
    (folder / "link").symlink_to(tmp_path / "kept")
    folder.chmod(0o500)
    remove_tree(str(tmp_path / "tree"))
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]
    remove_tree(str(tmp_path / "tree"))
    remove_tree(str(tmp_path / "kept"))
    assert list(tmp_path.iterdir()) == []


def test_making_a_folder_twice_is_no_matter(tmp_path: Path) -> None:
    make_folder(str(tmp_path / "a" / "b"))
    make_folder(str(tmp_path / "a" / "b"))
    assert (tmp_path / "a" / "b").is_dir()


def test_a_file_is_private_and_new(tmp_path: Path) -> None:
    path = str(tmp_path / "file")
    write_file(path, b"content")
    assert read_file(path) == b"content"
    assert os.stat(path).st_mode & 0o777 == 0o600
    with pytest.raises(FileExistsError):
        write_file(path, b"")

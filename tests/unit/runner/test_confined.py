"""Files in folders that a job can write to: read and written without following what it put there."""

import os
from pathlib import Path

import pytest

from homeport.runner.confined import read_plain_file, write_below


def test_a_plain_file_is_read_up_to_its_limit(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"text")
    assert read_plain_file(str(tmp_path / "file"), 4) == b"text"
    with pytest.raises(OSError, match="longer than 3 bytes"):
        read_plain_file(str(tmp_path / "file"), 3)


def test_links_pipes_and_folders_are_refused(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "link").symlink_to(tmp_path / "secret")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "endless").symlink_to("/dev/zero")
    for name in ("link", "pipe", "endless", "."):
        with pytest.raises(OSError):  # noqa: PT011 - the system's words differ
            read_plain_file(str(tmp_path / name), 1 << 20)


def test_a_file_is_written_below_and_never_through_a_link(tmp_path: Path) -> None:
    write_below(str(tmp_path), ("a", "b", "file"), b"content")
    assert (tmp_path / "a" / "b" / "file").read_bytes() == b"content"
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "link").symlink_to("elsewhere")
    with pytest.raises(OSError):  # noqa: PT011 - the system's words differ
        write_below(str(tmp_path), ("link", "file"), b"content")
    assert not list((tmp_path / "elsewhere").iterdir())
    with pytest.raises(FileExistsError):
        write_below(str(tmp_path), ("a", "b", "file"), b"other")

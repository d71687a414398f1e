"""The digest that follows a writer: it is that of the whole, however the file was written, and it never outlives its block."""

import hashlib
import os
import threading
from pathlib import Path

import pytest

from homeport.archive.following_digest import FollowingDigest
from homeport.archive.parallel_deflate import deflate


@pytest.mark.parametrize("size", [0, 1, 5 << 20])
def test_it_is_the_digest_of_what_was_announced(tmp_path: Path, size: int) -> None:
    data = os.urandom(size)
    with (tmp_path / "file").open("wb+", buffering=0) as file, FollowingDigest(file.fileno()) as digest:
        for start in range(0, size, 1 << 20):
            file.write(data[start : start + (1 << 20)])
            digest.advance(min(size, start + (1 << 20)))
        file.write(b"not announced")
        assert digest.finish() == hashlib.sha256(data).hexdigest()


def test_what_is_given_up_leaves_no_thread(tmp_path: Path) -> None:
    with (tmp_path / "file").open("wb+") as file:
        file.truncate(1 << 30)
        with pytest.raises(KeyboardInterrupt), FollowingDigest(file.fileno()) as digest:
            _interrupt(digest)
    assert [thread.name for thread in threading.enumerate() if thread.name == "digest"] == []


def test_a_file_that_is_shorter_than_announced_is_an_error(tmp_path: Path) -> None:
    with (tmp_path / "file").open("wb+") as file, FollowingDigest(file.fileno()) as digest:
        digest.advance(8 << 20)
        with pytest.raises(OSError, match="shorter"):
            digest.finish()


def test_blocks_that_cannot_be_had_end_the_deflating() -> None:
    def blocks() -> "list[bytes]":
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        list(deflate(iter(blocks, None), 6))  # type: ignore[arg-type]


def _interrupt(digest: FollowingDigest) -> None:
    digest.advance(1 << 30)
    raise KeyboardInterrupt

"""Asking repositories elsewhere has an end, whatever the other side does."""

import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from homeport.git.hosted import make_hosted
from homeport.git.remote import RemoteGit, RemoteGitError
from tests.support.serve import wait_until


@pytest.fixture
def silent() -> Iterator[str]:
    """The address of one who takes connections and never says anything."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/acme/shop.git"


def asked(git: RemoteGit, url: str, git_dir: str) -> list[Callable[[], object]]:
    return [
        lambda: git.list_refs(url, ["refs/heads/*"]),
        lambda: git.find_refs(url, ["refs/heads/main"]),
        lambda: git.fetch_refs(url, ["+refs/heads/main:refs/heads/main"], git_dir),
    ]


def test_what_takes_longer_than_it_may_is_given_up_and_may_be_tried_again(silent: str, tmp_path: Path) -> None:
    git_dir = str(tmp_path / "r.git")
    make_hosted(git_dir, "main")
    git = RemoteGit(os.environ, lambda: False, ask_seconds=0.2, fetch_seconds=0.2)
    for question in asked(git, silent, git_dir):
        with pytest.raises(RemoteGitError, match="it took too long") as raised:
            question()
        assert raised.value.trouble == "unreachable"
    wait_until(lambda: not _is_mentioned(silent), 30)  # left alone it would wait for a minute


def _is_mentioned(url: str) -> bool:
    """Whether a process is left that was told this address."""
    return any(url.encode() in _read(path) for path in Path("/proc").glob("[0-9]*/cmdline"))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""

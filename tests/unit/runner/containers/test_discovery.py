"""Where a container engine is looked for."""

import socket
from pathlib import Path

import pytest

from homeport.runner.containers.discovery import Address, list_addresses
from homeport.runner.containers.errors import EngineError
from homeport.runner.containers.host import find_engine
from tests.support.parts import require_module


def test_a_named_engine_is_the_only_one() -> None:
    environment = {"DOCKER_HOST": "tcp://127.0.0.1:1", "PATH": "/usr/bin:/bin"}
    assert list(list_addresses(environment)) == [Address(url="tcp://127.0.0.1:1")]


def test_sockets_come_before_podman_itself(tmp_path: Path) -> None:
    program = tmp_path / "podman"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    runtime = tmp_path / "runtime"
    (runtime / "podman").mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(runtime / "podman" / "podman.sock"))
        found = list(list_addresses({"XDG_RUNTIME_DIR": str(runtime), "PATH": str(tmp_path)}))
    own = found.index(Address(url=f"unix://{runtime}/podman/podman.sock"))
    assert found[-1] == Address(podman=str(program))
    assert own < len(found) - 1


def test_a_named_engine_that_does_not_answer_is_told_with_what_helps() -> None:
    require_module("docker")
    with pytest.raises(
        EngineError, match=r"no container engine can be used here: unix:///no/such\.sock: .*No such file"
    ) as raised:
        find_engine({"DOCKER_HOST": "unix:///no/such.sock"})
    assert raised.value.hint == "install podman or Docker, or name an engine with DOCKER_HOST"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("#!/bin/sh\necho 'Error: storage is broken' >&2\nexit 125\n", "does not answer: Error: storage is broken"),
        ("#!/no/such/shell\n", "does not answer: it could not be started: No such file or directory"),
        ("#!/bin/sh\n", "does not answer: it ended without a word"),
    ],
    ids=["broken", "unfit", "mute"],
)
def test_a_podman_that_cannot_serve_is_told_and_leaves_nothing(tmp_path: Path, text: str, said: str) -> None:
    require_module("docker")
    program = tmp_path / "podman"
    program.write_text(text)
    program.chmod(0o755)
    runtime = tmp_path / "runtime"
    runtime.mkdir()
    environment = {"PATH": str(tmp_path), "XDG_RUNTIME_DIR": str(runtime)}
    with pytest.raises(EngineError, match=said):
        find_engine(environment, own=True)
    assert list(runtime.iterdir()) == []

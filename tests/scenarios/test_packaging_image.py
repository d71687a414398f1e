"""The container image: built as its Containerfile says, started with a volume, used, stopped and started again."""

import os
import re
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from homeport.server.credentials import form_token
from tests.support.debian_image import make_debian_image
from tests.support.images import NOTHING, Podman, open_podman
from tests.support.pushing import Checkout
from tests.support.serve import wait_until

pytestmark = pytest.mark.xdist_group("podman")
ROOT = Path(__file__).parents[2]
IMAGE, VOLUME = "localhost/homeport:test", "homeport-data"
PASSWORD = "correct horse battery staple"
WORKFLOW = """\
on: push
jobs:
  test:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - run: cat said && id -u && git --version && test ! -w /opt/homeport
"""


@pytest.fixture(scope="module")
def podman(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Podman]:
    yield from open_podman(tmp_path_factory.mktemp("podman"))


@pytest.fixture(scope="module")
def image(podman: Podman, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The package index is the one that pip uses here."""
    folder = tmp_path_factory.mktemp("base")
    base = make_debian_image(
        podman, "localhost/debian:test", ("python3-venv", "git", "bubblewrap", "ca-certificates"), folder
    )
    (folder / "pip.conf").write_text("\n".join(["[global]", *_list_pip_settings(os.environ)]))
    options = [f"--volume={folder}/pip.conf:/etc/pip.conf:ro", "--network=host", f"--build-arg=BASE={base}"]
    podman.run("build", *options, "--tag", IMAGE, "--file", str(ROOT / "packaging" / "Containerfile"), str(ROOT))
    return IMAGE


def _list_pip_settings(environment: Mapping[str, str]) -> list[str]:
    settings = {name.removeprefix("PIP_"): value for name, value in environment.items() if name.startswith("PIP_")}
    return [f"{name.lower().replace('_', '-')} = {value}" for name, value in settings.items() if name != "FIND_LINKS"]


class Contained:
    """A server in a container, at a port of this machine."""

    def __init__(self, podman: Podman, image: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self._podman = podman
        self.url = f"http://127.0.0.1:{port}"
        options = [f"--publish=127.0.0.1:{port}:8080", f"--volume={VOLUME}:/var/lib/homeport"]
        self.name = podman.run("run", "--detach", *options, image, "--public-url", self.url)

    def await_ready(self) -> None:
        wait_until(self._is_ready)

    def _is_ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/readyz").status_code == 200
        except httpx.TransportError:
            assert self._podman.run("inspect", "--format={{.State.Running}}", self.name) == "true", self.log
            return False

    @property
    def log(self) -> str:
        """What it said, to stdout and to stderr."""
        return self._podman.run("logs", self.name, given=b"")

    def inside(self, *words: str) -> str:
        return self._podman.run("exec", self.name, *words)

    def become_administrator(self) -> str:
        """By the link of the first start, as a person would; gives a token."""
        found: Any = wait_until(lambda: re.search(r"/setup\?token=(\S+)", self.log))
        with httpx.Client(base_url=self.url, headers={"origin": self.url}) as client:
            form = {"token": found[1], "login": "ada", "name": "Ada", "password": PASSWORD}
            assert client.post("/setup", data=form).headers["location"] == "/"
            (session,) = client.cookies.values()
            asked = {"name": "test", "scopes": ["read", "write", "admin"]}
            shown = {"x-form-token": form_token(session)}
            answer = client.post("/api/homeport/v1/tokens", json=asked, headers=shown)
            assert answer.status_code == 201, answer.text
            return str(answer.json()["token"])


def test_a_push_runs_in_the_container_and_is_found_again_after_a_restart(
    podman: Podman, image: str, tmp_path: Path
) -> None:
    server = Contained(podman, image)
    try:
        server.await_ready()
        assert server.inside("id", "-un") == "homeport"
        token = server.become_administrator()
        checkout = Checkout(tmp_path / "work", f"{server.url}/acme/shop.git", "ada", token)
        sha = checkout.commit({"said": "hello from the volume\n", ".github/workflows/ci.yml": WORKFLOW})
        checkout.push()
        run = wait_until(lambda: find_green_run(server, token, sha))
        before = read_log(server, token, run)
        assert "hello from the volume" in before
        assert server.inside("homeport", "backup", "/var/lib/homeport/copy.tar") == ""

        assert podman.run("stop", "--time=60", server.name) in {server.name, server.name[:12]}
        assert podman.run("inspect", "--format={{.State.ExitCode}}", server.name) == "0"
        podman.run("start", server.name)
        server.await_ready()
        assert find_green_run(server, token, sha) == run
        assert read_log(server, token, run) == before
    finally:
        podman.run("rm", "--force", "--time=0", server.name)
        podman.run("volume", "rm", "--force", VOLUME)
    assert podman.list_left() == NOTHING


def ask(server: Contained, token: str, path: str) -> httpx.Response:
    address = f"{server.url}/api/v3/repos/acme/shop/{path}"
    return httpx.get(address, headers={"authorization": f"Bearer {token}"}, follow_redirects=True)


def find_green_run(server: Contained, token: str, sha: str) -> int:
    found = ask(server, token, f"actions/runs?head_sha={sha}").json()["workflow_runs"]
    assert not found or found[0]["conclusion"] in {None, "success"}, read_log(server, token, found[0]["id"])
    return int(found[0]["id"]) if found and found[0]["conclusion"] else 0


def read_log(server: Contained, token: str, run: int) -> str:
    (job,) = ask(server, token, f"actions/runs/{run}/jobs").json()["jobs"]
    return ask(server, token, f"actions/jobs/{job['id']}/logs").text

"""pypa/gh-action-pypi-publish with a real twine and a real package index on loopback."""

import json
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from homeport.runner.actions.native import pypa_publish
from homeport.runner.host import ActionError
from tests.support.action_host import PATH, FolderHost
from tests.support.index import Index, package_index
from tests.support.wheels import build_wheel


@pytest.fixture(scope="session")
def twine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a twine program, from the package index."""
    folder = tmp_path_factory.mktemp("twine")
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True, capture_output=True)
    done = subprocess.run(
        [folder / "bin" / "pip", "install", "-q", "twine>=6"], check=False, capture_output=True, text=True
    )
    if done.returncode:
        pytest.skip(f"twine cannot be had from the package index: {done.stderr[-300:]}")
    return folder / "bin"


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    with package_index(tmp_path / "packages") as running:
        yield running


@pytest.fixture
def host(tmp_path: Path, twine: Path, index: Index) -> FolderHost:
    job = FolderHost(tmp_path / "job", environment={"PATH": f"{twine}:{PATH}", "NO_COLOR": "1"})
    build_wheel(job.workspace / "dist", "greeter", "1.0")
    return job


WHEEL = "greeter-1.0-py3-none-any.whl"


def publish(host: FolderHost, index: Index, **inputs: str) -> FolderHost:
    return host.use(pypa_publish, repository_url=index.address, **{"attestations": "false", **inputs})


# --- with a password -------------------------------------------------------------------------------------------------


def test_distributions_are_checked_and_uploaded(host: FolderHost, index: Index) -> None:
    publish(host, index, user="ada", password="secret")
    assert index.uploaded == [WHEEL]
    assert f"Checking dist/{WHEEL}: " in host.log_text
    assert "PASSED" in host.log_text
    assert "secret" not in host.log_text
    assert host.annotations == []


def test_a_wrong_password_fails_the_step(host: FolderHost, index: Index) -> None:
    with pytest.raises(ActionError, match="twine upload failed with exit code 1"):
        publish(host, index, user="ada", password="wrong")
    assert index.uploaded == []
    assert "403" in host.log_text


def test_what_is_there_already_is_an_error(host: FolderHost, index: Index) -> None:
    publish(host, index, user="ada", password="secret")
    with pytest.raises(ActionError, match="twine upload failed"):
        publish(host, index, user="ada", password="secret")
    assert "409" in host.log_text


def test_to_skip_what_is_there_is_left_to_twine(host: FolderHost, index: Index) -> None:
    """Which does it for PyPI, and refuses for indexes that it does not know."""
    with pytest.raises(ActionError, match="twine upload failed"):
        publish(host, index, user="ada", password="secret", skip_existing="true")
    assert "does not have support for the following features: --skip-existing" in " ".join(host.log_text.split())
    assert index.uploaded == []


def test_metadata_that_is_not_valid_is_not_uploaded(host: FolderHost, index: Index) -> None:
    with zipfile.ZipFile(host.workspace / "dist" / "bad-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("bad-1.0.dist-info/METADATA", "Name: bad\n")
    with pytest.raises(ActionError, match="twine check failed"):
        publish(host, index, user="ada", password="secret")
    assert index.uploaded == []


def test_the_check_can_be_left_out_and_the_folder_named(host: FolderHost, index: Index) -> None:
    (host.workspace / "dist").rename(host.workspace / "out")
    publish(host, index, user="ada", password="secret", packages_dir="out/", verify_metadata="false")
    assert index.uploaded == [WHEEL]
    assert "Checking" not in host.log_text


def test_hashes_are_printed_on_request(host: FolderHost, index: Index) -> None:
    publish(host, index, user="ada", password="secret", print_hash="true")
    kinds = [line.partition(":")[0] for line in host.lines if line.startswith(("SHA256", "MD5", "BLAKE2-256"))]
    assert kinds == ["SHA256", "MD5", "BLAKE2-256"]


def test_no_distributions_are_a_warning_and_twines_error(host: FolderHost, index: Index) -> None:
    (host.workspace / "dist" / WHEEL).unlink()
    with pytest.raises(ActionError, match="twine check failed"):
        publish(host, index, user="ada", password="secret")
    assert "no Python distribution packages to publish in the directory 'dist/'" in host.annotations[0][1]


def test_the_password_is_in_no_command_line(host: FolderHost, index: Index, tmp_path: Path) -> None:
    spy = tmp_path / "spy"
    spy.mkdir()
    (spy / "twine").write_text(f'#!/bin/sh\ntr "\\0" " " </proc/$$/cmdline >>{spy}/seen\necho "$@" >>{spy}/seen\n')
    (spy / "twine").chmod(0o755)
    host.environment["PATH"] = f"{spy}:{PATH}"
    publish(host, index, user="ada", password="secret")
    seen = (spy / "seen").read_text()
    assert "upload" in seen
    assert "secret" not in seen


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"user": "ada", "password": "secret", "repository-url": ""}, "PyPI requires all users to enable Two-Factor"),
        ({"repository-url": "file:///etc"}, "is not one of http or https"),
        ({"packages-dir": "--config-file=x"}, "is no path"),
    ],
)
def test_what_is_not_accepted_fails_before_anything_is_run(
    host: FolderHost, inputs: dict[str, str], message: str
) -> None:
    with pytest.raises(ActionError, match=message):
        host.use(pypa_publish, **inputs)
    assert host.lines == []


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ({"password": "abc"}, ["explicit password was also set", 'does not start with "pypi-"']),
        ({"user": "ada", "password": "secret"}, ["explicit password was also set"]),
    ],
)
def test_what_may_be_a_mistake_is_said(
    host: FolderHost, index: Index, inputs: dict[str, str], words: list[str]
) -> None:
    index.users["__token__"] = "abc"
    publish(host, index, attestations="true", **inputs)
    assert len(host.annotations) == len(words)
    assert all(word in text for word, (_, text) in zip(words, host.annotations, strict=True))


# --- trusted publishing ----------------------------------------------------------------------------------------------


class _Identity(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        good = self.headers["Authorization"] == "bearer request-token"
        body = json.dumps({"value": f"identity for {self.path.rpartition('audience=')[2]}"} if good else {}).encode()
        self.send_response(200 if good else 401)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nobody reads it."""


@pytest.fixture
def identity(host: FolderHost) -> Iterator[FolderHost]:
    """The host of a job that may ask for identity tokens."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Identity)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    host.environment["ACTIONS_ID_TOKEN_REQUEST_URL"] = f"http://127.0.0.1:{server.server_address[1]}/token?v=1"
    host.environment["ACTIONS_ID_TOKEN_REQUEST_TOKEN"] = "request-token"
    yield host
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_jobs_identity_is_exchanged_for_a_token_of_the_index(identity: FolderHost, index: Index) -> None:
    index.accepts = lambda token: token == "identity for loopback-index"
    publish(identity, index)
    assert index.uploaded == [WHEEL]
    assert set(index.seen) == {("__token__", "pypi-minted")}
    assert identity.masked == ["pypi-minted"]
    assert "pypi-minted" not in identity.log_text
    assert list(Path(identity.paths.temp).iterdir()) == []


def test_an_identity_that_is_not_trusted_is_the_index_own_error(identity: FolderHost, index: Index) -> None:
    with pytest.raises(ActionError, match=r"`invalid-publisher`: valid token, but no corresponding publisher"):
        publish(identity, index)
    assert "Trusted publishing exchange failure" in identity.summaries[0]
    assert index.uploaded == []


@pytest.mark.parametrize(
    ("status", "message"),
    [(403, "has trusted publishing disabled"), (404, "does not indicate trusted publishing"), (500, "unexpected 500")],
)
def test_an_index_without_trusted_publishing_says_so(
    identity: FolderHost, index: Index, status: int, message: str
) -> None:
    index.audience_status = status
    with pytest.raises(ActionError, match=message):
        publish(identity, index)


def test_a_job_without_the_permission_is_told_which_it_needs(host: FolderHost, index: Index) -> None:
    with pytest.raises(ActionError, match=r"(?s)OpenID Connect token retrieval failed.*id-token: write"):
        publish(host, index)


def test_a_request_token_that_is_refused_is_an_error(identity: FolderHost, index: Index) -> None:
    identity.environment["ACTIONS_ID_TOKEN_REQUEST_TOKEN"] = "other"
    with pytest.raises(ActionError, match="OpenID Connect token retrieval failed: the request was answered with 401"):
        publish(identity, index)


def test_an_index_that_does_not_answer_is_named(identity: FolderHost) -> None:
    with pytest.raises(ActionError, match=r"127\.0\.0\.1:1 does not answer"):
        identity.use(pypa_publish, repository_url="http://127.0.0.1:1/", attestations="false")


def test_attestations_are_left_out_with_a_warning(identity: FolderHost, index: Index) -> None:
    index.accepts = lambda token: True
    publish(identity, index, attestations="true")
    assert "does not support PEP 740 attestations" in identity.annotations[0][1]
    assert index.uploaded == [WHEEL]


# --- twine itself ----------------------------------------------------------------------------------------------------


def test_twine_comes_from_the_index_where_the_machine_has_none(tmp_path: Path, index: Index, twine: Path) -> None:
    host = FolderHost(tmp_path / "other", environment={"NO_COLOR": "1"})
    build_wheel(host.workspace / "dist", "greeter", "1.0")
    publish(host, index, user="ada", password="secret")
    assert index.uploaded == [WHEEL]
    kept = list((Path(host.paths.tool_cache) / "twine").glob("*/cp*.complete"))
    assert len(kept) == 1
    for wheel in index.packages.iterdir():
        wheel.unlink()
    publish(host, index, user="ada", password="secret")
    assert sum(line.startswith("Installing twine") for line in host.lines) == 1


def test_a_machine_without_twine_and_index_says_what_to_install(tmp_path: Path, index: Index) -> None:
    environment = {"PIP_INDEX_URL": "http://127.0.0.1:1/", "PIP_NO_INDEX": "1"}
    host = FolderHost(tmp_path / "other", environment=environment)
    build_wheel(host.workspace / "dist", "greeter", "1.0")
    with pytest.raises(ActionError, match=r"(?s)twine is not on this machine.*pipx install twine"):
        publish(host, index, user="ada", password="secret")

"""A served repository with a past, and clients of GitHub's REST interface that talk to it over HTTPS."""

import json
import os
import ssl
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from homeport.ports.repositories import StoreError
from tests.support.github_answers import published
from tests.support.pushing import Checkout, make_person
from tests.support.serve import LONG, ServedProcess, served, wait_until

CI = """\
name: CI
run-name: Build ${{ github.ref_name }}
on:
  push:
  workflow_dispatch:
    inputs:
      fail: {type: boolean, default: false}
jobs:
  build:
    runs-on: ubuntu-latest
    steps:
      - name: Say / something
        run: |
          echo "::warning file=app.py,line=3,title=Old::This is old"
          echo "# Built" >> "$GITHUB_STEP_SUMMARY"
          echo hello > out.txt
      - uses: actions/upload-artifact@v4
        with: {name: dist, path: out.txt}
  test:
    needs: build
    runs-on: ubuntu-latest
    strategy:
      fail-fast: false
      matrix: {python: ["3.11", "3.12"]}
    steps:
      - run: echo "on ${{ matrix.python }}${RUNNER_DEBUG:+, debugging}"
      - run: ${{ matrix.python == '3.11' || (!inputs.fail && github.event_name == 'workflow_dispatch') }}
  skipped:
    if: false
    runs-on: ubuntu-latest
    steps: [{run: "true"}]
"""
SLOW = """\
name: Slow
on: workflow_dispatch
jobs:
  wait:
    runs-on: ubuntu-latest
    steps: [{run: "echo waiting; exec sleep 600"}]
"""
REPOSITORY = "acme/shop"


class ApiServer:
    """A server whose repository was pushed to: its run 1 has failed, for one leg of its matrix has."""

    def __init__(self, server: ServedProcess, certificate: Path, token: str, checkout: Checkout, sha: str) -> None:
        self.server = server
        self.certificate = certificate
        self.token = token
        self.checkout = checkout
        self.sha = sha
        self.api = f"{server.url}/api/v3"
        self.host = urlsplit(server.url).netloc

    def person(self, login: str, **given: Any) -> str:
        """Another person's token."""

        def make() -> str:
            try:
                return make_person(self.server.folder, login, **given)
            except StoreError:  # the server writes at the same moment
                return ""

        token: str = wait_until(make)
        return token

    def send(
        self, method: str, path: str, body: Any = None, *, token: str | None = None, **headers: str
    ) -> httpx.Response:
        """A request below `/api/v3`, as it is answered. `token` empty: nobody asks."""
        token = self.token if token is None else token
        context = ssl.create_default_context(cafile=str(self.certificate))
        sent = {**({"authorization": f"Bearer {token}"} if token else {}), **headers}
        return httpx.request(
            method, self.api + path, json=body, headers=sent, verify=context, timeout=LONG, follow_redirects=False
        )

    def fetch(self, path: str, *, token: str = "") -> httpx.Response:
        """A GET of anything on the server."""
        context = ssl.create_default_context(cafile=str(self.certificate))
        headers = {"authorization": f"Bearer {token}"} if token else {}
        return httpx.get(self.server.url + path, headers=headers, verify=context, timeout=LONG)

    def ask(self, method: str, path: str, body: Any = None, *, status: int = 200, token: str | None = None) -> Any:
        """The body of an answer, which must have this status, and be as GitHub's description says."""
        answer = self.send(method, path, body, token=token)
        assert answer.status_code == status, answer.text
        found = answer.json() if answer.content else None
        if status < 400:
            check_answer(method, path, status, found)
        return found

    def get(self, path: str, **query: object) -> Any:
        """The body of a good answer to a GET in the repository."""
        text = "&".join(f"{name}={value}" for name, value in query.items())
        return self.ask("GET", f"/repos/{REPOSITORY}{path}{'?' + text if text else ''}")

    def await_run(self, number: int, *, attempt: int = 1) -> Any:
        """A run when it is completed."""

        def look() -> Any:
            answer = self.send("GET", f"/repos/{REPOSITORY}/actions/runs/{number}/attempts/{attempt}")
            found = answer.json()
            return found if answer.status_code == 200 and found["status"] == "completed" else None

        return wait_until(look)

    def await_newest(self, workflow: str, known: int) -> Any:
        """A run of a workflow that is newer than a known one."""

        def look() -> Any:
            runs = self.get(f"/actions/workflows/{workflow}/runs")["workflow_runs"]
            return runs[0] if runs and runs[0]["id"] > known else None

        return wait_until(look)

    @property
    def environment(self) -> Mapping[str, str]:
        """What tells programs to trust this server's certificate."""
        return {"SSL_CERT_FILE": str(self.certificate), "NODE_EXTRA_CA_CERTS": str(self.certificate)}


def check_answer(method: str, path: str, status: int, body: Any) -> None:
    """Fail where an answer is not as published; addresses that GitHub has not are not looked at."""
    clean = urlsplit(path).path
    written = published().find_path(method, clean)
    if written is not None:
        faults = published().find_faults(method, written, status, body)
        assert not faults, f"{method} {clean}:\n" + "\n".join(faults[:20]) + f"\n{json.dumps(body)[:2000]}"


@contextmanager
def serving_api(folder: Path) -> Iterator[ApiServer]:
    """From the first push to the end."""
    certificate, key = folder / "cert.pem", folder / "key.pem"
    make_certificate(certificate, key)
    with served(folder / "data", "--tls-cert", str(certificate), "--tls-key", str(key)) as server:
        token = make_person(server.folder, "ada", is_administrator=True)
        checkout = Checkout(folder / "work", f"{server.url}/{REPOSITORY}.git", "ada", token)
        checkout.environment["GIT_SSL_CAINFO"] = str(certificate)
        sha = checkout.commit(
            {".github/workflows/ci.yml": CI, ".github/workflows/slow.yml": SLOW, "app.py": "a\nb\nc\n"}
        )
        checkout.git("tag", "-a", "v1", "-m", "one")
        checkout.push()
        checkout.push("v1")
        api = ApiServer(server, certificate, token, checkout, sha)
        api.await_run(1)
        api.await_run(2)
        yield api


def make_certificate(certificate: Path, key: Path) -> None:
    """For this machine, good for a day."""
    names = "subjectAltName=DNS:localhost,IP:127.0.0.1"
    words = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "1",
    ]
    subprocess.run(
        [*words, "-subj", "/CN=localhost", "-addext", names, "-keyout", str(key), "-out", str(certificate)],
        check=True,
        capture_output=True,
        env={"PATH": os.environ["PATH"]},
    )

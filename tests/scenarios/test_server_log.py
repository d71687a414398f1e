"""The log of a real server: lines of JSON from its first to its last, without what is secret."""

import json
import socket
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from homeport.ports.vault import repository_scope
from homeport.store.data_folder import DataFolder
from homeport.store.key_ring import KeyRing
from homeport.store.vault import TableVault
from tests.support.forges.connected import database_of
from tests.support.pushed import PushedRepository
from tests.support.records import records
from tests.support.serve import served, wait_until

VALUE = "a value that is easily found again"
WORKFLOW = """\
on: push
jobs:
  build:
    runs-on: ubuntu-latest
    steps: [{env: {WORD: "${{ secrets.WORD }}"}, run: 'echo "$WORD"; exit 1'}]
"""


def read_lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_every_line_is_json_and_none_holds_a_secret(tmp_path: Path) -> None:
    with served(tmp_path / "data", "--log-format", "json") as server:
        repository = PushedRepository(server, tmp_path)
        repository.push({"a": "b"}, WORKFLOW.replace("WORD }}", "NONE }}"))
        with database_of(server) as database, records(server) as kept:
            vault = TableVault(database, KeyRing(DataFolder(str(server.folder)).keys))
            scope = repository_scope(kept.repository(repository.name))
            vault.put_secret(scope, "WORD", VALUE, at=datetime.now(UTC))
        run = repository.push({"a": "c"}, WORKFLOW)
        assert repository.await_conclusion(run) == "failure"
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            connection.sendall(b"this is not HTTP\r\n\r\n")
            connection.recv(1000)
        httpx.get(f"{server.url}/api/v3/user", headers={"authorization": "Bearer not-a-token-of-anybody"})
        wait_until(lambda: "Invalid HTTP request" in server.errors)
        server.restart()
        server.stop()
        wait_until(lambda: server.errors.count('"message":"a run has ended"') >= 2)
    lines = read_lines(server.errors)
    assert all({"time", "level", "logger", "message"} <= set(line) for line in lines)
    assert {"homeport.runs", "alembic.runtime.migration", "uvicorn.error"} <= {line["logger"] for line in lines}
    ended = [line for line in lines if line["message"] == "a run has ended" and line["run"] == str(run)]
    assert [line["conclusion"] for line in ended] == ["failure"]
    token = server.sign_in.rpartition("=")[2]
    for secret in (VALUE, repository.token, token, "not-a-token-of-anybody"):
        assert secret not in server.errors

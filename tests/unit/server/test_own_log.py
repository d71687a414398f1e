"""A server's log is made of whole lines, and opens no door."""

import logging
import sys
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from homeport.run.facts import RunFinished, RunQueued
from homeport.server import credentials
from homeport.server.credentials import make_credential
from homeport.server.own_log import LogFormatter, hide_doors, note_runs

AT = datetime(2026, 3, 1, 12, 0, 0, 250_000, tzinfo=UTC)


def make_record(message: str = "it is so", *arguments: object, **fields: object) -> logging.LogRecord:
    record = logging.LogRecord("homeport.server", logging.WARNING, "", 0, message, arguments, None)
    record.created = AT.timestamp()
    vars(record).update(fields)
    return record


def as_json(record: logging.LogRecord) -> dict[str, Any]:
    text = LogFormatter(as_json=True).format(record)
    assert "\n" not in text
    found: dict[str, Any] = msgspec.json.decode(text)
    return found


def as_text(record: logging.LogRecord) -> str:
    return LogFormatter(as_json=False).format(record)


def test_a_line_of_json_has_the_time_and_the_fields() -> None:
    record = make_record("%s of %d", "three", 5, repository="acme/shop", run="7", color_message="red", seconds=1.5)
    assert as_json(record) == {
        "time": "2026-03-01T12:00:00.250Z",
        "level": "warning",
        "logger": "homeport.server",
        "message": "three of 5",
        "repository": "acme/shop",
        "run": "7",
        "seconds": 1.5,
    }


def test_a_line_of_text_says_the_same() -> None:
    expected = "2026-03-01T12:00:00.250Z warning homeport.server: it is so repository=acme/shop run=7"
    assert as_text(make_record(repository="acme/shop", run="7")) == expected


def test_an_exception_is_a_field_or_stands_indented_below() -> None:
    record = make_record()
    try:
        raise ValueError("no\n2026-03-01T12:00:00.250Z error homeport.server: forged")
    except ValueError:
        record.exc_info = sys.exc_info()
    assert as_json(record)["exception"].startswith("Traceback (most recent call last):")
    lines = as_text(record).splitlines()
    assert lines[0].endswith("it is so")
    assert all(line.startswith("    ") for line in lines[1:])


@pytest.mark.parametrize("text", ["a\nb", "a\r\nb", "\x1b[2J", "a\x85b", "a\u2028b", "\udcff"])
def test_what_comes_from_outside_ends_no_line_and_moves_no_cursor(text: str) -> None:
    record = make_record("delivery %s", text, delivery=text)
    assert as_text(record).isprintable()
    LogFormatter(as_json=True).format(record).encode()
    assert "\n" not in LogFormatter(as_json=True).format(record)


@pytest.mark.parametrize(
    "text",
    [
        *(pytest.param(make_credential(kind), id=name) for name, kind in vars(credentials).items() if name.isupper()),
        "ghp_" + "a1" * 18,
        "github_pat_" + "a1" * 20,
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl",
        "Bearer abcdefghijkl",
        "Authorization: Basic YWRhOnNlY3JldA==",
        "https://ada:secret@git.example.com",
        "postgresql+psycopg://homeport:secret@db/homeport",
        "/setup?token=hello&x=1",
    ],
)
def test_what_opens_a_door_is_in_no_line(text: str) -> None:
    said = hide_doors(f"fatal: cannot ask {text}")
    assert "***" in said
    assert not {"secret", "hello", "abcdefghijkl", "YWRhOnNlY3JldA==", text} & set(said.replace("=", " ").split())
    record = make_record("it was %s", text, path=text)
    for line in (as_text(record), LogFormatter(as_json=True).format(record)):
        assert "secret" not in line
        assert text not in line


def test_what_opens_none_stays() -> None:
    for text in ("https://git.example.com/acme/shop.git", "run 17 of acme/shop", "a@b.example", "/runs?page=2"):
        assert hide_doors(text) == text


def test_runs_are_told_by_what_they_are_and_how_they_end(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "homeport.runs")
    note_runs(
        [
            RunQueued(at=AT, run="7", workflow="ci.yml", name="CI", event="push", run_name="A change"),
            RunFinished(at=AT, run="7", workflow="ci.yml", conclusion="failure"),
        ]
    )
    first, last = (as_json(record) for record in caplog.records)
    assert (first["message"], first["run"], first["event"]) == ("a run begins", "7", "push")
    assert (last["message"], last["run"], last["conclusion"]) == ("a run has ended", "7", "failure")

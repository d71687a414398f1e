"""Which forms of a secret are kept out of logs."""

import base64
import html
import json
import shlex
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeport.runner.secret_forms import MINIMUM_LINE_LENGTH, find_short_lines, list_forms

SECRET = "pass\"word'&<x>/ +%é"

secrets = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0"), min_size=8, max_size=60).filter(
    lambda text: len(text.strip()) >= 8
)


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        json.dumps(SECRET)[1:-1],
        json.dumps(SECRET, ensure_ascii=False)[1:-1],
        quote(SECRET, safe=""),
        quote_plus(SECRET),
        quote(SECRET, safe="/"),
        html.escape(SECRET),
        SECRET.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"),
        SECRET.replace('"', '\\"'),
        SECRET.replace("'", "''"),
        SECRET.replace("'", "'\\''"),
        base64.b64encode(SECRET.encode()).decode(),
        base64.urlsafe_b64encode(SECRET.encode()).decode(),
    ],
    ids=["raw", "json-ascii", "json", "uri", "form", "uri-path", "html", "xml-text", "argument", "expression", "shell", "base64", "base64url"],
)  # fmt: skip
def test_an_encoded_secret_is_one_of_its_forms(form: str) -> None:
    assert form.encode() in list_forms(SECRET)


@given(secrets, st.binary(max_size=5), st.binary(max_size=5))
def test_some_form_is_found_in_base64_whatever_stands_around_the_secret(
    secret: str, before: bytes, after: bytes
) -> None:
    encoded = base64.b64encode(before + secret.encode() + after)
    found = [form for form in list_forms(secret) if form in encoded]
    assert max(map(len, found), default=0) >= len(secret.encode()) * 8 // 6 - 2


@given(secrets)
def test_wrapped_base64_is_found_line_by_line(secret: str) -> None:
    forms = list_forms(secret * 4)
    whole = base64.b64encode((secret * 4).encode()).decode()
    lines = [whole[start : start + 76] for start in range(0, len(whole), 76)]
    assert all(line.encode() in forms for line in lines if len(line) >= 4)


def test_each_line_of_a_multi_line_secret_is_hidden_in_all_forms_but_the_short_ones() -> None:
    secret = '{\r\n  "private_key": "abcdefgh",\r\n}\n'
    forms = list_forms(secret)
    line = '"private_key": "abcdefgh",'
    assert line.encode() in forms
    assert base64.b64encode(line.encode()) in forms
    assert b"{" not in forms
    assert b"}" not in forms
    assert base64.b64encode(secret.encode()) in forms
    assert find_short_lines(secret) == ["{", "}"]


def test_a_short_secret_with_a_line_break_at_its_end_is_hidden() -> None:
    assert b"abc" in list_forms("abc\n")
    assert find_short_lines("abc\n") == []
    assert len("abc") < MINIMUM_LINE_LENGTH


def test_blanks_around_a_secret_need_not_be_printed() -> None:
    assert b"hunter22" in list_forms("  hunter22 ")


def test_quotes_around_a_long_secret_need_not_be_printed() -> None:
    assert b"hunter2222" in list_forms('"hunter2222"')


def test_powershell_may_colour_the_parts_around_an_ampersand_apart() -> None:
    forms = list_forms("secretpart1&secretpart2&secretpart3")
    assert {b"secretpart1&secretpart2&", b"secretpart3"} <= forms
    assert {b"secretpart1&", b"secretpart2&secretpart3"} <= list_forms("secretpart1&+secretpart2&secretpart3")


@given(st.text(st.characters(codec="utf-8"), max_size=40))
def test_no_form_is_empty_or_holds_a_line_break(secret: str) -> None:
    assert all(form and b"\n" not in form and b"\r" not in form for form in list_forms(secret))


@given(secrets)
def test_what_a_shell_prints_while_tracing_is_a_form(secret: str) -> None:
    quoted = shlex.quote(secret)
    inner = quoted[1:-1].replace("'\"'\"'", "'\\''") if quoted.startswith("'") else quoted
    assert inner.encode() in list_forms(secret) or secret.encode() in inner.encode()

"""Files of `NAME=value` pairs."""

from pathlib import Path

import pytest

from homeport.cli.dotenv import parse_pairs, read_pairs
from homeport.cli.errors import UsageError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A=1\nB=two words\n", {"A": "1", "B": "two words"}),
        ("# a comment\n\n  A = 1  \n", {"A": "1"}),
        ("export A=1", {"A": "1"}),
        ("A=b=c", {"A": "b=c"}),
        ("A=", {"A": ""}),
        ('A="x\\ny"', {"A": "x\ny"}),
        ('A="x\\\\ny"', {"A": "x\\ny"}),
        ('A="say \\"hi\\""', {"A": 'say "hi"'}),
        ("A='x\\ny'", {"A": "x\\ny"}),
        ('A="one\ntwo"\nB=3', {"A": "one\ntwo", "B": "3"}),
        ("A='it is # no comment'", {"A": "it is # no comment"}),
        ("A=1\r\nB=2\r\n", {"A": "1", "B": "2"}),
    ],
)
def test_pairs_are_read(text: str, expected: dict[str, str]) -> None:
    assert parse_pairs(text, "secrets.env") == expected


def test_a_line_that_is_no_pair_is_named_without_showing_what_may_be_a_secret() -> None:
    with pytest.raises(UsageError) as raised:
        parse_pairs("A=1\nhunter2hunter2\n", "secrets.env")
    assert "secrets.env:2" in raised.value.message
    assert "hunter2" not in raised.value.message


def test_a_quote_without_end_is_named_where_it_begins() -> None:
    with pytest.raises(UsageError, match=r"f:2: the value has no closing"):
        parse_pairs('A=1\nB="x\ny\n', "f")


def test_a_file_that_is_not_there_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        read_pairs(str(tmp_path / "none"))


def test_a_file_that_is_not_text_is_a_usage_error(tmp_path: Path) -> None:
    path = tmp_path / "binary"
    path.write_bytes(b"A=\xff")
    with pytest.raises(UsageError, match="not UTF-8"):
        read_pairs(str(path))

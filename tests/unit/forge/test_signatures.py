"""Signatures of deliveries."""

import pytest

from homeport.forge.signatures import is_signed, sign


def test_github_s_published_example() -> None:
    """Docs, "Validating webhook deliveries: Testing the webhook payload validation"."""
    shown = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    assert is_signed(shown, b"Hello, World!", ["It's a Secret to Everybody"])


def test_one_of_several_secrets_is_enough() -> None:
    assert is_signed(sign("new", b"x"), b"x", ["old", "new"])


@pytest.mark.parametrize("shown", ["", "sha256=", "sha1=abc", "ä", "0" * 64])
def test_anything_else_is_refused(shown: str) -> None:
    assert not is_signed(shown, b"x", ["secret"])


def test_an_empty_secret_signs_nothing() -> None:
    assert not is_signed(sign("", b"x"), b"x", ["", ""])
    assert not is_signed(sign("a", b"x"), b"x", [])

"""Values that clients encrypt before they send them."""

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest
from nacl.public import PrivateKey, PublicKey, SealedBox

from homeport.server.sealed_values import PublicKeyEntry, SealedValueError
from tests.support.access import House, open_house


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with open_house(tmp_path) as house:
        yield house


def seal(key: PublicKeyEntry, value: bytes) -> str:
    return base64.b64encode(SealedBox(PublicKey(base64.b64decode(key.key))).encrypt(value)).decode()


def test_what_was_encrypted_for_the_server_is_read_also_after_a_restart(house: House) -> None:
    key = house.access.sealed_values.public_key()
    again = House(house.folder, house.database, house.url).access.sealed_values
    assert again.public_key() == key
    assert again.open(seal(key, "zażółć 🔑\n".encode()), key.key_id) == "zażółć 🔑\n"
    assert key.key_id.isdigit()
    assert len(base64.b64decode(key.key)) == 32


@pytest.mark.parametrize("encrypted", ["", "!!!", "ä", "AAAA", base64.b64encode(b"x" * 100).decode()])
def test_what_is_no_sealed_box_is_refused(house: House, encrypted: str) -> None:
    values = house.access.sealed_values
    with pytest.raises(SealedValueError, match="sealed box"):
        values.open(encrypted, values.public_key().key_id)


def test_what_is_no_text_or_for_another_key_is_refused(house: House) -> None:
    values = house.access.sealed_values
    key = values.public_key()
    with pytest.raises(SealedValueError, match="text"):
        values.open(seal(key, b"\xff\xfe"), key.key_id)
    other = PublicKeyEntry(key.key_id, base64.b64encode(bytes(PrivateKey.generate().public_key)).decode())
    with pytest.raises(SealedValueError, match="sealed box"):
        values.open(seal(other, b"x"), key.key_id)
    with pytest.raises(SealedValueError, match="key_id"):
        values.open(seal(key, b"x"), "1")


def test_the_private_key_is_in_no_file(house: House) -> None:
    house.access.sealed_values.public_key()
    kept = house.access.vault.find_system("sealed-box-key")
    assert kept is not None
    house.database.close()
    for path in house.folder.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert kept.encode() not in data
            assert base64.b64decode(kept) not in data

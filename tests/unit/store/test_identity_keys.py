"""The keys of identity tokens: made once, replaced in time, and shown for as long as tokens may need them."""

from datetime import timedelta
from pathlib import Path

import pytest

from homeport.ports.repositories import StoreError
from homeport.store.identity_keys import IdentityKeys
from tests.support.plans import FixedClock


def test_a_key_is_made_once_and_found_again(tmp_path: Path) -> None:
    clock = FixedClock()
    first = IdentityKeys(str(tmp_path), clock)
    made = first.signing()
    assert [key.id for key in first.shown()] == [made.id]
    assert IdentityKeys(str(tmp_path), clock).signing().id == made.id
    assert [path.stat().st_mode & 0o777 for path in tmp_path.iterdir()] == [0o600]


def test_after_ninety_days_a_new_one_signs_and_the_former_is_shown_for_a_day(tmp_path: Path) -> None:
    clock = FixedClock()
    keys = IdentityKeys(str(tmp_path), clock)
    former = keys.signing()
    clock.moment += timedelta(days=89)
    assert keys.signing().id == former.id
    clock.moment += timedelta(days=1)
    new = keys.signing()
    assert new.id != former.id
    assert [key.id for key in keys.shown()] == [new.id, former.id]
    clock.moment += timedelta(days=1, seconds=1)
    assert [key.id for key in keys.shown()] == [new.id]
    assert len(list(tmp_path.iterdir())) == 1


def test_replacing_leaves_no_other_and_is_seen_by_other_processes(tmp_path: Path) -> None:
    clock = FixedClock()
    of_the_server, of_a_command = IdentityKeys(str(tmp_path), clock), IdentityKeys(str(tmp_path), clock)
    former = of_the_server.signing()
    new = of_a_command.replace()
    assert new != former.id
    assert of_the_server.signing().id == new
    assert [key.id for key in of_the_server.shown()] == [new]


def test_a_clock_that_was_set_back_does_not_bring_the_former_key_back(tmp_path: Path) -> None:
    clock = FixedClock()
    keys = IdentityKeys(str(tmp_path), clock)
    keys.signing()
    clock.moment -= timedelta(days=400)
    new = keys.replace()
    assert keys.signing().id == new


def test_a_key_that_others_can_read_or_that_is_none_is_refused(tmp_path: Path) -> None:
    clock = FixedClock()
    IdentityKeys(str(tmp_path), clock).signing()
    (path,) = tmp_path.iterdir()
    path.chmod(0o640)
    with pytest.raises(StoreError, match="can be read by others"):
        IdentityKeys(str(tmp_path), clock).signing()
    path.chmod(0o600)
    path.write_text("no key")
    with pytest.raises(StoreError, match="no private key"):
        IdentityKeys(str(tmp_path), clock).signing()

"""Secrets in bytes and text, wherever they are cut."""

from hypothesis import given
from hypothesis import strategies as st

from homeport.runner.masking import Masker
from homeport.runner.secret_forms import list_forms

secrets = st.lists(
    st.text(st.characters(codec="utf-8", exclude_characters="*\r\n\0"), min_size=6, max_size=30).filter(
        lambda text: len(text.strip()) >= 6
    ),
    min_size=1,
    max_size=3,
)


def masker_of(*values: str) -> Masker:
    masker = Masker()
    masker.add(*values)
    return masker


def test_without_secrets_everything_stays() -> None:
    assert Masker().mask(b"plain") == b"plain"
    assert Masker().mask_text("plain") == "plain"
    assert not Masker().is_secret_in("plain")


def test_overlapping_and_adjoining_secrets_are_one_mask() -> None:
    assert masker_of("abcdefgh", "efghijkl").mask(b"-abcdefghijkl-") == b"-***-"
    assert masker_of("abcdefgh").mask(b"abcdefghabcdefgh") == b"***"


def test_a_secret_inside_another_does_not_uncover_it() -> None:
    assert masker_of("hunter22", "my hunter22 is long").mask(b"my hunter22 is long") == b"***"


def test_a_secret_counts_as_soon_as_it_is_added() -> None:
    masker = Masker()
    assert masker.mask_text("late") == "late"
    masker.add("late")
    assert masker.mask_text("late!") == "***!"


def test_bytes_that_are_no_text_are_searched_too() -> None:
    assert masker_of("hunter22").mask(b"\xff\xfehunter22\x80") == b"\xff\xfe***\x80"


@given(secrets, st.binary(max_size=30), st.data())
def test_no_form_of_a_secret_survives(values: list[str], noise: bytes, data: st.DataObject) -> None:
    forms = sorted({form for value in values for form in list_forms(value)})
    parts = data.draw(st.lists(st.one_of(st.sampled_from(forms), st.just(noise)), max_size=6))
    masked = masker_of(*values).mask(b"".join(parts))
    assert [form for form in forms if form in masked] == []


@given(secrets, st.binary(max_size=60))
def test_what_holds_no_secret_is_left_as_it_is(values: list[str], data: bytes) -> None:
    masker = masker_of(*values)
    forms = {form for value in values for form in list_forms(value)}
    if not any(form in data for form in forms):
        assert masker.mask(data) == data


@given(st.binary(max_size=20_000), st.booleans())
def test_where_no_command_may_be_no_line_is_one(data: bytes, has_secret: bool) -> None:
    masker = masker_of("hunter22") if has_secret else Masker()
    finds = masker.examine(data)
    if not finds.may_hold_commands:
        lines = data.split(b"\n")
        assert not any(line.lstrip(b" \t\v\f").startswith(b"::") or b"##[" in line for line in lines)
    assert bool(finds.secrets) == (has_secret and b"hunter22" in data)


dense = st.text("ab#[: \n", min_size=6, max_size=12).filter(lambda text: len(text.strip()) >= 6)


@given(st.lists(dense, min_size=1, max_size=4), st.data())
def test_secrets_and_commands_are_found_however_they_overlap(values: list[str], data: st.DataObject) -> None:
    forms = sorted({form for value in values for form in list_forms(value)})
    parts = data.draw(
        st.lists(st.one_of(st.sampled_from(forms), st.binary(max_size=3), dense.map(str.encode)), max_size=8)
    )
    block = b"".join(parts)
    places = {
        place
        for form in forms
        for start in range(len(block))
        if block.startswith(form, start)
        for place in range(start, start + len(form))
    }
    finds = masker_of(*values).examine(block)
    assert {place for start, end in finds.secrets for place in range(start, end)} == places
    is_command = any(line.lstrip(b" \t\v\f").startswith(b"::") or b"##[" in line for line in block.split(b"\n"))
    assert finds.may_hold_commands >= is_command


def test_a_block_that_begins_with_a_command_may_hold_one() -> None:
    for block in (b"::x::", b"text\n::x::", b"text\n  ::x::", b"text\n\t::x::", b"text ##[x]"):
        for size in (0, 20_000):
            assert Masker().examine(block + b"\n" + b"x" * size).may_hold_commands
            assert masker_of("hunter22").examine(block + b"\n" + b"x" * size).may_hold_commands

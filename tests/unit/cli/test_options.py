"""The command line's own options: parsing, messages and help."""

import pytest

from homeport.cli.errors import UsageError
from homeport.cli.options import FORMAT, Command, Option, Options, parse_options, render_help, wants_help

COMMAND = Command(
    name="greet",
    summary="say hello",
    arguments="NAME…",
    fewest=1,
    most=2,
    options=(
        Option(name="--times", short="-t", value="N", help="how often", whole_number=True),
        Option(name="--loud", help="in capitals"),
        Option(name="--word", value="TEXT", help="what to say", repeat=True),
        FORMAT,
    ),
)


def parse(*words: str) -> Options:
    return parse_options(COMMAND, words)


def message(*words: str) -> str:
    with pytest.raises(UsageError) as raised:
        parse(*words)
    return f"{raised.value.message} | {raised.value.hint}"


def test_values_follow_their_option_or_an_equals_sign() -> None:
    options = parse("Ann", "--times", "3", "--word=a=b", "--word", "c", "--loud")
    assert options.arguments == ("Ann",)
    assert options.number("--times", 1) == 3
    assert options.all("--word") == ("a=b", "c")
    assert options.flag("--loud")


def test_short_names_mean_the_long_option() -> None:
    assert parse("Ann", "-t", "2").number("--times", 1) == 2


def test_what_was_not_given_has_its_default() -> None:
    options = parse("Ann")
    assert options.number("--times", 7) == 7
    assert options.get("--format", "text") == "text"
    assert options.find("--format") is None
    assert options.all("--word") == ()
    assert not options.flag("--loud")


def test_words_after_two_dashes_are_arguments() -> None:
    assert parse("--", "--loud", "-t").arguments == ("--loud", "-t")


def test_an_unknown_option_is_refused_with_the_nearest_name() -> None:
    assert message("Ann", "--lowd") == "homeport greet has no option --lowd | did you mean --loud?"


def test_an_unknown_option_far_from_all_points_to_the_help() -> None:
    assert message("Ann", "--zzzzzz").endswith("| `homeport greet --help` lists them")


def test_a_missing_value_is_said() -> None:
    assert message("Ann", "--times") == "--times needs a value: --times N | None"


def test_a_flag_takes_no_value() -> None:
    assert message("Ann", "--loud=yes") == "--loud takes no value, found 'yes' | None"


def test_an_option_given_twice_is_refused_unless_it_may_be_repeated() -> None:
    assert message("Ann", "-t", "1", "--times", "2") == "--times is given twice | keep one of '1' and '2'"


@pytest.mark.parametrize("value", ["0", "-1", "two", "1.5", "²"])
def test_a_number_out_of_bounds_is_refused(value: str) -> None:
    assert message("Ann", f"--times={value}").startswith(f"--times is {value!r}, expected a whole number, at least 1")


def test_a_choice_is_checked_and_the_nearest_offered() -> None:
    assert (
        message("Ann", "--format", "jsn")
        == "--format is 'jsn', expected one of text, json | did you mean --format json?"
    )


def test_too_few_and_too_many_arguments_show_the_usage() -> None:
    assert message() == "homeport greet needs NAME… | usage: homeport greet [options] NAME…"
    assert message("a", "b", "c").startswith("homeport greet does not take 'c' | usage:")


def test_help_is_wanted_anywhere_before_two_dashes() -> None:
    assert wants_help(["Ann", "-h"])
    assert wants_help(["--help"])
    assert not wants_help(["--", "--help"])


def test_the_help_lists_every_option_with_its_value() -> None:
    text = render_help(COMMAND)
    assert "usage: homeport greet [options] NAME…" in text
    for expected in ("-t, --times N", "--loud", "--word TEXT", "--format text|json", "-h, --help"):
        assert expected in text

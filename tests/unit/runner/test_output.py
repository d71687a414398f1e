"""The log of a step: whole masked lines, however the output was cut."""

from datetime import UTC, datetime
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from homeport.ports.peer import JobOrder, Peer
from homeport.run.facts import LinesLogged, RunnerFact
from homeport.runner.commands import WorkflowCommand, parse_command
from homeport.runner.masking import Masker
from homeport.runner.output import FLUSH_BYTES, FLUSH_SECONDS, LONGEST_LINE, StepLog
from homeport.runner.reporter import Reporter
from homeport.runner.secret_forms import list_forms
from tests.support.plans import FixedClock

SECRET = "hunter22 & co"
FORMS = sorted(list_forms(SECRET))


class _Order:
    run = "run-1"
    lease = "lease-1"

    class leg:  # noqa: N801 - it stands for a value of that name
        key = "job"


class Kept:
    """A peer that keeps what it is told."""

    def __init__(self) -> None:
        self.facts: list[RunnerFact] = []
        self.sequences: list[int] = []

    def report(self, lease: str, sequence: int, facts: list[RunnerFact]) -> None:
        self.sequences.append(sequence)
        self.facts += facts

    @property
    def lines(self) -> list[str]:
        return [line for fact in self.facts if isinstance(fact, LinesLogged) for line in fact.text.split("\n")]


class Commands:
    """An interpreter of one command that prints, and of one that masks; it marks lines that begin with `!`."""

    def __init__(self, log: StepLog, masker: Masker, *, is_matching: bool = False) -> None:
        self.is_matching = is_matching
        self._log = log
        self._masker = masker

    def find_command(self, line: str) -> WorkflowCommand | None:
        return parse_command(line, {"say", "add-mask", "match"})

    def run_command(self, command: WorkflowCommand, line: str) -> None:
        match command.name:
            case "say":
                self._log.write(f"said {command.data}")
            case "add-mask":
                self._masker.add(command.data)
            case _:
                self.is_matching = True

    def match(self, lines: list[str]) -> list[str]:
        return [f"##[error]{line}" if line.startswith("!") else line for line in lines]


def make(*values: str, clock: FixedClock | None = None) -> tuple[StepLog, Kept, Masker]:
    masker = Masker()
    if values:
        masker.add(*values)
    kept = Kept()
    clock = clock or FixedClock()
    reporter = Reporter(cast("JobOrder", _Order), cast("Peer", kept), clock)
    return StepLog("step", masker, reporter, clock), kept, masker


def show(chunks: list[bytes], *values: str, commands: bool = False, matching: bool = False) -> list[str]:
    log, kept, masker = make(*values)
    if commands:
        log.interpreter = Commands(log, masker, is_matching=matching)
    for chunk in chunks:
        log.feed(chunk)
    log.finish()
    log.send()
    return kept.lines


def cut(data: bytes, places: list[int]) -> list[bytes]:
    ends = sorted({place % (len(data) + 1) for place in places} | {len(data)})
    return [data[start:end] for start, end in zip([0, *ends], ends, strict=False)]


def test_lines_end_at_line_feeds_returns_or_both() -> None:
    assert show([b"a\nb\r\nc\rd\n\ne"]) == ["a", "b", "c", "d", "", "e"]


def test_an_empty_line_is_a_line_and_no_output_is_none() -> None:
    assert show([b"\n"]) == [""]
    assert show([]) == []


def test_invalid_utf8_is_replaced() -> None:
    assert show([b"bad \xff byte\n"]) == ["bad \ufffd byte"]


def test_a_character_may_be_cut_in_two() -> None:
    assert show(["ä".encode()[:1], "ä".encode()[1:] + b"\n"]) == ["ä"]


pieces = st.one_of(
    st.sampled_from(
        [*FORMS, b"\n", b"\r\n", b"\r", b"::say::hello\n", b"  ::say::there\n", b"##[say]old\n", b"!problem\n"]
    ),
    st.sampled_from([b"::add-mask::later-secret\n", b"later-secret\n", b"::match::\n", b"std::vector ", b"::", b"##["]),
    st.binary(max_size=8),
)


@given(st.lists(pieces, max_size=12), st.lists(st.integers(0, 4000), max_size=6), st.booleans(), st.booleans())
def test_output_is_the_same_however_it_is_cut(
    parts: list[bytes], places: list[int], commands: bool, matching: bool
) -> None:
    data = b"".join(parts)
    whole = show([data], SECRET, commands=commands, matching=matching)
    assert show(cut(data, places), SECRET, commands=commands, matching=matching) == whole


@given(st.lists(pieces, max_size=12), st.lists(st.integers(0, 4000), max_size=6), st.booleans())
def test_no_form_of_a_secret_is_shown_however_it_is_cut(parts: list[bytes], places: list[int], matching: bool) -> None:
    text = "\n".join(show(cut(b"".join(parts), places), SECRET, commands=True, matching=matching)).encode()
    assert [form for form in FORMS if form in text] == []


def test_a_value_is_hidden_from_the_line_after_its_command_on() -> None:
    lines = show([b"later\n::add-mask::later\nlater\n"], commands=True)
    assert lines == ["later", "***"]


def test_what_a_command_says_stands_where_the_command_stood() -> None:
    assert show([b"one\n::say::two\nthree\n"], commands=True) == ["one", "said two", "three"]


def test_marks_of_commands_that_are_none_are_text() -> None:
    text = [b"a::b", b"::unknown::x", b"  :: no", b"##[unknown]"]
    assert show([b"\n".join(text)], commands=True) == [line.decode() for line in text]


def test_problems_are_marked_from_the_command_that_asks_for_it_on() -> None:
    assert show([b"!one\n::match::\n!two\nthree\n"], commands=True) == ["!one", "##[error]!two", "three"]


# --- long lines ------------------------------------------------------------------------------------------------------


def test_a_line_that_is_too_long_is_shown_in_pieces_and_said_so() -> None:
    lines = show([b"x" * 65536] * 50 + [b"\n"])
    assert "longer than" in lines[0]
    assert "".join(lines[1:]) == "x" * 65536 * 50
    assert max(map(len, lines)) <= LONGEST_LINE + 65536


@given(st.integers(0, len(SECRET) + 2), st.integers(1, 3))
def test_no_secret_is_cut_with_a_long_line(offset: int, times: int) -> None:
    before = b"y" * (LONGEST_LINE - len(SECRET) + offset)
    lines = show([before, SECRET.encode() * times, b"z" * 10, b"\n"], SECRET)
    text = "\n".join(lines)
    assert SECRET not in text
    assert SECRET[:6] not in text
    assert text.endswith("z" * 10)


def test_a_line_of_secrets_only_comes_to_an_end() -> None:
    lines = show([b"abababab" * 8192] * 40, "abababab")
    assert "abababab" not in "".join(lines)


def test_a_long_command_is_held_together() -> None:
    data = b"x" * (LONGEST_LINE * 2)
    assert show([b"::say::" + data[:100], data[100:], b"\n"], commands=True) == ["said " + data.decode()]


def test_a_character_is_not_cut_with_a_long_line() -> None:
    lines = show(["ä".encode() * (LONGEST_LINE // 2 + 7), b"\n"], "ää-not-there")
    assert "\ufffd" not in "".join(lines)


# --- handing over ----------------------------------------------------------------------------------------------------


def test_a_flood_is_handed_over_in_large_pieces_at_once() -> None:
    log, kept, _ = make()
    log.feed(b"x" * (FLUSH_BYTES // 2) + b"\n")
    assert kept.facts == []
    log.feed(b"x" * (FLUSH_BYTES // 2) + b"\n")
    assert len(kept.facts) == 1


def test_a_few_lines_wait_for_others_a_moment_only() -> None:
    clock = FixedClock()
    log, _, _ = make(clock=clock)
    assert log.due_at is None
    log.feed(b"one\n")
    first = log.due_at
    clock.advance(FLUSH_SECONDS / 2)
    log.feed(b"two\n")
    assert log.due_at == first == FLUSH_SECONDS


def test_reports_are_numbered_without_gaps() -> None:
    log, kept, _ = make()
    for _ in range(3):
        log.write("line")
        log.send()
        log.send()
    assert kept.sequences == [1, 2, 3]


def test_lines_have_the_time_of_their_coming() -> None:
    log, kept, _ = make()
    log.write("line")
    log.send()
    (fact,) = kept.facts
    assert fact.at == datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
    assert cast("Any", fact).job == "job"

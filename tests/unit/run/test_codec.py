"""Facts as journal lines, and as the public JSON of `--format json`."""

import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeport.plan.model import ConcurrencyClaim, Leg, PlannedEnvironment
from homeport.run.codec import JournalError, decode_fact, decode_journal, encode_fact, encode_public
from homeport.run.facts import (
    AnnotationRaised,
    ArtifactUploaded,
    CancelRequested,
    ConcurrencyGranted,
    ConcurrencyReleased,
    ConcurrencyRequested,
    ConcurrencyWaiting,
    EnvironmentUrlSet,
    Fact,
    JobExpanded,
    JobFinished,
    JobPaused,
    JobQueued,
    JobResumed,
    JobsKept,
    JobSpared,
    JobStarted,
    JobStopRequested,
    KeptJob,
    LinesLogged,
    RunFact,
    RunFinished,
    RunQueued,
    RunStarted,
    StepFinished,
    StepStarted,
    SummaryWritten,
    VersionResolved,
    WorkflowNotStarted,
)

AT = datetime(2026, 3, 1, 12, 0, 0, 250_000, UTC)
LEG = Leg(
    key="a (1, é)",
    job_id="a",
    name="A (1, é)",
    matrix={"n": 1.0, "half": 0.5, "deep": [{"x": 3.0}, None, True, "1"]},
    total=2,
    runs_on=("ubuntu-latest",),
    environment=PlannedEnvironment("prod", None),
    concurrency=ConcurrencyClaim("g", queue="max"),
    inputs={"count": 3.0},
)
BASE: dict[str, Any] = {"at": AT, "run": "r1"}
STEP: dict[str, Any] = {**BASE, "job": "a", "step": "s"}
FACTS: list[RunFact] = [
    RunQueued(**BASE, workflow="w.yml", name="W", event="push", run_name="fix"),
    JobsKept(
        **BASE,
        jobs=(KeptJob(key="a", scope="", id="a", leg=LEG, conclusion="success", outcome="failure", finished_at=AT),),
    ),
    RunStarted(**BASE),
    CancelRequested(**BASE, by="octo", reason="^C", force=True),
    ConcurrencyRequested(**BASE, job=None, group="g"),
    ConcurrencyWaiting(**BASE, job="a", group="g", holder="run 7"),
    ConcurrencyGranted(**BASE, job="a", group="g"),
    ConcurrencyReleased(**BASE, job="a", group="g"),
    JobExpanded(**BASE, job="a", legs=(LEG,)),
    JobQueued(**BASE, job="a", lease="l"),
    JobStarted(**BASE, job="a", job_id="a", name="A", matrix={"n": 1.0}, runner="r", lease="l"),
    JobStopRequested(**BASE, job="a", reason="fail-fast"),
    JobSpared(**BASE, job="a", reason="always()"),
    JobPaused(**STEP, number=3),
    JobResumed(**BASE, job="a", number=3),
    StepStarted(**STEP, number=1, name="n"),
    AnnotationRaised(**{**STEP, "step": None}, severity="error", message="m", file="f", line=1),
    SummaryWritten(**STEP, markdown="# x\n"),
    VersionResolved(**STEP, kind="tool", name="python", version="3.12.1"),
    ArtifactUploaded(**STEP, name="n", id="1", size=3, digest="sha256:00"),
    EnvironmentUrlSet(**BASE, job="a", url="https://x"),
    StepFinished(**STEP, number=1, name="n", outcome="failure", conclusion="success", exit_code=1, outputs={"o": "1"}),
    JobFinished(
        **BASE,
        job="a",
        job_id="a",
        name="A",
        matrix=None,
        conclusion="success",
        outcome="failure",
        outputs={"o": "\x00ü"},
    ),
    RunFinished(**BASE, workflow="w.yml", conclusion="success"),
]


def test_every_kind_of_fact_of_a_journal_is_tried_here() -> None:
    assert {type(fact) for fact in FACTS} | {LinesLogged} == set(get_args(RunFact))


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: type(fact).__name__)
def test_a_fact_comes_back_from_its_journal_line(fact: RunFact) -> None:
    line = encode_fact(fact)
    assert b"\n" not in line
    assert decode_fact(line) == fact


def test_a_number_comes_back_as_the_number_that_expressions_know() -> None:
    back = decode_fact(encode_fact(FACTS[8]))
    assert isinstance(back, JobExpanded)
    assert back.legs[0].matrix is not None
    assert type(back.legs[0].matrix["n"]) is float


def test_lines_are_refused_in_a_journal() -> None:
    with pytest.raises(TypeError, match="log store"):
        encode_fact(LinesLogged(**STEP, text="x"))


def test_a_journal_is_read_in_order() -> None:
    assert list(decode_journal(map(encode_fact, FACTS))) == FACTS


def test_an_unknown_kind_that_may_be_skipped_is_left_out() -> None:
    strange = b'{"v":1,"skip":true,"type":"weather_noted","at":"2026-03-01T12:00:00Z","sun":true}'
    lines = [encode_fact(FACTS[0]), strange, strange.replace(b'"v":1', b'"v":9'), encode_fact(FACTS[2])]
    assert list(decode_journal(lines)) == [FACTS[0], FACTS[2]]


def test_a_new_field_of_a_known_kind_is_ignored() -> None:
    line = encode_fact(FACTS[2])[:-1] + b',"mood":"good"}'
    assert decode_fact(line) == FACTS[2]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (
            b'{"v":1,"type":"weather_noted"}',
            "line 1 of the journal: 'weather_noted' is a kind of fact that this version",
        ),
        (b'{"v":2,"type":"run_started","at":"2026-03-01T12:00:00Z","run":"1"}', "newer Homeport .schema 2"),
        (b'{"v":1,"type":"run_started","at":"2026-03-01T12:00:00Z"}', "'run_started' cannot be read: .*`run`"),
        (b'{"v":1,"skip":true,"type":"step_started","run":"1"}', "'step_started' cannot be read"),
        (b'{"type":"run_started","at":"2026-03-01T12:00:00Z","run":"1"}', "'run_started' cannot be read"),
        (b'{"v":1,"type":"run_star', "not a fact"),
        (b"", "not a fact"),
        (b"[]", "not a fact"),
        (b'{"v":1,"type":"run_started","at":"2026-03-01T12:00:00Z","run":"\xff"}', "cannot be read: .utf-8."),
        (b'{"v":1,"type":"run_queued","x":' + b"[" * 100_000, "not a fact"),
    ],
)
def test_a_line_that_cannot_be_read_is_refused_in_words(line: bytes, why: str) -> None:
    with pytest.raises(JournalError, match=why):
        list(decode_journal([line]))


@given(
    st.binary()
    | st.builds(
        lambda fact, at, junk: _damage(encode_fact(fact), at, junk),
        st.sampled_from(FACTS),
        st.integers(0, 400),
        st.binary(max_size=3),
    )
)
def test_whatever_a_line_holds_it_is_read_skipped_or_refused(line: bytes) -> None:
    with suppress(JournalError):
        decode_fact(line)


def _damage(line: bytes, at: int, junk: bytes) -> bytes:
    return line[:at] + junk + line[at + len(junk) :]


CONTRACT = {
    "run_queued": "workflow name event run_name",
    "job_started": "job job_id name matrix runner",
    "step_started": "job step number name",
    "lines_logged": "job step lines",
    "annotation_raised": "job step severity message file line column title",
    "step_finished": "job step name outcome conclusion exit_code outputs",
    "job_finished": "job job_id name matrix conclusion outcome outputs reason",
    "run_finished": "run workflow conclusion",
}


def test_the_public_form_has_every_field_of_the_contract() -> None:
    published = [json.loads(encode_public(fact)) for fact in [*FACTS, LinesLogged(**STEP, text="x")]]
    by_type = {fact["type"]: fact for fact in published}
    for kind, fields in CONTRACT.items():
        assert set(by_type[kind]) >= {"type", "at", "run", *fields.split()}


def test_public_times_are_rfc_3339_in_utc() -> None:
    assert json.loads(encode_public(RunStarted(**BASE)))["at"] == "2026-03-01T12:00:00.250000Z"


def test_public_lines_are_a_list() -> None:
    fact = LinesLogged(**STEP, text="one\n\nthree ü")
    assert json.loads(encode_public(fact))["lines"] == ["one", "", "three ü"]


def test_public_whole_numbers_look_whole() -> None:
    finished = JobFinished(
        **BASE, job="a", job_id="a", name="A", matrix=LEG.matrix, conclusion="success", outcome="success"
    )
    assert b'"matrix":{"n":1,"half":0.5,"deep":[{"x":3},null,true,"1"]}' in encode_public(finished)
    assert b'"inputs":{"count":3}' in encode_public(JobExpanded(**BASE, job="a", legs=(LEG,)))


def test_what_did_not_start_is_public_too() -> None:
    fact: Fact = WorkflowNotStarted(at=AT, workflow="w.yml", reason="branches")
    assert json.loads(encode_public(fact)) == {
        "type": "workflow_not_started",
        "at": "2026-03-01T12:00:00.250000Z",
        "workflow": "w.yml",
        "reason": "branches",
    }

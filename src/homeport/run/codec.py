"""Facts as lines of JSON: the journal's own form, read back after upgrades, and the public one of `--format json`.

A journal line is the fact with `"v"`, the schema version it was written under, before it. A kind of fact that the state does not
depend on is marked `"skip":true`, so that an older Homeport, to which the kind may be unknown, can read past it; any other unknown
kind is refused, because a replay without it would be wrong.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import cache
from math import isfinite
from typing import Any

import msgspec

from homeport.plan.model import Leg, Values
from homeport.run.facts import (
    SCHEMA_VERSION,
    AnnotationRaised,
    ArtifactUploaded,
    EnvironmentUrlSet,
    Fact,
    JobExpanded,
    JobFinished,
    JobStarted,
    LinesLogged,
    RunFact,
    StepFinished,
    StepStarted,
    SummaryWritten,
    VersionResolved,
)

_VIEWS_ONLY = (
    StepStarted,
    StepFinished,
    AnnotationRaised,
    SummaryWritten,
    VersionResolved,
    ArtifactUploaded,
    EnvironmentUrlSet,
)
"""Kinds that `transition.apply` does not keep: a reader that does not know one of them can go on without it."""
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What decoding raises for bytes that no Homeport wrote."""
_HEAD = b'{"v":%d,' % SCHEMA_VERSION
_SKIPPABLE_HEAD = b'{"v":%d,"skip":true,' % SCHEMA_VERSION


class JournalError(Exception):
    """A line of a journal that this version cannot read, in words."""


class _Envelope(msgspec.Struct):
    """What is looked at where a line cannot be read as a fact."""

    v: int = 0
    skip: bool = False
    type: str = ""


class _PublicLines(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="lines_logged"):
    at: datetime
    run: str
    job: str
    step: str
    lines: list[str]


_ENCODER = msgspec.json.Encoder()


def encode_fact(fact: RunFact) -> bytes:
    """One line of a journal, without its newline. `LinesLogged` belongs to the log store and is refused with `TypeError`."""
    if isinstance(fact, LinesLogged):
        raise TypeError("lines belong to the log store, not to the journal")
    return (_SKIPPABLE_HEAD if isinstance(fact, _VIEWS_ONLY) else _HEAD) + _ENCODER.encode(fact)[1:]


def decode_fact(line: bytes) -> RunFact | None:
    """The fact of a journal's line; None for a kind that only a newer Homeport knows and that may be skipped.

    Raises `JournalError`.
    """
    if line.startswith(b'{"v":%d,' % SCHEMA_VERSION):
        try:
            return _decoder().decode(line)
        except _UNREADABLE as error:
            problem = str(error)
    else:
        problem = "it is not a fact of this version's journals"
    _read_past(line, problem)
    return None


def decode_journal(lines: Iterable[bytes]) -> Iterator[RunFact]:
    """The facts of a journal, what may be skipped left out. Raises `JournalError`, naming the line."""
    for number, line in enumerate(lines, start=1):
        try:
            fact = decode_fact(line)
        except JournalError as error:
            raise JournalError(f"line {number} of the journal: {error}") from error
        if fact is not None:
            yield fact


def encode_public(fact: Fact) -> bytes:
    """One line of `--format json`, without its newline: every field is there, lines are a list, whole numbers look whole."""
    match fact:
        case LinesLogged():
            return _ENCODER.encode(
                _PublicLines(at=fact.at, run=fact.run, job=fact.job, step=fact.step, lines=fact.text.split("\n"))
            )
        case JobStarted() | JobFinished() if fact.matrix is not None:
            return _ENCODER.encode(msgspec.structs.replace(fact, matrix=_show_values(fact.matrix)))
        case JobExpanded():
            return _ENCODER.encode(msgspec.structs.replace(fact, legs=tuple(map(_show_leg, fact.legs))))
        case _:
            return _ENCODER.encode(fact)


@cache
def _decoder() -> msgspec.json.Decoder[RunFact]:
    """Made when a journal is first read: it costs more than many a command that only writes."""
    return msgspec.json.Decoder(RunFact)


def to_plain(value: Any) -> Any:
    """A value for JSON: every number of an expression is a float; people and programs expect `3`, not `3.0`."""
    match value:
        case float() if isfinite(value) and value == int(value):
            return int(value)
        case list():
            return [to_plain(item) for item in value]
        case dict():
            return {key: to_plain(item) for key, item in value.items()}
        case _:
            return value


def _read_past(line: bytes, problem: str) -> None:
    """Return where the line may be left out, raise what is wrong with it elsewhere."""
    try:
        envelope = msgspec.json.decode(line, type=_Envelope)
    except _UNREADABLE as error:
        raise JournalError(f"it is not a fact: {error}") from error
    if envelope.skip and envelope.type not in _known_kinds():
        return
    if envelope.v > SCHEMA_VERSION:
        raise JournalError(
            f"'{envelope.type}' was written by a newer Homeport (schema {envelope.v}, this one reads up to {SCHEMA_VERSION})"
        )
    if envelope.type not in _known_kinds():
        raise JournalError(f"'{envelope.type}' is a kind of fact that this version does not know")
    raise JournalError(f"'{envelope.type}' cannot be read: {problem}")


def _known_kinds() -> frozenset[str]:
    return frozenset(str(kind.__struct_config__.tag) for kind in RunFact.__args__)


def _show_leg(leg: Leg) -> Leg:
    matrix = None if leg.matrix is None else _show_values(leg.matrix)
    inputs = None if leg.inputs is None else _show_values(leg.inputs)
    return msgspec.structs.replace(leg, matrix=matrix, inputs=inputs)


def _show_values(values: Values) -> Values:
    return {key: to_plain(value) for key, value in values.items()}

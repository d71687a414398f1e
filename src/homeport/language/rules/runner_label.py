"""Labels of runners that GitHub does not have (any more), and labels that no runner has together.

Source: docs "GitHub-hosted runners reference" and actions/runner-images "Available Images"; labels of one's own belong beside
`self-hosted` or in a `group`.
"""

import re
from collections.abc import Iterator

from homeport.diagnostics.diagnostic import Diagnostic, Related
from homeport.language.expr.syntax import Index, Literal, Name
from homeport.language.names import quote, suggest
from homeport.language.nodes import Job
from homeport.language.parser.values import fields
from homeport.language.scopes import parse_at
from homeport.language.subject import Subject
from homeport.language.tokens import (
    ExpressionToken,
    InterpolationToken,
    MappingToken,
    SequenceToken,
    StringToken,
    Token,
)

_CODE = "runner-label"
_HOSTED = [
    "ubuntu-latest",
    "ubuntu-26.04",
    "ubuntu-26.04-arm",
    "ubuntu-24.04",
    "ubuntu-24.04-arm",
    "ubuntu-22.04",
    "ubuntu-22.04-arm",
    "ubuntu-slim",
    "windows-latest",
    "windows-2025",
    "windows-2025-vs2026",
    "windows-2022",
    "windows-11-arm",
    "macos-latest",
    "macos-latest-large",
    "macos-latest-xlarge",
    "macos-26",
    "macos-26-intel",
    "macos-26-large",
    "macos-26-xlarge",
    "macos-15",
    "macos-15-intel",
    "macos-15-large",
    "macos-15-xlarge",
    "macos-14",
    "macos-14-large",
    "macos-14-xlarge",
]
_RETIRED = [
    "ubuntu-20.04",
    "ubuntu-18.04",
    "ubuntu-16.04",
    "windows-2019",
    "windows-2016",
    "macos-13",
    "macos-13-large",
    "macos-13-xlarge",
    "macos-12",
    "macos-12-large",
    "macos-12-xlarge",
    "macos-11",
    "macos-11.0",
    "macos-10.15",
]
_SELF_HOSTED = ("self-hosted", "linux", "windows", "macos", "x64", "x86", "arm", "arm64")
_KNOWN = frozenset((*_HOSTED, *_SELF_HOSTED))
_LARGER = re.compile(r"(?:ubuntu|windows|macos)-.+-cores?(?:-.+)?")
"""The names that GitHub proposes for larger runners: `ubuntu-24.04-8-cores`."""
_SYSTEMS = {"ubuntu": "Linux", "linux": "Linux", "windows": "Windows", "macos": "macOS"}


def check_labels(subject: Subject) -> Iterator[Diagnostic]:
    """Report unknown labels, once each place, and those that contradict one another."""
    for job in subject.jobs:
        if isinstance(job, Job):
            reported: set[StringToken] = set()
            for labels in _find_choices(job):
                yield from _check_known(job, labels, reported)
                yield from _check_conflict(labels)


def _check_known(job: Job, labels: list[StringToken], reported: set[StringToken]) -> Iterator[Diagnostic]:
    names = {label.value.lower() for label in labels}
    if job.runs_on.group is not None or "self-hosted" in names:
        return
    for label in labels:
        name = label.value.lower()
        if not name or name in _KNOWN or _LARGER.fullmatch(name) or label in reported:
            continue
        reported.add(label)
        if name in _RETIRED:
            message, hint = f"GitHub has no runner {quote(label.value)} any more", _find_successor(name)
        else:
            message = f"unknown label {quote(label.value)}: GitHub has no such runner"
            hint = (
                suggest(label.value, _HOSTED)
                or "labels of your own runners stand beside 'self-hosted': [self-hosted, …]"
            )
        yield Diagnostic(code=_CODE, message=message, span=label.span, hint=hint, severity="warning")


def _find_successor(name: str) -> str:
    return f"use '{name.partition('-')[0]}-latest'"


def _check_conflict(labels: list[StringToken]) -> Iterator[Diagnostic]:
    """A runner has one system, and one of GitHub's images."""
    first: StringToken | None = None
    image: StringToken | None = None
    for label in labels:
        name = label.value.lower()
        other: StringToken | None = None
        if _find_system(name) is not None:
            other = None if first is None or _find_system(first.value.lower()) == _find_system(name) else first
            first = first or label
        if name in _HOSTED and "-latest" not in name:
            other = other or (None if image is None or image.value.lower() == name else image)
            image = image or label
        if other is not None:
            message = f"no runner has both labels {quote(other.value)} and {quote(label.value)}"
            hint = "to run the job on each of them, list them in a matrix: runs-on: ${{ matrix.os }}"
            related = (Related("the other label is here", other.span),)
            yield Diagnostic(code=_CODE, message=message, span=label.span, hint=hint, related=related)


def _find_system(name: str) -> str | None:
    return _SYSTEMS.get(name.partition("-")[0]) if name in _KNOWN else None


# --- the labels of a job ---------------------------------------------------------------------------------------------


def _find_choices(job: Job) -> list[list[StringToken]]:
    """The sets of labels that a job may ask for, as far as they are written out: one a value of the matrix that it names."""
    written = job.runs_on.labels
    items: tuple[Token, ...] = (
        written.items if isinstance(written, SequenceToken) else () if written is None else (written,)
    )
    fixed = [item for item in items if isinstance(item, StringToken)]
    dynamic = [item for item in items if isinstance(item, ExpressionToken | InterpolationToken)]
    if not dynamic:
        return [fixed] if fixed else []
    choices = [[*fixed, *labels] for item in dynamic for labels in _read_matrix(job, item)]
    return choices or ([fixed] if fixed else [])


def _read_matrix(job: Job, token: Token) -> Iterator[list[StringToken]]:
    """The values of `${{ matrix.os }}`: labels, or lists of them."""
    name = _find_matrix_name(token)
    matrix = None if job.strategy is None else job.strategy.matrix
    if name is None or not isinstance(matrix, MappingToken):
        return
    settings = {key.lower(): value for key, value in fields(matrix).items()}
    vector, include = settings.get(name), settings.get("include")
    values = list(vector.items) if isinstance(vector, SequenceToken) else []
    for combination in include.items if isinstance(include, SequenceToken) else ():
        values += [value for key, value in fields(combination).items() if key.lower() == name]
    for value in values:
        labels = [
            item
            for item in (value.items if isinstance(value, SequenceToken) else (value,))
            if isinstance(item, StringToken)
        ]
        if labels:
            yield labels


def _find_matrix_name(token: Token) -> str | None:
    node = parse_at(token, "jobs.runs-on") if isinstance(token, ExpressionToken) else None
    match node:
        case Index(receiver=Name(name=context), key=Literal(value=str() as name)) if context.lower() == "matrix":
            return name.lower()
        case _:
            return None

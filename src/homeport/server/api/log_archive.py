"""The log of a run as GitHub packs it: a zip with a text file for each job, and one for each step in a folder by the job's name.

Source: GitHub docs, "Download workflow run logs"; cli/cli `pkg/cmd/run/view` (`logs.go`), which finds a step's file by these names.
"""

import zipfile
from collections.abc import Iterable, Iterator, Sequence
from typing import IO

from homeport.ports.logs import LogLine, LogStore
from homeport.rest.entries import JobEntry, StepEntry

_LONGEST_NAME = 90
_FORBIDDEN = str.maketrans("", "", '/:\\<>|*?"\r\n\0')


def write_log(target: IO[bytes], lines: Iterable[LogLine]) -> None:
    """Each line with its time, as GitHub shows raw logs."""
    for line in lines:
        moment = line.at.strftime("%Y-%m-%dT%H:%M:%S.%f")
        target.write(f"{moment}0Z {line.text}\n".encode("utf-8", "replace"))


def pack_logs(target: IO[bytes], logs: LogStore, run: int, jobs: Sequence[JobEntry]) -> None:
    """The zip. What a re-run kept has its log in the attempt in which it ran."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for number, job in enumerate(jobs):
            name = file_name(job.name)
            with archive.open(f"{number}_{name}.txt", "w", force_zip64=True) as file:
                write_log(file, logs.read(str(run), job.attempt, job.key))
            for step, lines in _by_step(logs.read(str(run), job.attempt, job.key), job.steps):
                with archive.open(f"{name}/{step.number}_{file_name(step.name)}.txt", "w", force_zip64=True) as file:
                    write_log(file, lines)


def file_name(text: str) -> str:
    """A job's or step's name as a file's or a folder's: without what file systems do not take. `..` would lead out of the archive."""
    name = text.translate(_FORBIDDEN)[:_LONGEST_NAME].strip()
    return name if name.strip(". ") else "_"


def _by_step(lines: Iterator[LogLine], steps: Sequence[StepEntry]) -> Iterator[tuple[StepEntry, Iterator[LogLine]]]:
    """The lines of each step, in one pass: a step's lines stand together. Who wants the next must have read the one before."""
    known = {step.id: step for step in steps}
    line = next(lines, None)

    def take(wanted: str) -> Iterator[LogLine]:
        nonlocal line
        while line is not None and line.step == wanted:
            yield line
            line = next(lines, None)

    while line is not None:
        step = known.get(line.step)
        if step is None:
            line = next(lines, None)
        else:
            yield step, take(line.step)

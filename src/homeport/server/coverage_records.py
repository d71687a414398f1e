"""Reads how much of the code a run's tests covered out of the records that `codecov/codecov-action` leaves (decision 0035)."""

import lzma
import zipfile
import zlib

import msgspec

from homeport.ports.artifacts import Artifact, ArtifactStore

_COVERAGE_TYPE = "coverage"
_DESCRIPTION = "upload.json"
_LARGEST_DESCRIPTION = 1 << 20
_UNREADABLE = (
    OSError,
    EOFError,
    KeyError,
    RuntimeError,  # encrypted, or compressed in a way that is not known
    UnicodeDecodeError,
    lzma.LZMAError,
    msgspec.DecodeError,
    zipfile.BadZipFile,
    zlib.error,
)


class _Report(msgspec.Struct, frozen=True):
    covered: int | None = None
    lines: int | None = None


class _Record(msgspec.Struct, frozen=True):
    report_type: str = "coverage"
    reports: tuple[_Report, ...] = ()


def read_coverage(artifacts: ArtifactStore, run: str) -> float | None:
    """In per cent, over all reports of the run's newest attempt that has any; None where there is none that can be read."""
    records = [each for each in artifacts.list(run, records=True) if each.is_record]
    newest = max((each.attempt for each in records), default=0)
    covered = lines = 0
    for artifact in records:
        if artifact.attempt == newest:
            for report in _read_reports(artifacts, artifact):
                covered += report.covered or 0
                lines += report.lines or 0
    return 100 * covered / lines if lines else None


def _read_reports(artifacts: ArtifactStore, artifact: Artifact) -> tuple[_Report, ...]:
    try:
        with zipfile.ZipFile(artifacts.archive_path(artifact)) as archive:
            if archive.getinfo(_DESCRIPTION).file_size > _LARGEST_DESCRIPTION:
                return ()
            record = msgspec.json.decode(archive.read(_DESCRIPTION), type=_Record)
    except _UNREADABLE:
        return ()  # what cannot be read says nothing
    return record.reports if record.report_type == _COVERAGE_TYPE else ()

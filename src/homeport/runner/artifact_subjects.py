"""Reads `GITHUB_ARTIFACTS`: what a step declares to have made, by name and digest.

Source: actions/runner `CreateArtifactsFileCommand` and `ArtifactsListFileCommand` (there behind a flag). A line is a file, `file://` and
a file, or an image: `[oci://]reference@sha256:<hex>`; blank lines and those that begin with `#` say nothing.
"""

import hashlib
import os
import re
from collections.abc import Mapping

import msgspec

from homeport.runner.command_files import CommandFileError

LONGEST_FILE = 1024 * 1024
MOST_SUBJECTS = 500
"""Of one job."""
_HEX_LENGTHS = {"sha256": 64, "sha384": 96, "sha512": 128}
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*://")
_IMAGE = re.compile(r"(.+)@(sha(?:256|384|512)):([0-9a-fA-F]+)", re.IGNORECASE)


class Subject(msgspec.Struct, frozen=True):
    """One thing that was made; `kind` is `file` or `oci`."""

    name: str
    digest: str
    kind: str


def declare_subjects(text: str, known: Mapping[str, Subject], workspace: str) -> dict[str, Subject]:
    """The known subjects of the job with those of one file: a mistake adds none of them. Raises `CommandFileError`."""
    if len(text.encode("utf-8", "replace")) > LONGEST_FILE:
        raise CommandFileError(f"$GITHUB_ARTIFACTS may have {LONGEST_FILE // 1024} KiB")
    subjects = dict(known)
    for number, line in enumerate(text.splitlines(), start=1):
        entry = line.strip()
        if not entry or entry.startswith("#"):
            continue
        try:
            _add(subjects, _parse(entry, workspace))
        except (CommandFileError, OSError) as error:
            raise CommandFileError(f"$GITHUB_ARTIFACTS, line {number}: {error}") from error
    return subjects


def render_list(subjects: Mapping[str, Subject]) -> bytes:
    """What `GITHUB_ARTIFACTS_LIST` shows to later steps."""
    ordered = [subjects[name] for name in sorted(subjects)]
    return msgspec.json.encode({"version": 1, "subjects": ordered})


def _add(subjects: dict[str, Subject], subject: Subject) -> None:
    existing = subjects.get(subject.name)
    if existing is not None and existing.digest != subject.digest:
        raise CommandFileError(
            f"'{subject.name}' was declared with the digest {existing.digest}, and now with {subject.digest}"
        )
    if existing is None and len(subjects) >= MOST_SUBJECTS:
        raise CommandFileError(f"a job may declare {MOST_SUBJECTS} artifacts")
    subjects[subject.name] = subject


def _parse(entry: str, workspace: str) -> Subject:
    if "=" in entry:
        raise CommandFileError("entries containing '=' are reserved and not permitted")
    scheme = _SCHEME.match(entry)
    match scheme[0].lower() if scheme is not None else "":
        case "file://":
            path = entry[len("file://") :]
            if not path.strip():
                raise CommandFileError("file:// entries must include a path")
            return _make_file(path, workspace)
        case "oci://":
            image = _IMAGE.fullmatch(entry[len("oci://") :])
            if image is None:
                raise CommandFileError("oci:// entries must include an @sha{256,384,512}:<hex> digest")
            return _make_image(image)
        case "":
            image = _IMAGE.fullmatch(entry)
            if image is not None and len(image[3]) == _HEX_LENGTHS[image[2].lower()]:
                return _make_image(image)
            return _make_file(entry, workspace)
        case _:
            raise CommandFileError("unsupported URI scheme")


def _make_image(image: "re.Match[str]") -> Subject:
    algorithm, digest = image[2].lower(), image[3].lower()
    if len(digest) != _HEX_LENGTHS[algorithm]:
        raise CommandFileError(
            f"digest '{algorithm}' must be {_HEX_LENGTHS[algorithm]} hex characters, got {len(digest)}"
        )
    return Subject(image[1], f"{algorithm}:{digest}", "oci")


def _make_file(declared: str, workspace: str) -> Subject:
    path = os.path.normpath(os.path.join(workspace, declared))
    if os.path.isdir(path):
        raise CommandFileError(f"'{declared}' is a directory, not a regular file")
    if not os.path.isfile(path):
        where = "" if os.path.isabs(declared) else f" (relative paths begin at the workspace '{workspace}')"
        raise CommandFileError(f"file '{declared}' does not exist{where}")
    with open(path, "rb") as file:  # noqa: PTH123 - pathlib is slow to import
        return Subject(os.path.basename(path), f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}", "file")

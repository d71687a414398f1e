"""actions/upload-artifact, v4 to v7: keeps files of the job in the run's store.

| input | here |
|---|---|
| name | as the original: `artifact` where it is not given |
| path | as the original: lines, globs, `!` exclusions, `~`, least common ancestor |
| if-no-files-found | `warn`, `error`, `ignore` |
| retention-days | 1 to the repository's limit (`github.retention_days`); 0 is the default |
| compression-level | 0 to 9; large files that do not shrink are stored at any level |
| overwrite | as the original |
| include-hidden-files | as the original since v4.4 |
| archive | `false` (v7): one file, kept as it is under its own name |

Outputs: `artifact-id`, `artifact-url`, `artifact-digest`. The URL is that of the page on the run's server; with `homeport run` there is
no server, and `homeport artifacts` has the file. Source: the action's README and `action.yml`.
"""

import os
from collections.abc import Iterator

import msgspec

from homeport.ports.artifacts import Artifact, NameTakenError
from homeport.ports.repositories import StoreError
from homeport.runner.actions.native.artifact_names import check_artifact_name, check_file_path
from homeport.runner.actions.native.artifact_search import SearchResult, search_files
from homeport.runner.actions.native.definition import Input, NativeDefinition
from homeport.runner.actions.native.inputs import get_boolean, get_lines, get_text, used_major
from homeport.runner.host import ActionError, ActionHost

DEFINITION = NativeDefinition(
    name="actions/upload-artifact",
    inputs=(
        Input("name", "artifact"),
        Input("path"),
        Input("if-no-files-found", "warn"),
        Input("retention-days"),
        Input("compression-level", "6"),
        Input("overwrite", "false"),
        Input("include-hidden-files", "false"),
        Input("archive", "true"),
    ),
    outputs=("artifact-id", "artifact-url", "artifact-digest"),
)

_UNZIPPED_SINCE = 7
_NO_FILES = ("warn", "error", "ignore")


class _Inputs(msgspec.Struct, frozen=True):
    name: str
    path: str
    if_none: str
    retention_days: int
    compression_level: int
    overwrite: bool
    hidden: bool
    archive: bool


def main(host: ActionHost) -> None:
    """Find, pack, keep."""
    inputs = _read_inputs(host)
    found = search_files(host, get_lines(host, "path", required=True), hidden=inputs.hidden)
    if not found.files:
        _report_nothing(host, inputs)
        return
    plural = "" if len(found.files) == 1 else "s"
    host.log(f"With the provided path, there will be {len(found.files)} file{plural} uploaded")
    if not inputs.archive and len(found.files) > 1:
        raise ActionError(
            f"When 'archive' is set to false, only a single file can be uploaded. Found {len(found.files)} files to upload."
        )
    artifact = _store(host, inputs, found)
    _report(host, artifact)


def _read_inputs(host: ActionHost) -> _Inputs:
    if_none = get_text(host, "if-no-files-found")
    if if_none not in _NO_FILES:
        raise ActionError(
            f"Unrecognized if-no-files-found input. Provided: {if_none}. Available options: {','.join(_NO_FILES)}"
        )
    level = _get_number(host, "compression-level", 6)
    if not 0 <= level <= 9:
        raise ActionError("Invalid compression-level. Valid values are 0-9")
    return _Inputs(
        name=get_text(host, "name"),
        path=get_text(host, "path", required=True),
        if_none=if_none,
        retention_days=_find_retention(host),
        compression_level=level,
        overwrite=get_boolean(host, "overwrite"),
        hidden=get_boolean(host, "include-hidden-files"),
        archive=_is_archived(host),
    )


def _is_archived(host: ActionHost) -> bool:
    """Earlier majors know no other way."""
    archived = get_boolean(host, "archive")
    return archived or (used_major(host) or _UNZIPPED_SINCE) < _UNZIPPED_SINCE


def _get_number(host: ActionHost, name: str, default: int) -> int:
    """As JavaScript's `parseInt` reads it: the digits that the text begins with."""
    text = get_text(host, name)
    if not text:
        return default
    sign = -1 if text.startswith("-") else 1
    digits = ""
    for character in text.lstrip("+-"):
        if not (character.isascii() and character.isdigit()):
            break
        digits += character
    if not digits:
        raise ActionError(f"Invalid {name}")
    return sign * int(digits)


def _find_retention(host: ActionHost) -> int:
    days = _get_number(host, "retention-days", 0)
    if days < 0:
        raise ActionError("Invalid retention-days")
    limit = str(host.github.get("retention_days") or "")
    if limit.isdigit() and days > int(limit) > 0:
        host.annotate(
            "warning",
            f"Retention days cannot be greater than the maximum allowed retention set within the repository. Using {limit} instead.",
        )
        return int(limit)
    return days


def _report_nothing(host: ActionHost, inputs: _Inputs) -> None:
    message = f"No files were found with the provided path: {inputs.path}. No artifacts will be uploaded."
    if inputs.if_none == "error":
        raise ActionError(message)
    if inputs.if_none == "warn":
        host.annotate("warning", message)
    else:
        host.log(message)


def _store(host: ActionHost, inputs: _Inputs, found: SearchResult) -> Artifact:
    run, job = host.order.run, host.order.leg.key
    attempt = int(str(host.github.get("run_attempt") or "1"))
    name = inputs.name if inputs.archive else os.path.basename(found.files[0])
    check_artifact_name(name)
    try:
        if not inputs.archive:
            return host.artifacts.put_file(
                run,
                attempt,
                job,
                name,
                found.files[0],
                media_type=_guess_type(name),
                retention_days=inputs.retention_days,
                overwrite=inputs.overwrite,
            )
        files = [(os.path.relpath(path, found.root), path) for path in found.files]
        for path_in_artifact, _ in files:
            check_file_path(path_in_artifact)
        return host.artifacts.put(
            run,
            attempt,
            job,
            name,
            _until_stopped(host, files),
            compression_level=inputs.compression_level,
            retention_days=inputs.retention_days,
            overwrite=inputs.overwrite,
        )
    except NameTakenError as error:
        raise ActionError(
            "Failed to CreateArtifact: Received non-retryable error: Failed request: (409) Conflict: an artifact with this name "
            "already exists on the workflow run"
        ) from error
    except (OSError, ValueError, StoreError) as error:
        raise ActionError(f"Unable to upload the artifact '{name}': {error}") from error


def _until_stopped(host: ActionHost, files: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """The files one by one, as long as the job goes on."""
    for file in files:
        if host.stop.reason is not None:
            raise ActionError("The operation was canceled.")
        yield file


def _guess_type(name: str) -> str:
    """Never that of our own archives: a file that is kept as it is comes back as it is, zip files too."""
    return "application/x-zip-file" if name.lower().endswith(".zip") else "application/octet-stream"


def _report(host: ActionHost, artifact: Artifact) -> None:
    kind, _, digest = artifact.digest.partition(":")
    host.log(f"SHA256 digest of uploaded artifact is {digest}" if kind == "sha256" else f"Digest is {artifact.digest}")
    host.log(
        f"Artifact {artifact.name} has been successfully uploaded! Final size is {artifact.size} bytes. Artifact ID is {artifact.id}"
    )
    github = host.github
    url = f"{github.get('server_url')}/{github.get('repository')}/actions/runs/{artifact.run}/artifacts/{artifact.id}"
    host.log(f"Artifact download URL: {url}")
    host.set_output("artifact-id", artifact.id)
    host.set_output("artifact-digest", digest)
    host.set_output("artifact-url", url)
    host.uploaded(artifact.name, artifact.id, artifact.size, artifact.digest)

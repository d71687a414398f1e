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

from homeport.runner.actions.native.artifact_search import SearchResult, search_files
from homeport.runner.actions.native.artifact_upload import (
    NO_FILES,
    Upload,
    find_level,
    find_retention,
    upload,
    upload_single,
)
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


def main(host: ActionHost) -> None:
    """Find, pack, keep."""
    archived, overwrite = _is_archived(host), get_boolean(host, "overwrite")
    hidden = get_boolean(host, "include-hidden-files")
    if_none, retention_days, level = _read_if_none(host), find_retention(host), find_level(host)
    found = search_files(host, get_lines(host, "path", required=True), hidden=hidden)
    if not found.files:
        _report_nothing(host, if_none)
        return
    plural = "" if len(found.files) == 1 else "s"
    host.log(f"With the provided path, there will be {len(found.files)} file{plural} uploaded")
    if not archived:
        _upload_as_it_is(host, found, retention_days, overwrite=overwrite)
        return
    files = tuple((os.path.relpath(path, found.root), path) for path in found.files)
    upload(
        host,
        Upload(
            name=get_text(host, "name"),
            files=files,
            retention_days=retention_days,
            compression_level=level,
            overwrite=overwrite,
        ),
    )


def _upload_as_it_is(host: ActionHost, found: SearchResult, retention_days: int, *, overwrite: bool) -> None:
    if len(found.files) > 1:
        raise ActionError(
            f"When 'archive' is set to false, only a single file can be uploaded. Found {len(found.files)} files to upload."
        )
    upload_single(host, found.files[0], retention_days, overwrite=overwrite)


def _read_if_none(host: ActionHost) -> str:
    if_none = get_text(host, "if-no-files-found")
    if if_none not in NO_FILES:
        raise ActionError(
            f"Unrecognized if-no-files-found input. Provided: {if_none}. Available options: {','.join(NO_FILES)}"
        )
    return if_none


def _is_archived(host: ActionHost) -> bool:
    """Earlier majors know no other way."""
    archived = get_boolean(host, "archive")
    return archived or (used_major(host) or _UNZIPPED_SINCE) < _UNZIPPED_SINCE


def _report_nothing(host: ActionHost, if_none: str) -> None:
    message = f"No files were found with the provided path: {get_text(host, 'path')}. No artifacts will be uploaded."
    if if_none == "error":
        raise ActionError(message)
    if if_none == "warn":
        host.annotate("warning", message)
    else:
        host.log(message)

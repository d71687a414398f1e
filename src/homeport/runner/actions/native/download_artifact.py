"""actions/download-artifact, v4 to v8: puts artifacts of the run into the job's workspace.

| input | here |
|---|---|
| name | one artifact; the newest of that name, whichever attempt made it |
| artifact-ids | comma-separated ids (v5) |
| path | as the original: the workspace where it is not given, `~` as the home folder |
| pattern | as the original (minimatch): `*`, `**`, `?`, `[…]`, `{a,b}`, `!` |
| merge-multiple | as the original |
| skip-decompress | `true` (v8): the archive itself, `<name>.zip` |
| digest-mismatch | `ignore`, `info`, `warn`, `error` (v8): what to do about a damaged artifact |
| github-token | accepted; another run of this repository needs none here |
| repository | another repository is refused |
| run-id | any run of this store |

Outputs: `download-path`. Source: the action's README, `action.yml` and `src/download-artifact.ts`.
"""

import os
from collections.abc import Sequence

import msgspec

from homeport.ports.artifacts import ZIP, Artifact, DigestMismatchError
from homeport.ports.repositories import StoreError
from homeport.runner.actions.file_copies import copy_entry
from homeport.runner.actions.native.definition import Input, NativeDefinition
from homeport.runner.actions.native.inputs import get_boolean, get_text, resolve_path, used_major
from homeport.runner.actions.native.minimatch import Minimatch
from homeport.runner.actions.native.stopping import go_on_check
from homeport.runner.actions.native.targets import check_target
from homeport.runner.folders import make_folder
from homeport.runner.host import ActionError, ActionHost

DEFINITION = NativeDefinition(
    name="actions/download-artifact",
    inputs=(
        Input("name"),
        Input("artifact-ids"),
        Input("path"),
        Input("pattern"),
        Input("merge-multiple", "false"),
        Input("github-token", "", "accepted"),
        Input("repository", "${{ github.repository }}", "refused", "another repository"),
        Input("run-id", "${{ github.run_id }}"),
        Input("skip-decompress", "false"),
        Input("digest-mismatch", "error"),
    ),
    outputs=("download-path",),
)

_MISMATCH = ("ignore", "info", "warn", "error")
_ONLY_ONE_LIKE_NAMED_SINCE = 5
_STRICT_SINCE = 8
"""earlier majors only warn of a damaged artifact"""


class _Inputs(msgspec.Struct, frozen=True):
    name: str
    ids: tuple[str, ...]
    pattern: str
    folder: str
    merge: bool
    skip_decompress: bool
    mismatch: str


def main(host: ActionHost) -> None:
    """Choose, unpack."""
    try:
        _download(host, _read_inputs(host))
    except ActionError as error:
        raise ActionError(f"Unable to download artifact(s): {error}") from error


def _read_inputs(host: ActionHost) -> _Inputs:
    mismatch = get_text(host, "digest-mismatch")
    if mismatch not in _MISMATCH:
        raise ActionError(f"Invalid value for 'digest-mismatch': '{mismatch}'. Valid options: {', '.join(_MISMATCH)}")
    if (used_major(host) or _STRICT_SINCE) < _STRICT_SINCE and mismatch == "error":
        mismatch = "warn"
    name, ids = get_text(host, "name"), _read_ids(get_text(host, "artifact-ids"))
    if name and ids:
        raise ActionError("Inputs 'name' and 'artifact-ids' cannot be used together. Please specify only one.")
    return _Inputs(
        name=name,
        ids=ids,
        pattern=get_text(host, "pattern"),
        folder=resolve_path(host, get_text(host, "path") or host.paths.workspace),
        merge=get_boolean(host, "merge-multiple"),
        skip_decompress=get_boolean(host, "skip-decompress"),
        mismatch=mismatch,
    )


def _read_ids(text: str) -> tuple[str, ...]:
    if not text:
        return ()
    ids = [item.strip() for item in text.split(",") if item.strip()]
    for item in ids:
        if not (item.isascii() and item.isdigit()):
            raise ActionError(f"Invalid artifact ID: '{item}'. Must be a number.")
    if not ids:
        raise ActionError("No valid artifact IDs provided in 'artifact-ids' input")
    return tuple(ids)


def _find_run(host: ActionHost) -> str:
    own, wanted = str(host.github.get("repository") or ""), get_text(host, "repository")
    if wanted and wanted.lower() != own.lower():
        raise ActionError(
            f"artifacts of another repository ('{wanted}') are not supported by this build yet; this is '{own}'"
        )
    run = get_text(host, "run-id")
    if run in {"", str(host.github.get("run_id") or "")}:
        return host.order.run
    if not (run.isascii() and run.isdigit()):
        raise ActionError(f"Invalid run-id: '{run}'. Must be a number.")
    return run


def _download(host: ActionHost, inputs: _Inputs) -> None:
    run = _find_run(host)
    try:
        chosen = _choose(host, inputs, _latest(host.artifacts.list(run)))
    except StoreError as error:
        raise ActionError(str(error)) from error
    if chosen:
        host.log("Preparing to download the following artifacts:")
    for artifact in chosen:
        host.log(f"- {artifact.name} (ID: {artifact.id}, Size: {artifact.size}, Expected Digest: {artifact.digest})")
    for artifact in chosen:
        _extract(host, inputs, artifact, _find_folder(host, inputs, artifact, is_only_one=len(chosen) == 1))
        host.log(f"Artifact download completed successfully: {artifact.name}")
    host.log(f"Total of {len(chosen)} artifact(s) downloaded")
    host.set_output("download-path", inputs.folder)
    host.log("Download artifact has finished successfully")


def _find_folder(host: ActionHost, inputs: _Inputs, artifact: Artifact, *, is_only_one: bool) -> str:
    """The path itself for one artifact by name, for merged ones and, since v5, for whatever was the only one found; else a folder
    of its name in it (actions/download-artifact#416, #424).
    """
    direct = is_only_one and (used_major(host) or _ONLY_ONE_LIKE_NAMED_SINCE) >= _ONLY_ONE_LIKE_NAMED_SINCE
    if inputs.name or inputs.merge or direct:
        return inputs.folder
    if artifact.name in {".", ".."} or "/" in artifact.name:
        raise ActionError(f"the artifact's name is not that of a folder: '{artifact.name}'")
    return os.path.join(inputs.folder, artifact.name)


def _latest(artifacts: Sequence[Artifact]) -> list[Artifact]:
    """One of each name: the newest, which comes first."""
    newest: dict[str, Artifact] = {}
    for artifact in artifacts:
        newest.setdefault(artifact.name, artifact)
    return list(newest.values())


def _choose(host: ActionHost, inputs: _Inputs, artifacts: list[Artifact]) -> list[Artifact]:
    if inputs.name:
        host.log("Downloading single artifact")
        found = [artifact for artifact in artifacts if artifact.name == inputs.name]
        if not found:
            raise ActionError(f"Artifact not found for name: {inputs.name}{_list_names(artifacts)}")
        return found
    if inputs.ids:
        return _choose_by_id(host, inputs, artifacts)
    if inputs.pattern:
        host.log(f"Filtering artifacts by pattern '{inputs.pattern}'")
        matcher = Minimatch(inputs.pattern)
        return [artifact for artifact in artifacts if matcher.is_match(artifact.name)]
    host.log("No input name, artifact-ids or pattern filtered specified, downloading all artifacts")
    if not inputs.merge:
        host.log("An extra directory with the artifact name will be created for each download")
    return artifacts


def _choose_by_id(host: ActionHost, inputs: _Inputs, artifacts: list[Artifact]) -> list[Artifact]:
    host.log("Downloading artifacts by ID")
    if len(inputs.ids) == 1:
        host.log("Downloading single artifact")
    else:
        host.log(f"Downloading multiple artifacts by ID: {', '.join(inputs.ids)}")
    found = [artifact for artifact in artifacts if artifact.id in inputs.ids]
    if not found:
        raise ActionError(f"None of the provided artifact IDs were found{_list_names(artifacts)}")
    missing = [item for item in inputs.ids if all(artifact.id != item for artifact in found)]
    if missing:
        host.annotate("warning", f"Could not find the following artifact IDs: {', '.join(missing)}")
    return found


def _list_names(artifacts: Sequence[Artifact]) -> str:
    names = ", ".join(artifact.name for artifact in artifacts)
    return f" (this run has: {names})" if names else " (this run has no artifacts)"


def _extract(host: ActionHost, inputs: _Inputs, artifact: Artifact, folder: str) -> None:
    host.log(f"Starting download of artifact to: {folder}")
    check_target(host, folder)
    try:
        if inputs.skip_decompress and artifact.media_type == ZIP:
            _copy_archive(host.artifacts.archive_path(artifact), folder, f"{artifact.name}.zip")
        else:
            host.artifacts.extract(artifact, folder, check=go_on_check(host))
    except DigestMismatchError as error:
        _report_damage(host, inputs, artifact, error)
    except (OSError, StoreError, ValueError) as error:
        raise ActionError(f"'{artifact.name}' could not be unpacked: {error}") from error


def _report_damage(host: ActionHost, inputs: _Inputs, artifact: Artifact, error: DigestMismatchError) -> None:
    message = (
        f"Artifact '{artifact.name}' digest validation failed. Please verify the integrity of the artifact. ({error})"
    )
    match inputs.mismatch:
        case "error":
            raise ActionError(message) from error
        case "warn":
            host.annotate("warning", message)
        case "info":
            host.log(message)
        case _:
            return


def _copy_archive(path: str, folder: str, name: str) -> None:
    make_folder(folder)
    target = os.path.join(folder, name)
    if os.path.lexists(target):
        os.unlink(target)
    copy_entry(path, target, os.stat(path))
    os.chmod(target, 0o644)

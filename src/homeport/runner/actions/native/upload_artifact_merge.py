"""actions/upload-artifact/merge, v4 to v7: makes one artifact of several of the run.

| input | here |
|---|---|
| name | as the original: `merged-artifacts` where it is not given |
| pattern | as the original (minimatch), over the names of the run's artifacts |
| if-no-files-found | `warn`, `error` (default), `ignore` |
| separate-directories | as the original: each in a folder of its name, or all in one |
| retention-days, compression-level | as actions/upload-artifact |
| include-hidden-files | as the original since v4.4 |
| delete-merged | as the original |

Outputs: `artifact-id`, `artifact-url`, `artifact-digest`. Source: the action's `merge/action.yml`, `merge/README.md` and
`src/merge/merge-artifacts.ts`.
"""

import os

from homeport.ports.artifacts import ZIP, Artifact, DigestMismatchError
from homeport.ports.repositories import StoreError
from homeport.runner.actions.native.artifact_search import list_folder
from homeport.runner.actions.native.artifact_upload import NO_FILES, Upload, find_level, find_retention, upload
from homeport.runner.actions.native.definition import Input, NativeDefinition
from homeport.runner.actions.native.inputs import get_boolean, get_text
from homeport.runner.actions.native.minimatch import Minimatch
from homeport.runner.actions.native.stopping import go_on_check
from homeport.runner.folders import make_folder, remove_tree
from homeport.runner.host import ActionError, ActionHost

DEFINITION = NativeDefinition(
    name="actions/upload-artifact/merge",
    inputs=(
        Input("name", "merged-artifacts"),
        Input("pattern", "*"),
        Input("if-no-files-found", "error"),
        Input("separate-directories", "false"),
        Input("retention-days"),
        Input("compression-level", "6"),
        Input("delete-merged", "false"),
        Input("include-hidden-files", "false"),
    ),
    outputs=("artifact-id", "artifact-url", "artifact-digest"),
)


def main(host: ActionHost) -> None:
    """Unpack all that match into a folder of the job's, and pack that."""
    pattern = get_text(host, "pattern")
    if_none = get_text(host, "if-no-files-found")
    if if_none not in NO_FILES:
        raise ActionError(
            f"Unrecognized if-no-files-found input. Provided: {if_none}. Available options: {','.join(NO_FILES)}"
        )
    separate, delete = get_boolean(host, "separate-directories"), get_boolean(host, "delete-merged")
    chosen = _choose(host, pattern)
    if not chosen:
        _report_nothing(host, if_none, pattern)
        return
    host.log("Preparing to download the following artifacts:")
    for artifact in chosen:
        host.log(f"- {artifact.name} (ID: {artifact.id}, Size: {artifact.size})")
    folder = os.path.join(host.paths.temp, f"merge-artifact-{os.urandom(6).hex()}")
    make_folder(folder)
    try:
        for artifact in chosen:
            _unpack(host, artifact, os.path.join(folder, artifact.name) if separate else folder)
        _upload(host, folder)
    finally:
        remove_tree(folder)
    host.log(f"The {len(chosen)} artifact(s) have been successfully merged!")
    if delete:
        _delete(host, chosen)


def _choose(host: ActionHost, pattern: str) -> list[Artifact]:
    matcher = Minimatch(pattern)
    newest: dict[str, Artifact] = {}
    try:
        for artifact in host.artifacts.list(host.order.run):
            newest.setdefault(artifact.name, artifact)
    except StoreError as error:
        raise ActionError(str(error)) from error
    return [artifact for artifact in newest.values() if matcher.is_match(artifact.name)]


def _report_nothing(host: ActionHost, if_none: str, pattern: str) -> None:
    message = f"No artifacts were found with the provided pattern: {pattern}."
    if if_none == "error":
        raise ActionError(message)
    if if_none == "warn":
        host.annotate("warning", message)
    else:
        host.log(message)


def _unpack(host: ActionHost, artifact: Artifact, folder: str) -> None:
    if artifact.name in {"", ".", ".."} or "/" in artifact.name:
        raise ActionError(f"the artifact's name is not that of a folder: '{artifact.name}'")
    if artifact.media_type != ZIP:
        host.log(f"{artifact.name} is a single file, which is merged as it is")
    try:
        host.artifacts.extract(artifact, folder, check=go_on_check(host))
    except DigestMismatchError as error:
        raise ActionError(f"Artifact '{artifact.name}' digest validation failed. ({error})") from error
    except (OSError, StoreError, ValueError) as error:
        raise ActionError(f"'{artifact.name}' could not be unpacked: {error}") from error


def _upload(host: ActionHost, folder: str) -> None:
    paths = list_folder(folder, hidden=get_boolean(host, "include-hidden-files"))
    upload(
        host,
        Upload(
            name=get_text(host, "name", required=True),
            files=tuple((os.path.relpath(path, folder), path) for path in paths),
            retention_days=find_retention(host),
            compression_level=find_level(host),
        ),
    )


def _delete(host: ActionHost, artifacts: list[Artifact]) -> None:
    for artifact in artifacts:
        for other in host.artifacts.list(artifact.run):
            if other.name == artifact.name and other.attempt == artifact.attempt and other.id == artifact.id:
                host.artifacts.delete(other)
    host.log(f"The {len(artifacts)} artifact(s) have been deleted")

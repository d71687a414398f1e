"""What uploading and merging artifacts share: the reading of common inputs, keeping the files, and what is said about it.

Source: actions/upload-artifact `src/upload/input-helper.ts`, `src/shared/upload-artifact.ts`.
"""

import os
from collections.abc import Callable

import msgspec

from homeport.ports.artifacts import Artifact, NameTakenError
from homeport.ports.repositories import StoreError
from homeport.runner.actions.native.artifact_names import check_artifact_name, check_file_path
from homeport.runner.actions.native.inputs import get_text
from homeport.runner.actions.native.stopping import go_on_check
from homeport.runner.host import ActionError, ActionHost

NO_FILES = ("warn", "error", "ignore")


class Upload(msgspec.Struct, frozen=True, kw_only=True):
    """An artifact to be: `files` are (path in it, path on this machine)."""

    name: str
    files: tuple[tuple[str, str], ...]
    retention_days: int
    compression_level: int
    overwrite: bool = False


def find_level(host: ActionHost) -> int:
    """The compression level. Raises `ActionError`."""
    level = _get_number(host, "compression-level", 6)
    if not 0 <= level <= 9:
        raise ActionError("Invalid compression-level. Valid values are 0-9")
    return level


def find_retention(host: ActionHost) -> int:
    """Days to keep it: as many as the repository allows, unless fewer are asked for. 0: as the store does."""
    days = _get_number(host, "retention-days", 0)
    if days < 0:
        raise ActionError("Invalid retention-days")
    limit = str(host.github.get("retention_days") or "")
    if not days:
        return int(limit) if limit.isdigit() else 0
    if limit.isdigit() and days > int(limit) > 0:
        host.annotate(
            "warning",
            f"Retention days cannot be greater than the maximum allowed retention set within the repository. Using {limit} instead.",
        )
        return int(limit)
    return days


def upload(host: ActionHost, wanted: Upload) -> None:
    """Keep files as an archive, and say so. Raises `ActionError`."""
    check_artifact_name(wanted.name)
    for path_in_artifact, _ in wanted.files:
        check_file_path(path_in_artifact)
    _keep(
        host,
        wanted.name,
        lambda run, attempt, job: host.artifacts.put(
            run,
            attempt,
            job,
            wanted.name,
            wanted.files,
            compression_level=wanted.compression_level,
            retention_days=wanted.retention_days,
            overwrite=wanted.overwrite,
            check=go_on_check(host),
        ),
    )


def upload_single(host: ActionHost, path: str, retention_days: int, *, overwrite: bool) -> None:
    """Keep one file as it is, under its own name. Raises `ActionError`."""
    name = os.path.basename(path)
    check_artifact_name(name)
    _keep(
        host,
        name,
        lambda run, attempt, job: host.artifacts.put_file(
            run,
            attempt,
            job,
            name,
            path,
            media_type=_guess_type(name),
            retention_days=retention_days,
            overwrite=overwrite,
            check=go_on_check(host),
        ),
    )


def _keep(host: ActionHost, name: str, put: Callable[[str, int, str], Artifact]) -> None:
    try:
        artifact = put(host.order.run, int(str(host.github.get("run_attempt") or "1")), host.order.leg.key)
    except NameTakenError as error:
        raise ActionError(
            "Failed to CreateArtifact: Received non-retryable error: Failed request: (409) Conflict: an artifact with this name "
            "already exists on the workflow run"
        ) from error
    except (OSError, ValueError, StoreError) as error:
        raise ActionError(f"Unable to upload the artifact '{name}': {error}") from error
    _report(host, artifact)


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

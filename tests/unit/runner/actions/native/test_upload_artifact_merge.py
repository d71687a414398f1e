"""actions/upload-artifact/merge, as its README describes it."""

import zipfile
from pathlib import Path
from typing import Any

import pytest

from homeport.runner.actions.native import upload_artifact, upload_artifact_merge
from homeport.runner.host import ActionError
from tests.support.action_host import FolderHost


@pytest.fixture
def host(tmp_path: Path) -> FolderHost:
    """A job of a run that has three artifacts: `one` and `two`, which both have `same.txt`, and `logs`."""
    job = FolderHost(tmp_path / "job")
    for name, files in {
        "one": ("a.txt", "same.txt"),
        "two": ("b.txt", "same.txt"),
        "logs": ("x.log", ".hidden"),
    }.items():
        folder = job.workspace / name
        folder.mkdir()
        for file in files:
            (folder / file).write_text(f"{file} of {name}")
        job.use(upload_artifact, name=name, path=name, include_hidden_files="true")
    job.lines.clear()
    job.uploads.clear()
    return job


def stored(host: FolderHost, name: str) -> dict[str, str]:
    (artifact,) = [artifact for artifact in host.artifacts.list("7") if artifact.name == name]
    with zipfile.ZipFile(host.artifacts.archive_path(artifact)) as archive:
        return {entry: archive.read(entry).decode() for entry in sorted(archive.namelist())}


def names(host: FolderHost) -> list[str]:
    return [artifact.name for artifact in host.artifacts.list("7")]


def leftovers(host: FolderHost) -> list[Any]:
    return list(Path(host.paths.temp).iterdir())


def test_all_artifacts_become_one(host: FolderHost) -> None:
    host.use(upload_artifact_merge)
    merged = stored(host, "merged-artifacts")
    assert list(merged) == ["a.txt", "b.txt", "same.txt", "x.log"]
    assert names(host) == ["logs", "merged-artifacts", "one", "two"]
    assert "The 3 artifact(s) have been successfully merged!" in host.lines
    assert set(host.outputs) == {"artifact-id", "artifact-url", "artifact-digest"}
    assert [upload[0] for upload in host.uploads] == ["merged-artifacts"]
    assert leftovers(host) == []


def test_names_are_chosen_by_a_pattern(host: FolderHost) -> None:
    host.use(upload_artifact_merge, pattern="{one,two}", name="both", compression_level="0", retention_days="1")
    assert list(stored(host, "both")) == ["a.txt", "b.txt", "same.txt"]


def test_each_may_have_a_folder_of_its_name(host: FolderHost) -> None:
    host.use(upload_artifact_merge, pattern="*o*", separate_directories="true", include_hidden_files="true")
    assert list(stored(host, "merged-artifacts")) == [
        "logs/.hidden",
        "logs/x.log",
        "one/a.txt",
        "one/same.txt",
        "two/b.txt",
        "two/same.txt",
    ]


def test_what_was_merged_may_go(host: FolderHost) -> None:
    host.use(upload_artifact_merge, pattern="[ot]*", delete_merged="true")
    assert names(host) == ["logs", "merged-artifacts"]
    assert host.lines[-1] == "The 2 artifact(s) have been deleted"


@pytest.mark.parametrize(("choice", "annotations"), [("warn", 1), ("ignore", 0)])
def test_nothing_to_merge_may_be_all_right(host: FolderHost, choice: str, annotations: int) -> None:
    host.use(upload_artifact_merge, pattern="none-*", if_no_files_found=choice)
    assert len(host.annotations) == annotations
    assert host.outputs == {}


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"pattern": "none-*"}, r"No artifacts were found with the provided pattern: none-\*\."),
        ({"if_no_files_found": "panic"}, "Unrecognized if-no-files-found input"),
        ({"name": "a/b"}, "The artifact name is not valid"),
        ({"name": "one"}, "409"),
        ({"compression_level": "10"}, "Invalid compression-level"),
        ({"retention_days": "x"}, "Invalid retention-days"),
        ({"delete_merged": "perhaps"}, "YAML 1.2"),
    ],
)
def test_what_cannot_be_merged_fails_and_deletes_nothing(
    host: FolderHost, inputs: dict[str, str], message: str
) -> None:
    with pytest.raises(ActionError, match=message):
        host.use(upload_artifact_merge, **{"delete_merged": "true", **inputs})
    assert names(host) == ["logs", "one", "two"]
    assert leftovers(host) == []


def test_a_damaged_artifact_is_not_merged(host: FolderHost) -> None:
    (artifact,) = [artifact for artifact in host.artifacts.list("7") if artifact.name == "one"]
    path = Path(host.artifacts.archive_path(artifact))
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(ActionError, match="'one' could not be unpacked"):
        host.use(upload_artifact_merge)
    assert names(host) == ["logs", "one", "two"]

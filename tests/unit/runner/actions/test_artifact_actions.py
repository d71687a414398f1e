"""actions/upload-artifact and actions/download-artifact, as their READMEs describe them."""

import os
import zipfile
from pathlib import Path
from typing import Any

import pytest

from homeport.runner.actions.native import download_artifact, upload_artifact
from homeport.runner.host import ActionError
from tests.support.action_host import FolderHost, NeverStops
from tests.support.plans import FixedClock


@pytest.fixture
def host(tmp_path: Path) -> FolderHost:
    return FolderHost(tmp_path / "job")


def write(host: FolderHost, *paths: str) -> None:
    for path in paths:
        file = host.workspace / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"content of {path}")


def stored(host: FolderHost, name: str = "artifact") -> list[str]:
    """The files of an artifact."""
    (artifact,) = [artifact for artifact in host.artifacts.list("7") if artifact.name == name]
    with zipfile.ZipFile(host.artifacts.archive_path(artifact)) as archive:
        return sorted(archive.namelist())


def tree(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def job(tmp_path: Path, name: str, **options: Any) -> FolderHost:
    """Another job of the same run."""
    return FolderHost(tmp_path / name, store=tmp_path / "job" / "store", **options)


# --- what is uploaded ------------------------------------------------------------------------------------------------


TREE = ("a/x.txt", "a/y.log", "a/deep/z.txt", "b/w.txt", "top.txt")


@pytest.mark.parametrize(
    ("path", "files"),
    [
        ("top.txt", ["top.txt"]),
        ("a/x.txt", ["x.txt"]),
        ("a", ["deep/z.txt", "x.txt", "y.log"]),
        ("a/", ["deep/z.txt", "x.txt", "y.log"]),
        ("./a/**", ["deep/z.txt", "x.txt", "y.log"]),
        ("a/*.txt", ["x.txt"]),
        ("**/*.txt", ["a/deep/z.txt", "a/x.txt", "b/w.txt", "top.txt"]),
        ("a/x.txt\nb/w.txt", ["a/x.txt", "b/w.txt"]),
        ("a\nb", ["a/deep/z.txt", "a/x.txt", "a/y.log", "b/w.txt"]),
        ("a\n!a/**/*.txt", ["y.log"]),
        ("a\n!a/deep", ["x.txt", "y.log"]),
        ("# a comment\n\n  a/y.log  ", ["y.log"]),
        ("a/[xy].*", ["x.txt", "y.log"]),
        ("a/?.log", ["y.log"]),
        ("a/x.txt\nmissing/file", ["a/x.txt"]),
    ],
)
def test_the_files_and_their_names_follow_the_search_paths(host: FolderHost, path: str, files: list[str]) -> None:
    write(host, *TREE)
    host.use(upload_artifact, path=path)
    assert stored(host) == files


def test_paths_outside_the_workspace_and_below_home_can_be_uploaded(host: FolderHost, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "f").write_text("x")
    (Path(host.paths.home) / ".cache").mkdir()
    (Path(host.paths.home) / ".cache" / "g").write_text("x")
    host.use(upload_artifact, name="one", path=str(tmp_path / "elsewhere"))
    host.use(upload_artifact, name="two", path="~/.cache/g", include_hidden_files="true")
    assert stored(host, "one") == ["f"]
    assert stored(host, "two") == ["g"]


def test_hidden_files_are_left_out_unless_asked_for(host: FolderHost) -> None:
    write(host, "d/.env", "d/.git/config", "d/seen", ".coverage")
    host.use(upload_artifact, path="d")
    assert stored(host) == ["seen"]
    host.use(upload_artifact, name="all", path="d\n.coverage", include_hidden_files="true")
    assert stored(host, "all") == [".coverage", "d/.env", "d/.git/config", "d/seen"]
    host.use(upload_artifact, name="none", path=".coverage")
    assert host.annotations[-1][0] == "warning"


def test_links_are_followed_and_broken_ones_left_out(host: FolderHost) -> None:
    write(host, "real/f")
    (host.workspace / "d").mkdir()
    (host.workspace / "d" / "file").symlink_to("../real/f")
    (host.workspace / "d" / "folder").symlink_to("../real")
    (host.workspace / "d" / "broken").symlink_to("nowhere")
    (host.workspace / "d" / "circle").symlink_to(".")
    host.use(upload_artifact, path="d")
    assert [name for name in stored(host) if "circle" not in name] == ["file", "folder/f"]


def test_outputs_and_messages_are_those_of_the_original(host: FolderHost) -> None:
    write(host, "a")
    host.use(upload_artifact, name="dist", path="a")
    (artifact,) = host.artifacts.list("7")
    assert host.outputs == {
        "artifact-id": artifact.id,
        "artifact-digest": artifact.digest.removeprefix("sha256:"),
        "artifact-url": f"https://github.com/octo/repo/actions/runs/7/artifacts/{artifact.id}",
    }
    assert "With the provided path, there will be 1 file uploaded" in host.lines
    assert (
        f"Artifact dist has been successfully uploaded! Final size is {artifact.size} bytes. Artifact ID is {artifact.id}"
        in host.lines
    )
    assert host.uploads == [("dist", artifact.id, artifact.size, artifact.digest)]


NO_FILES = "No files were found with the provided path: nothing/*. No artifacts will be uploaded."


def test_no_files_are_a_warning_by_default(host: FolderHost) -> None:
    host.use(upload_artifact, path="nothing/*")
    assert host.annotations == [("warning", NO_FILES)]
    assert host.outputs == {}


def test_no_files_can_be_an_error_or_nothing(host: FolderHost) -> None:
    with pytest.raises(ActionError, match="No files were found"):
        host.use(upload_artifact, path="nothing/*", if_no_files_found="error")
    host.use(upload_artifact, path="nothing/*", if_no_files_found="ignore")
    assert host.annotations == []
    assert NO_FILES in host.lines


def test_empty_folders_count_as_no_files(host: FolderHost) -> None:
    (host.workspace / "empty").mkdir()
    host.use(upload_artifact, path="empty")
    assert [severity for severity, _ in host.annotations] == ["warning"]


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"path": ""}, "Input required and not supplied: path"),
        ({"path": "a", "if_no_files_found": "maybe"}, "Unrecognized if-no-files-found input. Provided: maybe"),
        ({"path": "a", "retention_days": "soon"}, "Invalid retention-days"),
        ({"path": "a", "compression_level": "best"}, "Invalid compression-level"),
        ({"path": "a", "compression_level": "10"}, "Valid values are 0-9"),
        ({"path": "a", "overwrite": "yes"}, "Core Schema"),
        ({"path": "a", "name": "a/b"}, "Forward slash"),
        ({"path": "a", "name": "a:b"}, "Colon"),
        ({"path": "a", "name": ""}, "empty"),
    ],
)
def test_wrong_inputs_fail_with_the_originals_words(host: FolderHost, inputs: dict[str, str], message: str) -> None:
    write(host, "a")
    with pytest.raises(ActionError, match=message):
        host.use(upload_artifact, **inputs)
    assert list(host.artifacts.list("7")) == []


def test_a_file_whose_name_some_system_refuses_fails_the_upload(host: FolderHost) -> None:
    write(host, "d/what?", "d/fine")
    with pytest.raises(ActionError, match="Question mark"):
        host.use(upload_artifact, path="d")


def test_a_name_is_taken_once_unless_overwritten(host: FolderHost) -> None:
    write(host, "a", "b")
    first = host.use(upload_artifact, path="a").outputs["artifact-id"]
    with pytest.raises(ActionError, match="409"):
        host.use(upload_artifact, path="b")
    second = host.use(upload_artifact, path="b", overwrite="true").outputs["artifact-id"]
    assert int(second) > int(first)
    assert stored(host) == ["b"]


def test_retention_is_kept_and_limited(host: FolderHost) -> None:
    write(host, "a")
    host.use(upload_artifact, name="short", path="a", retention_days="5")
    host.use(upload_artifact, name="long", path="a", retention_days="400")
    days = {
        artifact.name: (artifact.expires_at - artifact.created_at).days
        for artifact in host.artifacts.list("7")
        if artifact.expires_at is not None
    }
    assert days == {"short": 5, "long": 90}
    assert "Retention days cannot be greater" in host.annotations[0][1]


def test_a_single_file_can_be_kept_unzipped_under_its_own_name(host: FolderHost, tmp_path: Path) -> None:
    write(host, "out/report.html", "out/other")
    host.use(upload_artifact, name="ignored", path="out/report.html", archive="false")
    (artifact,) = host.artifacts.list("7")
    assert artifact.name == "report.html"
    assert Path(host.artifacts.archive_path(artifact)).read_text() == "content of out/report.html"
    other = job(tmp_path, "other").use(download_artifact, name="report.html")
    assert (other.workspace / "report.html").read_text() == "content of out/report.html"
    with pytest.raises(ActionError, match="only a single file"):
        host.use(upload_artifact, path="out", archive="false")
    older = job(tmp_path, "older", github={"action_ref": "v6"})
    write(older, "f")
    older.use(upload_artifact, path="f", archive="false")
    assert stored(older) == ["f"]


class Stopped(NeverStops):
    """A job that is to end."""

    reason = "cancelled"  # type: ignore[assignment]


def test_an_upload_ends_with_its_job_and_leaves_nothing(host: FolderHost) -> None:
    write(host, "a")
    host.stop = Stopped()
    with pytest.raises(ActionError, match="canceled"):
        host.use(upload_artifact, path="a")
    assert list(host.artifacts.list("7")) == []


# --- what is downloaded ----------------------------------------------------------------------------------------------


@pytest.fixture
def filled(host: FolderHost) -> FolderHost:
    """A run with the artifacts `dist`, `log-1`, `log-2`."""
    write(host, "d/a.txt", "d/deep/b.txt", "l1/one", "l2/two")
    host.use(upload_artifact, name="dist", path="d")
    host.use(upload_artifact, name="log-1", path="l1")
    host.use(upload_artifact, name="log-2", path="l2")
    return host


@pytest.mark.parametrize(
    ("inputs", "files"),
    [
        ({"name": "dist"}, ["a.txt", "deep/b.txt"]),
        ({"name": "dist", "path": "sub/dir"}, ["sub/dir/a.txt", "sub/dir/deep/b.txt"]),
        ({}, ["dist/a.txt", "dist/deep/b.txt", "log-1/one", "log-2/two"]),
        ({"pattern": "log-*"}, ["log-1/one", "log-2/two"]),
        ({"pattern": "log-{1,3}"}, ["one"]),
        ({"pattern": "!log-*"}, ["a.txt", "deep/b.txt"]),
        ({"pattern": "log-?", "merge_multiple": "true", "path": "logs"}, ["logs/one", "logs/two"]),
        ({"pattern": "none-*"}, []),
    ],
)
def test_what_is_downloaded_and_where_it_goes(
    filled: FolderHost, tmp_path: Path, inputs: dict[str, str], files: list[str]
) -> None:
    other = job(tmp_path, "other").use(download_artifact, **inputs)
    assert tree(other.workspace) == files
    assert other.outputs == {"download-path": os.path.normpath(str(other.workspace / inputs.get("path", "")))}


def test_home_is_expanded(filled: FolderHost, tmp_path: Path) -> None:
    other = job(tmp_path, "other").use(download_artifact, name="log-1", path="~/logs")
    assert (Path(other.paths.home) / "logs" / "one").exists()


def test_artifacts_are_found_by_id(filled: FolderHost, tmp_path: Path) -> None:
    ids = {artifact.name: artifact.id for artifact in filled.artifacts.list("7")}
    one = job(tmp_path, "one").use(download_artifact, artifact_ids=ids["log-1"])
    assert tree(one.workspace) == ["one"]
    two = job(tmp_path, "two").use(download_artifact, artifact_ids=f"{ids['log-1']}, {ids['log-2']}, 999")
    assert tree(two.workspace) == ["log-1/one", "log-2/two"]
    assert two.annotations == [("warning", "Could not find the following artifact IDs: 999")]
    old = job(tmp_path, "old", github={"action_ref": "v4"}).use(download_artifact, artifact_ids=ids["log-1"])
    assert tree(old.workspace) == ["log-1/one"]


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"name": "nope"}, r"Artifact not found for name: nope \(this run has: dist, log-1, log-2\)"),
        ({"artifact_ids": "999"}, "None of the provided artifact IDs were found"),
        ({"artifact_ids": "abc"}, "Invalid artifact ID: 'abc'. Must be a number."),
        ({"artifact_ids": " , "}, "No valid artifact IDs"),
        ({"name": "dist", "artifact_ids": "1"}, "cannot be used together"),
        ({"repository": "other/repo"}, "another repository"),
        ({"run_id": "../../x"}, "Invalid run-id"),
        ({"name": "dist", "run_id": "12345"}, "this run has no artifacts"),
        ({"merge_multiple": "yes"}, "Core Schema"),
        ({"digest_mismatch": "panic"}, "Invalid value for 'digest-mismatch'"),
    ],
)
def test_what_cannot_be_downloaded_fails_with_the_reason(
    filled: FolderHost, tmp_path: Path, inputs: dict[str, str], message: str
) -> None:
    with pytest.raises(ActionError, match=message) as caught:
        job(tmp_path, "other").use(download_artifact, **inputs)
    assert str(caught.value).startswith("Unable to download artifact(s): ")


def test_the_same_repository_in_other_letters_and_another_run_of_it_are_fine(
    filled: FolderHost, tmp_path: Path
) -> None:
    later = job(tmp_path, "later", github={"run_id": "8"})
    later.use(download_artifact, name="dist", run_id="7", repository="Octo/Repo", github_token="t")
    assert tree(later.workspace) == ["a.txt", "deep/b.txt"]


def test_the_newest_attempt_supersedes(filled: FolderHost, tmp_path: Path) -> None:
    again = job(tmp_path, "again", github={"run_attempt": "2"})
    write(again, "new")
    again.use(upload_artifact, name="dist", path="new")
    other = job(tmp_path, "other", github={"run_attempt": "2"}).use(download_artifact)
    assert tree(other.workspace) == ["dist/new", "log-1/one", "log-2/two"]


def test_permissions_are_those_of_github(host: FolderHost, tmp_path: Path) -> None:
    write(host, "run.sh")
    (host.workspace / "run.sh").chmod(0o755)
    host.use(upload_artifact, path="run.sh")
    other = job(tmp_path, "other").use(download_artifact, name="artifact")
    assert (other.workspace / "run.sh").stat().st_mode & 0o777 == 0o644


def test_the_archive_itself_can_be_had(filled: FolderHost, tmp_path: Path) -> None:
    other = job(tmp_path, "other").use(download_artifact, name="dist", skip_decompress="true")
    with zipfile.ZipFile(other.workspace / "dist.zip") as archive:
        assert sorted(archive.namelist()) == ["a.txt", "deep/b.txt"]


def replace(host: FolderHost) -> None:
    """Another archive, sound in itself, stands where the artifact was."""
    (artifact,) = [artifact for artifact in host.artifacts.list("7") if artifact.name == "log-1"]
    with zipfile.ZipFile(host.artifacts.archive_path(artifact), "w") as archive:
        archive.writestr("other.txt", "something else")


def test_a_replaced_artifact_fails_the_download_since_v8_and_warns_before(filled: FolderHost, tmp_path: Path) -> None:
    replace(filled)
    with pytest.raises(ActionError, match="digest validation failed"):
        job(tmp_path, "new", github={"action_ref": "v8.0.1"}).use(download_artifact, name="log-1")
    old = job(tmp_path, "old", github={"action_ref": "v4"}).use(download_artifact, name="log-1")
    assert [severity for severity, _ in old.annotations] == ["warning"]
    assert (old.workspace / "other.txt").exists()
    quiet = job(tmp_path, "quiet").use(download_artifact, name="log-1", digest_mismatch="ignore")
    assert quiet.annotations == []


def test_an_archive_that_cannot_be_read_fails_whatever_is_said_of_digests(filled: FolderHost, tmp_path: Path) -> None:
    (artifact,) = [artifact for artifact in filled.artifacts.list("7") if artifact.name == "log-1"]
    path = Path(filled.artifacts.archive_path(artifact))
    data = bytearray(path.read_bytes())
    data[34] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(ActionError, match="could not be unpacked"):
        job(tmp_path, "quiet").use(download_artifact, name="log-1", digest_mismatch="ignore")


def test_a_malicious_artifact_writes_nothing_outside(host: FolderHost, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as archive:
        archive.writestr("../../evil", "x")
    host.artifacts.put_file("7", 1, "build", "evil", str(tmp_path / "evil.zip"))
    with pytest.raises(ActionError, match="outside"):
        job(tmp_path, "other").use(download_artifact, name="evil")
    assert not list(tmp_path.rglob("evil"))


@pytest.mark.parametrize("name", ["..", "../x"])
def test_an_artifact_whose_name_leads_elsewhere_is_refused(host: FolderHost, tmp_path: Path, name: str) -> None:
    """The native upload refuses such names; another client may not."""
    (tmp_path / "f").write_text("x")
    host.artifacts.put("7", 1, "build", name, [("f", str(tmp_path / "f"))])
    with pytest.raises(ActionError, match="name"):
        job(tmp_path, "other", github={"action_ref": "v4"}).use(download_artifact)


def test_an_expired_artifact_is_not_found(tmp_path: Path) -> None:
    clock = FixedClock()
    host = FolderHost(tmp_path / "job", clock=clock)
    write(host, "a")
    host.use(upload_artifact, path="a", retention_days="1")
    clock.advance(90_000)
    with pytest.raises(ActionError, match="this run has no artifacts"):
        host.use(download_artifact, name="artifact")

"""Native actions never write through a link that leads out of the job's folders."""

from collections.abc import Callable
from pathlib import Path

import pytest

from homeport.runner.actions.native import cache, download_artifact, upload_artifact
from homeport.runner.host import ActionError
from tests.support.action_host import FolderHost


@pytest.fixture
def host(tmp_path: Path) -> FolderHost:
    job = FolderHost(tmp_path / "job")
    (job.workspace / "made").mkdir()
    (job.workspace / "made" / "file").write_text("from the store")
    job.use(upload_artifact, path="made")
    job.use(cache, path="made", key="k")
    cache.post(job)
    return job


def link(host: FolderHost, outside: Path) -> None:
    """What a job could do to get something written elsewhere."""
    outside.mkdir()
    for file in (host.workspace / "made").iterdir():
        file.unlink()
    (host.workspace / "made").rmdir()
    (host.workspace / "made").symlink_to(outside)


@pytest.mark.parametrize("path", ["made", "made/deeper"])
def test_a_download_follows_no_link_out(host: FolderHost, tmp_path: Path, path: str) -> None:
    link(host, tmp_path / "outside")
    with pytest.raises(ActionError, match="a link that leads out of the job's folders"):
        host.use(download_artifact, name="artifact", path=path)
    assert list((tmp_path / "outside").iterdir()) == []


def test_a_restore_follows_no_link_out(host: FolderHost, tmp_path: Path) -> None:
    link(host, tmp_path / "outside")
    with pytest.raises(ActionError, match="a link that leads out of the job's folders"):
        host.use(cache, path="made", key="k")
    assert list((tmp_path / "outside").iterdir()) == []


def test_a_link_that_stays_inside_is_followed(host: FolderHost) -> None:
    inside = Path(host.paths.temp) / "inside"
    link(host, inside)
    host.use(download_artifact, name="artifact", path="made")
    assert (inside / "file").read_text() == "from the store"


def test_a_folder_elsewhere_that_was_named_is_written_to(host: FolderHost, tmp_path: Path) -> None:
    host.use(download_artifact, name="artifact", path=str(tmp_path / "elsewhere"))
    assert (tmp_path / "elsewhere" / "file").exists()


class _Cancelled:
    """A `StopSignal` after the cancellation."""

    reason = "cancelled"
    forced = False

    def fileno(self) -> int:
        raise AssertionError("nobody waits here")


@pytest.mark.parametrize(
    "use",
    [
        lambda host: host.use(download_artifact, name="artifact", path="out"),
        lambda host: host.use(upload_artifact, path="made", name="other"),
    ],
)
def test_what_takes_long_ends_with_its_step(host: FolderHost, use: Callable[[FolderHost], object]) -> None:
    host.stop = _Cancelled()  # type: ignore[assignment]
    with pytest.raises(ActionError, match=r"The operation was canceled\."):
        use(host)

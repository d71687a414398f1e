"""Tar streams: `tar` reads what Homeport writes, Homeport reads what `tar` and Python write, and nothing escapes."""

import contextlib
import io
import os
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homeport.archive.compression import compressing, expanding, find_program
from homeport.archive.destination import CorruptArchiveError, UnsafeArchiveError
from homeport.archive.tar_reader import extract_tar
from homeport.archive.tar_writer import write_tar
from tests.support.parts import require_program

ZSTD = find_program("zstd", os.environ["PATH"])
METHODS = [pytest.param(None, id="gzip"), pytest.param(ZSTD, id="zstd")]
LONG = "a-very-long-name-of-a-folder-" * 4
EPOCH = 1_700_000_000


def reader(data: bytes, step: int = 1 << 20) -> Callable[[int], bytes]:
    stream = io.BytesIO(data)
    return lambda size: stream.read(min(size, step))


@contextlib.contextmanager
def compressed(path: Path, zstd: str | None) -> Iterator[Callable[[bytes], None]]:
    with path.open("wb") as target, compressing(target.fileno(), zstd) as write:
        yield write


def make_tree(root: Path) -> None:
    (root / "sub" / LONG).mkdir(parents=True)
    (root / "empty").mkdir()
    (root / "a.txt").write_text("hello")
    (root / "run.sh").write_text("#!/bin/sh\n")
    (root / "run.sh").chmod(0o755)
    (root / "sub" / LONG / ("n" * 120)).write_bytes(os.urandom(3000))
    (root / "large").write_bytes(os.urandom(3 << 20))
    (root / "link").symlink_to("a.txt")
    (root / "dangling").symlink_to("/nowhere/" + LONG)
    os.link(root / "a.txt", root / "twin.txt")
    (root / "ünï☃").write_text("unicode")
    for path in root.rglob("*"):
        os.utime(path, (EPOCH, EPOCH), follow_symlinks=False)
    os.mkfifo(root / "pipe")


def describe(root: Path) -> dict[str, tuple[object, ...]]:
    found: dict[str, tuple[object, ...]] = {}
    for path in sorted(root.rglob("*")):
        name, status = str(path.relative_to(root)), path.lstat()
        if path.is_symlink():
            found[name] = ("link", os.readlink(path))
        elif path.is_dir():
            found[name] = ("folder", status.st_mode & 0o777, int(status.st_mtime))
        elif path.is_file():
            found[name] = ("file", status.st_mode & 0o777, int(status.st_mtime), path.read_bytes())
    return found


def packed(folder: Path, paths: list[Path]) -> bytes:
    parts: list[bytes] = []
    write_tar(lambda data: parts.append(bytes(data)), str(folder), [str(path) for path in paths])
    return b"".join(parts)


@pytest.mark.parametrize("step", [1, 511, 1 << 20])
def test_a_tree_comes_back_as_it_was(tmp_path: Path, step: int) -> None:
    make_tree(tmp_path / "in")
    data = packed(tmp_path / "in", [tmp_path / "in"])
    out = tmp_path / "out"
    out.mkdir()
    extract_tar(reader(data, step if step > 1 else 4097), str(out), [str(out)])
    assert describe(out) == describe(tmp_path / "in")
    assert (out / "a.txt").stat().st_ino == (out / "twin.txt").stat().st_ino


def test_the_tar_program_reads_what_was_written(tmp_path: Path) -> None:
    make_tree(tmp_path / "in")
    (tmp_path / "out").mkdir()
    data = packed(tmp_path / "in", [tmp_path / "in"])
    subprocess.run(["tar", "-xf", "-", "-C", str(tmp_path / "out")], input=data, check=True)
    assert describe(tmp_path / "out") == describe(tmp_path / "in")


@pytest.mark.parametrize("form", ["posix", "gnu"])
def test_what_the_tar_program_wrote_is_read(tmp_path: Path, form: str) -> None:
    make_tree(tmp_path / "in")
    out = tmp_path / "out"
    out.mkdir()
    (tmp_path / "in" / "pipe").unlink()
    done = subprocess.run(
        ["tar", f"--format={form}", "-cf", "-", "-C", str(tmp_path / "in"), "."], capture_output=True, check=True
    )
    extract_tar(reader(done.stdout), str(out), [str(out)])
    assert describe(out) == describe(tmp_path / "in")


@pytest.mark.parametrize("zstd", METHODS)
def test_a_compressed_stream_comes_back(tmp_path: Path, zstd: str | None) -> None:
    data = os.urandom(5 << 20) + b"text " * 100_000
    with compressed(tmp_path / "a", zstd) as write:
        for start in range(0, len(data), 700_001):
            write(data[start : start + 700_001])
    parts: list[bytes] = []
    with expanding(str(tmp_path / "a"), ZSTD) as read:
        while block := read(1 << 16):
            parts.append(bytes(block))
    assert b"".join(parts) == data


INTERRUPTED = """
import os, signal, sys
from homeport.archive.compression import compressing
signal.signal(signal.SIGINT, lambda *_: None)
with open(sys.argv[1], "wb") as file, compressing(file.fileno(), sys.argv[2]) as write:
    write(os.urandom(1 << 20))
    os.killpg(0, signal.SIGINT)
    write(b"the end")
"""


def test_an_interrupt_from_the_terminal_cuts_no_archive(tmp_path: Path) -> None:
    zstd, path = require_program("zstd"), tmp_path / "packed"
    subprocess.run([sys.executable, "-c", INTERRUPTED, str(path), zstd], check=True, start_new_session=True)
    with expanding(str(path), zstd) as read:
        content = b"".join(iter(lambda: bytes(read(1 << 20)), b""))
    assert content.endswith(b"the end")


@pytest.mark.parametrize("zstd", METHODS)
@pytest.mark.parametrize("keep", [0.1, 0.9, 0.999])
def test_a_cut_stream_is_corrupt(tmp_path: Path, zstd: str | None, keep: float) -> None:
    with compressed(tmp_path / "a", zstd) as write:
        write(os.urandom(300_000))
    data = (tmp_path / "a").read_bytes()
    (tmp_path / "a").write_bytes(data[: int(len(data) * keep)])
    with pytest.raises(CorruptArchiveError), expanding(str(tmp_path / "a"), ZSTD) as read:
        list(iter(lambda: read(1 << 20), b""))


@pytest.mark.parametrize("zstd", METHODS)
def test_damage_after_what_was_read_is_found_at_the_end(tmp_path: Path, zstd: str | None) -> None:
    with compressed(tmp_path / "a", zstd) as write:
        write(os.urandom(3 << 20))
    data = bytearray((tmp_path / "a").read_bytes())
    data[-20] ^= 0xFF
    (tmp_path / "a").write_bytes(data)
    with pytest.raises(CorruptArchiveError), expanding(str(tmp_path / "a"), ZSTD) as read:
        read(100)


def test_zstd_is_needed_where_it_was_used(tmp_path: Path) -> None:
    with compressed(tmp_path / "a", ZSTD) as write:
        write(b"x")
    with pytest.raises(OSError, match="zstd"), expanding(str(tmp_path / "a"), None):
        pass


def test_what_is_no_compressed_file_is_corrupt(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"plain")
    with pytest.raises(CorruptArchiveError, match="compressed"), expanding(str(tmp_path / "a"), ZSTD):
        pass


def tar_of(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for info, data in members:
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return stream.getvalue()


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mode = kind, link, 0o644
    return info


@pytest.mark.parametrize("name", ["../evil", "/evil", "a/../../evil"])
def test_names_outside_the_roots_are_refused(tmp_path: Path, name: str) -> None:
    out = tmp_path / "out"
    out.mkdir()
    with pytest.raises(UnsafeArchiveError, match="outside"):
        extract_tar(reader(tar_of((member(name), b"evil"))), str(out), [str(out)])
    assert not (tmp_path / "evil").exists()


def test_names_below_another_root_are_accepted(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    data = tar_of((member("../home/.cache/x"), b"kept"))
    extract_tar(reader(data), str(tmp_path / "work"), [str(tmp_path / "home" / ".cache")])
    assert (tmp_path / "home" / ".cache" / "x").read_bytes() == b"kept"


def test_a_link_is_made_but_never_written_through(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    out = tmp_path / "out"
    out.mkdir()
    data = tar_of((member("door", tarfile.SYMTYPE, str(tmp_path / "outside")), b""), (member("door/evil"), b"x"))
    with pytest.raises(UnsafeArchiveError, match="through a link"):
        extract_tar(reader(data), str(out), [str(out)])
    assert list((tmp_path / "outside").iterdir()) == []


def test_a_file_in_place_of_a_link_replaces_the_link(tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("precious")
    out = tmp_path / "out"
    out.mkdir()
    data = tar_of((member("door", tarfile.SYMTYPE, str(tmp_path / "outside")), b""), (member("door"), b"x"))
    extract_tar(reader(data), str(out), [str(out)])
    assert (tmp_path / "outside").read_text() == "precious"
    assert (out / "door").read_bytes() == b"x"


@pytest.mark.parametrize("target", ["../outside", "/etc/passwd"])
def test_a_hard_link_to_the_outside_is_refused(tmp_path: Path, target: str) -> None:
    (tmp_path / "outside").write_text("precious")
    out = tmp_path / "out"
    out.mkdir()
    with pytest.raises(UnsafeArchiveError):
        extract_tar(reader(tar_of((member("a", tarfile.LNKTYPE, target), b""))), str(out), [str(out)])


def test_a_hard_link_to_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("precious")
    out = tmp_path / "out"
    out.mkdir()
    data = tar_of(
        (member("door", tarfile.SYMTYPE, str(tmp_path / "outside")), b""),
        (member("twin", tarfile.LNKTYPE, "door"), b""),
    )
    with pytest.raises(UnsafeArchiveError, match="hard link"):
        extract_tar(reader(data), str(out), [str(out)])


@pytest.mark.parametrize("kind", [tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_devices_and_pipes_are_refused(tmp_path: Path, kind: bytes) -> None:
    with pytest.raises(UnsafeArchiveError, match="neither"):
        extract_tar(reader(tar_of((member("dev", kind), b""))), str(tmp_path), [str(tmp_path)])


def test_set_id_bits_are_dropped(tmp_path: Path) -> None:
    info = member("tool")
    info.mode = 0o6755
    extract_tar(reader(tar_of((info, b"x"))), str(tmp_path), [str(tmp_path)])
    assert (tmp_path / "tool").stat().st_mode & 0o7777 == 0o755


def test_a_claim_of_more_than_the_disk_holds_is_refused(tmp_path: Path) -> None:
    info = member("huge")
    info.size = 1 << 60
    header = info.tobuf(tarfile.GNU_FORMAT)
    with pytest.raises(UnsafeArchiveError, match="free on the disk"):
        extract_tar(reader(header + b"x" * 512), str(tmp_path), [str(tmp_path)])


def test_a_stream_without_an_end_is_corrupt(tmp_path: Path) -> None:
    data = tar_of((member("a"), b"x" * 2000))
    with pytest.raises(CorruptArchiveError, match="cut off"):
        extract_tar(reader(data[:1024]), str(tmp_path), [str(tmp_path)])
    with pytest.raises(CorruptArchiveError, match="cut off"):
        extract_tar(reader(data[:2560]), str(tmp_path), [str(tmp_path)])


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(st.text("ab./☃ ", min_size=1, max_size=150), st.binary(max_size=700)), max_size=4),
    st.sampled_from([tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT]),
    st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 255)), max_size=5),
    st.integers(0, 3000),
)
def test_no_damage_crashes_or_escapes(
    tmp_path_factory: pytest.TempPathFactory,
    contents: list[tuple[str, bytes]],
    form: int,
    damage: list[tuple[int, int]],
    keep: int,
) -> None:
    folder = tmp_path_factory.mktemp("fuzz")
    (folder / "out").mkdir()
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=form) as archive:
        for name, content in contents:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            try:
                archive.addfile(info, io.BytesIO(content))
            except (ValueError, UnicodeError):  # the older form has no room for the name
                continue
    data = bytearray(stream.getvalue())
    for place, value in damage:
        data[place % len(data)] = value
    with contextlib.suppress(ValueError, OSError):
        extract_tar(reader(bytes(data[: max(keep, 512)])), str(folder / "out"), [str(folder / "out")])
    assert {path.name for path in folder.iterdir()} == {"out"}

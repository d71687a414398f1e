"""Zip files: what Homeport writes others can read, what others write it reads, and what is malicious it refuses."""

import contextlib
import hashlib
import os
import struct
import zipfile
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homeport.archive import zip_writer
from homeport.archive.destination import CorruptArchiveError, UnsafeArchiveError
from homeport.archive.following_digest import FollowingDigest
from homeport.archive.zip_reader import extract_zip, list_zip
from homeport.archive.zip_writer import write_zip
from homeport.ports.checks import go_on


def pack(path: Path, files: dict[str, Path], level: int = 6) -> tuple[int, str]:
    with path.open("wb+") as target:
        packed = write_zip(target.fileno(), [(name, str(file)) for name, file in files.items()], level)
    return packed.size, packed.digest


def build(path: Path, contents: dict[str, bytes], level: int = 6) -> tuple[int, str]:
    files = {}
    folder = path.parent / f"{path.stem}-sources"
    folder.mkdir()
    for number, (name, data) in enumerate(contents.items()):
        files[name] = folder / str(number)
        files[name].write_bytes(data)
    return pack(path, files, level)


def read_tree(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


LARGE_TEXT = b"the same line again\n" * 400_000
LARGE_NOISE = os.urandom(6 << 20)
CONTENTS = {
    "a.txt": b"hello",
    "empty": b"",
    "deep/er/naïve ☃.bin": bytes(range(256)) * 50,
    "large.log": LARGE_TEXT,
    "large.bin": LARGE_NOISE,
}


@pytest.mark.parametrize("level", [0, 1, 6, 9])
def test_python_reads_what_was_written(tmp_path: Path, level: int) -> None:
    build(tmp_path / "a.zip", CONTENTS, level)
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == CONTENTS


def test_size_and_digest_are_those_of_the_file(tmp_path: Path) -> None:
    size, digest = build(tmp_path / "a.zip", CONTENTS)
    data = (tmp_path / "a.zip").read_bytes()
    assert (size, digest) == (len(data), hashlib.sha256(data).hexdigest())


def test_noise_is_stored_and_text_is_shrunk(tmp_path: Path) -> None:
    build(tmp_path / "a.zip", CONTENTS)
    packed = {entry.name: entry.packed_size for entry in list_zip(str(tmp_path / "a.zip"))}
    assert packed["large.bin"] == len(LARGE_NOISE)
    assert packed["large.log"] < len(LARGE_TEXT) / 50


def test_what_was_written_comes_back(tmp_path: Path) -> None:
    build(tmp_path / "a.zip", CONTENTS)
    files, total = extract_zip(str(tmp_path / "a.zip"), str(tmp_path / "out"))
    assert (files, total) == (len(CONTENTS), sum(map(len, CONTENTS.values())))
    assert read_tree(tmp_path / "out") == CONTENTS


def test_more_than_65535_entries_need_and_get_the_large_form(tmp_path: Path) -> None:
    source = tmp_path / "one"
    source.write_bytes(b"x")
    pack(tmp_path / "a.zip", {f"f{number}": source for number in range(66_000)}, 0)
    assert len(list_zip(str(tmp_path / "a.zip"))) == 66_000
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert len(archive.namelist()) == 66_000


def test_numbers_beyond_four_gigabytes_are_written_in_the_large_form(tmp_path: Path) -> None:
    """The directory of an archive of 5 GiB, without its data."""
    large, moment = (4 << 30) + 5, (0, 33)
    entries = [
        zip_writer._Entry(b"large", 0x800, 0, moment, 7, large, large, 0),
        zip_writer._Entry(b"behind", 0x800, 0, moment, 7, 3, 3, large + 40),
    ]
    with (tmp_path / "a.zip").open("wb+") as target, FollowingDigest(target.fileno()) as digest:
        output = zip_writer._Output(target.fileno(), digest, go_on)
        output.position = 5 << 30
        with pytest.raises(RuntimeError, match="hashing 5 GiB is not needed"):  # noqa: PT012
            zip_writer._write_directory(output, entries)
            raise RuntimeError("hashing 5 GiB is not needed")
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert [(i.file_size, i.compress_size, i.header_offset) for i in archive.infolist()] == [
            (large, large, 0),
            (3, 3, large + 40),
        ]
    assert [(e.size, e.offset) for e in list_zip(str(tmp_path / "a.zip"))] == [(large, 0), (3, large + 40)]


def test_the_large_form_of_others_is_read(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive, archive.open("a", "w", force_zip64=True) as entry:
        entry.write(b"hello")
    extract_zip(str(tmp_path / "a.zip"), str(tmp_path / "out"))
    assert read_tree(tmp_path / "out") == {"a": b"hello"}


def test_files_that_are_there_are_replaced_and_never_written_through(tmp_path: Path) -> None:
    build(tmp_path / "a.zip", {"a": b"new"})
    outside = tmp_path / "outside"
    outside.write_bytes(b"precious")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a").symlink_to(outside)
    extract_zip(str(tmp_path / "a.zip"), str(tmp_path / "out"))
    assert outside.read_bytes() == b"precious"
    assert (tmp_path / "out" / "a").read_bytes() == b"new"


def test_a_folder_that_is_a_link_to_elsewhere_is_not_followed(tmp_path: Path) -> None:
    build(tmp_path / "a.zip", {"sub/a": b"new"})
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "sub").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UnsafeArchiveError, match="through a link"):
        extract_zip(str(tmp_path / "a.zip"), str(tmp_path / "out"))
    assert list((tmp_path / "elsewhere").iterdir()) == []


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "a/../../evil", "..\\evil", "C:\\evil", "a/..", "\0"])
def test_names_that_leave_the_folder_are_refused_before_anything_is_written(tmp_path: Path, name: str) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("innocent", b"x")
        entry = zipfile.ZipInfo("placeholder")
        entry.filename = name
        archive.writestr(entry, b"evil")
    with pytest.raises(ValueError, match="archive"):
        extract_zip(str(tmp_path / "a.zip"), str(tmp_path / "out"))
    assert not (tmp_path / "evil").exists()
    assert read_tree(tmp_path / "out") in ({}, {"innocent": b"x"})


def test_links_are_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        entry = zipfile.ZipInfo("link")
        entry.create_system = 3
        entry.external_attr = 0o120777 << 16
        archive.writestr(entry, "/etc/passwd")
    with pytest.raises(UnsafeArchiveError, match="symbolic link"):
        extract_zip(str(tmp_path / "a.zip"), str(tmp_path / "out"))


def test_an_entry_larger_than_it_says_is_stopped(tmp_path: Path) -> None:
    build(tmp_path / "a.zip", {"bomb": LARGE_TEXT})
    data = bytearray((tmp_path / "a.zip").read_bytes())
    central = data.rindex(b"PK\x01\x02")
    struct.pack_into("<I", data, central + 24, 1000)
    (tmp_path / "a.zip").write_bytes(data)
    with pytest.raises(UnsafeArchiveError, match="larger than"):
        extract_zip(str(tmp_path / "a.zip"), str(tmp_path / "out"))
    assert read_tree(tmp_path / "out") == {}


def test_entries_that_share_their_bytes_are_refused(tmp_path: Path) -> None:
    """The overlapping kind of bomb (David Fifield, "A better zip bomb"): many entries, one kernel of data."""
    build(tmp_path / "a.zip", {"first": b"kernel" * 100, "other": b"x"})
    data = bytearray((tmp_path / "a.zip").read_bytes())
    second = data.rindex(b"PK\x01\x02")
    struct.pack_into("<I", data, second + 42, 0)
    (tmp_path / "a.zip").write_bytes(data)
    with pytest.raises(UnsafeArchiveError, match="share"):
        extract_zip(str(tmp_path / "a.zip"), str(tmp_path / "out"))


def test_what_cannot_fit_on_the_disk_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    build(tmp_path / "a.zip", {"a": LARGE_TEXT})
    data = bytearray((tmp_path / "a.zip").read_bytes())
    central = data.rindex(b"PK\x01\x02")
    name_length = struct.unpack_from("<H", data, central + 28)[0]
    struct.pack_into("<I", data, central + 24, 0xFFFFFFFF)
    struct.pack_into("<H", data, central + 30, 12)
    extra_at = central + 46 + name_length
    data[extra_at:extra_at] = struct.pack("<2HQ", 1, 8, 1 << 60)
    end = data.rindex(b"PK\x05\x06")
    struct.pack_into("<I", data, end + 12, end - central)
    (tmp_path / "a.zip").write_bytes(data)
    with pytest.raises(UnsafeArchiveError, match="free on the disk"):
        extract_zip(str(tmp_path / "a.zip"), str(tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_encryption_is_refused(tmp_path: Path) -> None:
    build(tmp_path / "a.zip", {"a": b"x"})
    data = bytearray((tmp_path / "a.zip").read_bytes())
    data[data.rindex(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "a.zip").write_bytes(data)
    with pytest.raises(CorruptArchiveError, match="encrypted"):
        extract_zip(str(tmp_path / "a.zip"), str(tmp_path / "out"))


@pytest.mark.parametrize("cut", [0, 1, 21, 22, 100])
def test_a_cut_archive_is_corrupt(tmp_path: Path, cut: int) -> None:
    build(tmp_path / "a.zip", {"a": b"hello" * 100})
    data = (tmp_path / "a.zip").read_bytes()
    (tmp_path / "a.zip").write_bytes(data[: cut if cut < len(data) else 0])
    with pytest.raises(CorruptArchiveError):
        extract_zip(str(tmp_path / "a.zip"), str(tmp_path / "out"))


def test_a_flipped_bit_in_the_data_is_found_and_leaves_no_file(tmp_path: Path) -> None:
    build(tmp_path / "a.zip", {"a": os.urandom(1000)}, 0)
    data = bytearray((tmp_path / "a.zip").read_bytes())
    data[200] ^= 1
    (tmp_path / "a.zip").write_bytes(data)
    with pytest.raises(CorruptArchiveError, match="damaged"):
        extract_zip(str(tmp_path / "a.zip"), str(tmp_path / "out"))
    assert read_tree(tmp_path / "out") == {}


def test_two_files_of_one_name_are_refused_when_packing(tmp_path: Path) -> None:
    source = tmp_path / "one"
    source.write_bytes(b"x")
    with (tmp_path / "a.zip").open("wb+") as target, pytest.raises(ValueError, match="two files"):
        write_zip(target.fileno(), [("same", str(source)), ("same", str(source))])


@settings(max_examples=300, deadline=None)
@given(
    st.dictionaries(st.text("ab./☃ -", min_size=1, max_size=12), st.binary(max_size=300), max_size=4),
    st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), max_size=6),
    st.integers(0, 400),
)
def test_no_damage_crashes_or_escapes(
    tmp_path_factory: pytest.TempPathFactory, contents: dict[str, bytes], damage: list[tuple[int, int]], cut: int
) -> None:
    folder = tmp_path_factory.mktemp("fuzz")
    with zipfile.ZipFile(folder / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    data = bytearray((folder / "a.zip").read_bytes())
    for place, value in damage:
        data[place % len(data)] = value
    (folder / "a.zip").write_bytes(data[: len(data) - cut] if cut < 40 else data)
    with contextlib.suppress(ValueError, OSError):
        extract_zip(str(folder / "a.zip"), str(folder / "out"))
    assert {path.name for path in folder.iterdir()} <= {"a.zip", "out"}
    assert zlib.crc32((folder / "a.zip").read_bytes()) == zlib.crc32(data[: len(data) - cut] if cut < 40 else data)

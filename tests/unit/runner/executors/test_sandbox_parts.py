"""The parts that a sandbox is built from: limits, control groups of both versions, the filter of system calls, the tool cache."""

import fcntl
import os
import struct
from pathlib import Path

import pytest

from homeport.runner.executors.sandbox.cgroups import open_group
from homeport.runner.executors.sandbox.channel import read_record
from homeport.runner.executors.sandbox.disk_watch import DiskWatch, find_free
from homeport.runner.executors.sandbox.etc import install_etc
from homeport.runner.executors.sandbox.launch import _place
from homeport.runner.executors.sandbox.limits import LimitError, Limits, read_limits
from homeport.runner.executors.sandbox.system_calls import write_filter
from homeport.runner.executors.sandbox.tool_cache import link_tools

LIMITS = Limits(memory=1 << 30, processes=64, cpu=1.5, tmp=1 << 20)


def test_limits_are_read_in_the_units_that_people_write() -> None:
    limits = read_limits(("memory=1.5g", "processes=512", "cpu=0.5", "tmp=64MiB", "file=10kb", "spare=0"))
    assert limits == Limits(memory=3 << 29, processes=512, cpu=0.5, tmp=64 << 20, file=10 << 10, spare=0)


def test_without_limits_a_job_has_most_of_the_machine() -> None:
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limits = read_limits(())
    assert machine // 2 < limits.memory < machine
    assert limits.tmp <= limits.memory
    assert limits.cpu == 0


@pytest.mark.parametrize("written", ["memory", "memory=lots", "cpu=two", "processes=1.5", "disk=1g", "=1"])
def test_a_limit_that_makes_no_sense_is_refused(written: str) -> None:
    with pytest.raises(LimitError):
        read_limits((written,))


# --- control groups --------------------------------------------------------------------------------------------------


def tree(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_a_group_of_version_2_is_made_beside_our_own_where_that_has_processes(tmp_path: Path) -> None:
    """As in a user session of systemd: the slice is the user's, and its children have the controllers."""
    tree(
        tmp_path,
        {
            "root/cgroup.controllers": "cpu memory pids",
            "root/app.slice/cgroup.controllers": "cpu memory pids",
            "root/app.slice/cgroup.subtree_control": "memory pids",
            "root/app.slice/own.scope/cgroup.controllers": "memory pids",
            "membership": "0::/app.slice/own.scope\n",
        },
    )
    # our own group cannot be divided: the kernel says so when its file is written
    group = open_group("homeport-1", LIMITS, root=str(tmp_path / "root"), membership=str(tmp_path / "membership"))
    assert group.folders == [str(tmp_path / "root/app.slice/homeport-1")]


def test_where_no_group_can_be_made_there_is_none(tmp_path: Path) -> None:
    tree(tmp_path, {"root/cgroup.controllers": "memory pids", "membership": "0::/system.slice/ssh.service\n"})
    group = open_group("homeport-1", LIMITS, root=str(tmp_path / "root"), membership=str(tmp_path / "membership"))
    assert group.folders == []
    assert group.controllers == set()
    group.close()


def test_a_breach_is_told_once(tmp_path: Path) -> None:
    tree(
        tmp_path,
        {
            "root/cgroup.controllers": "memory pids",
            "root/cgroup.subtree_control": "memory pids",
            "membership": "0::/\n",
        },
    )
    group = open_group("homeport-1", LIMITS, root=str(tmp_path / "root"), membership=str(tmp_path / "membership"))
    (folder,) = map(Path, group.folders)
    (folder / "memory.events").write_text("low 0\noom 3\noom_kill 0\n")
    assert group.find_breaches() == ()
    (folder / "memory.events").write_text("low 0\noom 3\noom_kill 2\n")
    (folder / "pids.events").write_text("max 5\n")
    memory, processes = group.find_breaches()
    assert "memory limit of 1 GiB" in memory
    assert "limit of 64 processes" in processes
    assert group.find_breaches() == ()


# --- the rest --------------------------------------------------------------------------------------------------------


def run_filter(program: bytes, architecture: int, number: int, *arguments: int) -> int:
    """What the kernel would return: an interpreter of the few instructions that are used."""
    data = struct.pack("=iIQ", number, architecture, 0) + struct.pack("=6Q", *(*arguments, *[0] * (6 - len(arguments))))
    lines = list(struct.iter_unpack("=HBBI", program))
    position = register = 0
    while True:
        code, when, otherwise, value = lines[position]
        position += 1
        if code == 0x20:
            (register,) = struct.unpack_from("=I", data, value)
        elif code == 0x06:
            return int(value)
        else:
            holds = {0x15: register == value, 0x35: register >= value, 0x45: bool(register & value)}[code]
            position += when if holds else otherwise


@pytest.mark.parametrize(
    ("machine", "architecture", "clone", "unshare", "ioctl", "keyctl", "read"),
    [("x86_64", 0xC000003E, 56, 272, 16, 250, 0), ("aarch64", 0xC00000B7, 220, 97, 29, 219, 63)],
)
def test_the_filter_refuses_what_it_should_and_nothing_else(
    machine: str, architecture: int, clone: int, unshare: int, ioctl: int, keyctl: int, read: int
) -> None:
    program = write_filter(machine)
    allowed, refused = 0x7FFF0000, 0x00050001

    def ask(number: int, *arguments: int) -> int:
        return run_filter(program, architecture, number, *arguments)

    assert ask(read) == allowed
    assert ask(keyctl) == refused
    assert ask(clone, 0x11) == allowed
    assert ask(clone, 0x10000011) == refused
    assert ask(unshare, 0x20000) == allowed
    assert ask(unshare, 0x10020000) == refused
    assert ask(ioctl, 1, 0x5413) == allowed
    assert ask(ioctl, 1, 0x5412) == refused
    assert ask(ioctl, 1, 0xFFFFFFFF_00005412) == refused  # the kernel looks at the lower half
    assert ask(435) == 0x00050026
    assert ask(0x40000000 + read) == 0x00050026
    assert run_filter(program, 0x40000003, 1) == refused


def test_a_machine_whose_calls_are_not_known_has_no_filter() -> None:
    assert write_filter("riscv64") == b""


def test_tools_are_linked_at_the_depth_where_actions_look_for_them(tmp_path: Path) -> None:
    source, target = tmp_path / "tools", tmp_path / "own"
    (source / "Python" / "3.12.1" / "x64" / "bin").mkdir(parents=True)
    (source / "Python" / "3.12.1" / "x64.complete").touch()
    (source / "loose").write_text("x")
    target.mkdir()
    link_tools(str(source), str(target))
    assert (target / "Python" / "3.12.1").is_dir()
    assert not (target / "Python" / "3.12.1").is_symlink()
    assert (target / "Python" / "3.12.1" / "x64").readlink() == source / "Python" / "3.12.1" / "x64"
    assert (target / "Python" / "3.12.1" / "x64.complete").exists()
    assert (target / "loose").is_symlink()


def test_etc_has_public_settings_and_accounts_of_its_own(tmp_path: Path) -> None:
    source = tmp_path / "etc"
    tree(
        source,
        {"hosts": "127.0.0.1 localhost\n", "shadow": "secret", "passwd": "real accounts", "ssl/certs/a.pem": "a"},
    )
    (source / "pip.conf").write_text("private")
    (source / "pip.conf").chmod(0o600)
    etc = install_etc(str(tmp_path / "state"), {"passwd": b"own accounts"}, str(source))
    made = Path(etc.folder)
    assert sorted(path.name for path in made.iterdir()) == ["hosts", "passwd", "ssl"]
    assert (made / "passwd").read_text() == "own accounts"
    assert etc.mounted == ("ssl/certs",)
    assert install_etc(str(tmp_path / "state"), {"passwd": b"own accounts"}, str(source)) == etc
    (source / "hosts").write_text("127.0.0.1 localhost changed\n")
    assert install_etc(str(tmp_path / "state"), {"passwd": b"own accounts"}, str(source)) != etc


@pytest.mark.parametrize("record", [b"X", b"Q000000000000000", b"X00000000000000x", b"\xff" * 16])
def test_what_no_supervisor_writes_is_an_error(record: bytes) -> None:
    reading, writing = os.pipe()
    os.write(writing, record)
    os.close(writing)
    try:
        with pytest.raises(OSError, match="makes no sense"):
            read_record(reading)
    finally:
        os.close(reading)


def test_a_disk_with_less_than_is_to_be_spared_may_still_be_used_a_little(tmp_path: Path) -> None:
    watch = DiskWatch(str(tmp_path), find_free(str(tmp_path)) * 2)
    try:
        assert watch.find_breaches() == ()
    finally:
        watch.close()


@pytest.mark.parametrize("lowest", [3, 95, 100, 103])
def test_a_program_gets_its_descriptors_whatever_their_numbers_were(lowest: int) -> None:
    texts = {target: f"text {target}".encode() for target in (3, 4, 5)}
    opened: list[int] = []
    try:
        wanted: dict[int, int] = {}
        for target, text in texts.items():
            reading, writing = os.pipe()
            os.write(writing, text)
            os.close(writing)
            wanted[target] = fcntl.fcntl(reading, fcntl.F_DUPFD_CLOEXEC, lowest)
            opened += [reading, wanted[target]]
        output, child_output = os.pipe()
        opened += [output, child_output]
        words = ["/bin/sh", "-c", "cat <&3; cat <&4; cat <&5"]
        pid = os.posix_spawn(words[0], words, {}, file_actions=_place({1: child_output, **wanted}))
        os.waitpid(pid, 0)
        assert os.read(output, 100) == b"".join(texts.values())
    finally:
        for descriptor in opened:
            os.close(descriptor)

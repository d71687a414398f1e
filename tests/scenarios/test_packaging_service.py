"""The systemd unit: systemd knows every line of it, what it starts is a server, and what it forbids leaves jobs their sandbox."""

import configparser
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import httpx
import pytest

from homeport.cli.builtin_runner import RunnerFolder
from tests.support.parts import require_program, require_root
from tests.support.sandbox import require_sandbox
from tests.support.serve import LONG, wait_until

UNIT = Path(__file__).parents[2] / "packaging" / "homeport.service"
INSTALLED = "/opt/homeport/bin/homeport"
HERE = str(Path(sys.executable).with_name("homeport"))

_READ_ONLY = "mount --bind {0} {0} && mount -o remount,bind,ro {0}"
_DEVICES = (
    "mount -t tmpfs -o nosuid,mode=755 tmpfs /mnt && mkdir /mnt/pts /mnt/shm && ln -s pts/ptmx /mnt/ptmx && "
    "for name in null zero full random urandom tty; do touch /mnt/$name && mount --bind /dev/$name /mnt/$name; done && "
    "mount --rbind /dev/pts /mnt/pts && mount --rbind /mnt /dev"
)
SEEN = {
    "ProtectSystem=full": " && ".join(_READ_ONLY.format(path) for path in ("/usr", "/etc")),
    "ProtectHome=true": "mount -t tmpfs -o mode=0 tmpfs /home",
    "PrivateDevices=true": _DEVICES,
    "ProtectControlGroups=true": _READ_ONLY.format("/sys/fs/cgroup"),
    "ProtectKernelTunables=true": _READ_ONLY.format("/proc/sys"),
    "ProtectKernelLogs=true": "mount --bind /dev/null /proc/kmsg",
    "ProtectKernelModules=true": "true",  # hides the modules' files, beside taking a capability
}
"""What an option of a unit changes in what its processes see (systemd.exec(5)), made by hand"""
GIVES_UP = {"NoNewPrivileges=true": "--no-new-privs", "CapabilityBoundingSet=": "--bounding-set=-all"}
"""The same for what processes may, as `setpriv` says it"""
ELSEWHERE = {"User", "ExecStart", "Restart", "RestartSec", "KillMode", "TimeoutStopSec", "UMask"} | {
    *("StateDirectory", "StateDirectoryMode", "ProtectClock", "LockPersonality", "RestrictRealtime"),
}
"""Options that change nothing about mounts, namespaces and rights"""
WALL = ["bwrap", "--unshare-user", "--unshare-pid", "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "true"]


def read_service() -> Mapping[str, str]:
    parser = configparser.RawConfigParser()
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read(UNIT)
    return parser["Service"]


def test_systemd_finds_nothing_to_say_about_the_unit(tmp_path: Path) -> None:
    program = require_program("systemd-analyze", "apt-get install systemd")
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text().replace(INSTALLED, HERE))
    done = subprocess.run([program, "verify", str(unit)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    unit.write_text(unit.read_text().replace("KillMode=process", "KillMode=proces"))
    done = subprocess.run([program, "verify", str(unit)], capture_output=True, text=True, check=False)
    assert "proces" in done.stderr


def test_what_the_unit_starts_is_a_server_that_ends_well(tmp_path: Path) -> None:
    words = shlex.split(read_service()["ExecStart"])
    assert words[0] == INSTALLED
    places = {"/var/lib/homeport/data": str(tmp_path / "data"), "127.0.0.1:8080": "127.0.0.1:0", INSTALLED: HERE}
    environment = {"PATH": os.environ["PATH"], "HOMEPORT_HOME": str(tmp_path), "LANG": "C.UTF-8"}
    process = subprocess.Popen(
        [places.get(word, word) for word in words], env=environment, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        said = re.search(r"serves at (\S+),", process.stdout.readline())
        assert said is not None
        assert httpx.get(f"{said[1]}/readyz").status_code == 200
        wait_until(lambda: list_runners(tmp_path / "data"))
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=LONG)
    assert process.returncode == 0
    wait_until(lambda: not list_runners(tmp_path / "data"))


def list_runners(data: Path) -> list[RunnerFolder]:
    """Those that live."""
    folders = [RunnerFolder(str(path.parent)) for path in (data / "runner").glob("*/process")]
    return [folder for folder in folders if folder.is_alive]


def build_wall(*options: str) -> subprocess.CompletedProcess[str]:
    """As a service with these options would, in namespaces of its own."""
    mounts = [SEEN[option] for option in options if option in SEEN]
    rights = [GIVES_UP[option] for option in options if option in GIVES_UP]
    nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all", *rights]
    script = " && ".join([*mounts, f"exec {shlex.join([*nobody, *WALL])}"])
    words = ["unshare", "--mount", "--propagation", "private", "sh", "-c", script]
    return subprocess.run(words, capture_output=True, text=True, check=False)


def test_what_the_unit_forbids_leaves_jobs_their_sandbox() -> None:
    require_root()
    require_sandbox()
    options = [f"{name}={value}" for name, value in read_service().items() if name not in ELSEWHERE]
    assert set(options) <= {*SEEN, *GIVES_UP}, "say here what the new options change"
    done = build_wall(*options)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("option", ["ProtectKernelTunables=true", "ProtectKernelLogs=true"])
def test_an_option_that_hides_a_part_of_proc_would_take_it_away(option: str) -> None:
    require_root()
    require_sandbox()
    assert "proc" in build_wall(option).stderr
    assert option.partition("=")[0] not in read_service()

"""podman with a storage of the tests' own, and images that are made from programs of this machine: no registry is needed.

Storage, networks and settings are those of one test session: the machine's own are not touched. One test at a time uses podman (two
storages that know nothing of each other would choose the same addresses for their networks).
"""

import fcntl
import importlib.metadata
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from io import BytesIO
from pathlib import Path

import pytest

from tests.support.parts import require_file, require_linux, require_module, require_program, require_root

BUSYBOX = "localhost/busybox:1"
SHELLS = "localhost/shells:1"
_STORAGE = '[storage]\ndriver = "overlay"\ngraphroot = "{0}/graph"\nrunroot = "{0}/run"\n'
_SETTINGS = """
[containers]
default_ulimits = ["nofile=20000:20000", "nproc=30000:30000"]
[network]
network_config_dir = "{0}/networks"
[engine]
cgroup_manager = "cgroupfs"
runtime = "runc"
tmp_dir = "{0}/tmp"
events_logger = "file"
"""
_LOCK = "/tmp/homeport-tests-podman.lock"


class Podman:
    """podman on a storage in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.program = require_program("podman")
        self._made: set[str] = set()
        for name in ("graph", "run", "networks", "tmp"):
            (folder / name).mkdir()
        (folder / "storage.conf").write_text(_STORAGE.format(folder))
        (folder / "containers.conf").write_text(_SETTINGS.format(folder))
        self.variables: Mapping[str, str] = {
            "CONTAINERS_STORAGE_CONF": str(folder / "storage.conf"),
            "CONTAINERS_CONF": str(folder / "containers.conf"),
        }

    def run(self, *arguments: str, given: bytes | None = None, check: bool = True) -> str:
        """What a command of podman prints."""
        environment = {**os.environ, **self.variables}
        done = subprocess.run(
            [self.program, *arguments], input=given, env=environment, capture_output=True, check=False
        )
        assert not check or done.returncode == 0, done.stderr.decode()
        return done.stdout.decode().strip()

    def make_image(self, name: str, layer: bytes, *changes: str) -> str:
        """An image of one layer; `changes` are lines of a Dockerfile. Made once."""
        if name not in self._made:
            options = [f"--change={change}" for change in changes]
            self.run("import", "--quiet", *options, "-", name, given=layer)
            self._made.add(name)
        return name

    def busybox(self) -> str:
        """A shell and the usual tools, and nothing else."""
        return self.make_image(BUSYBOX, pack([], {}), "CMD sh")

    def shells(self) -> str:
        """With a bash, a C library, Node's other libraries and an operating system's name: what JavaScript actions need."""
        files = {"/etc/os-release": b"ID=debian\n"}
        return self.make_image(SHELLS, pack(["/bin/bash", *_find_libraries_of_node()], files), "CMD bash")

    def kill_containers(self) -> None:
        """As when the machine runs out of memory."""
        self.run("kill", "--all")

    def kill_services(self) -> None:
        """Kill what answers for podman here, as a crash would."""
        for name in os.listdir("/proc"):
            if name.isdigit() and self._is_service(Path("/proc") / name):
                os.kill(int(name), signal.SIGKILL)

    def _is_service(self, process: Path) -> bool:
        try:
            return (
                b"system\0service\0" in (process / "cmdline").read_bytes()
                and str(self.folder).encode() in (process / "environ").read_bytes()
            )
        except OSError:
            return False

    def list_left(self) -> dict[str, list[str]]:
        """What tests must not leave: containers, networks, processes and mounts. The engine of a fixture of this process does not count."""
        return {
            "containers": self.run("ps", "--all", "--quiet").split(),
            "networks": [
                line for line in self.run("network", "ls", "--format", "{{.Name}}").split() if line != "podman"
            ],
            "monitors": _list_processes(str(self.folder)),
            "keepers": [each for each in _list_processes("containers/keeper.py") if f" {os.getpid()}." not in each],
            "mounts": [line for line in _read_mounts() if f"{self.folder}/graph/" in line and "/merged" in line],
        }

    def list_images(self) -> list[str]:
        """By name, those that were made by tests left out."""
        images = json.loads(self.run("images", "--format", "json") or "[]")
        names = [name for image in images for name in image.get("Names") or [image["Id"]]]
        return sorted(name for name in names if name not in self._made)

    def close(self) -> None:
        """Remove it all."""
        self.run("rm", "--all", "--force", "--time=0", check=False)
        for line in reversed(_read_mounts()):
            path = line.split()[1]
            if path.startswith(f"{self.folder}/"):
                subprocess.run(["umount", "--lazy", path], check=False)
        shutil.rmtree(self.folder)


NOTHING: dict[str, list[str]] = {"containers": [], "networks": [], "monitors": [], "keepers": [], "mounts": []}


def make_redis_image(podman: Podman, name: str) -> str:
    """This machine's Redis, started as the official image starts it."""
    programs = [require_program("redis-server", "apt-get install redis-server"), require_program("redis-cli")]
    return podman.make_image(name, pack(programs, {}), 'CMD ["redis-server", "--protected-mode", "no"]', "EXPOSE 6379")


def make_postgres_image(podman: Podman, name: str) -> str:
    """This machine's PostgreSQL, with what matters of the official image's entrypoint."""
    server = shutil.which("initdb") or _find_initdb()
    folder = Path(os.path.realpath(server)).parent
    programs = [str(folder / each) for each in ("initdb", "postgres", "pg_ctl", "psql", "pg_isready", "createdb")]
    libraries = [str(each) for each in (folder.parent / "lib").glob("*.so")]
    share = Path("/usr/share/postgresql") / folder.parent.name
    layer = pack(
        [*programs, *(each for each in libraries if each.endswith(("dict_snowball.so", "plpgsql.so")))],
        {"/entrypoint.sh": _POSTGRES_ENTRYPOINT.replace("BIN", str(folder)).encode()},
        {str(share): str(share)},
    )
    return podman.make_image(
        name, layer, 'ENTRYPOINT ["/entrypoint.sh"]', f"ENV PATH={folder}:/usr/bin:/bin", "EXPOSE 5432"
    )


def _find_initdb() -> str:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        pytest.skip("initdb is not on this machine: apt-get install postgresql")
    return str(found[-1])


_POSTGRES_ENTRYPOINT = """#!/bin/sh
set -e
data=/var/lib/postgresql/data
user=${POSTGRES_USER:-postgres}
mkdir -p $data /run/postgresql /var/run/postgresql
chown -R postgres:postgres /var/lib/postgresql /run/postgresql /var/run/postgresql
printf %s "$POSTGRES_PASSWORD" > /tmp/password && chown postgres /tmp/password
as() { su postgres -s /bin/sh -c "exec $*"; }
as BIN/initdb -D $data -U "$user" --pwfile=/tmp/password -A scram-sha-256 --no-sync --locale=C >/dev/null
rm /tmp/password
echo "host all all all scram-sha-256" >> $data/pg_hba.conf
echo "local all all trust" > $data/local && cat $data/pg_hba.conf >> $data/local && mv $data/local $data/pg_hba.conf
chown postgres $data/pg_hba.conf
as BIN/pg_ctl -D $data -w -o '"-c listen_addresses="' start >/dev/null
BIN/createdb -U "$user" "${POSTGRES_DB:-$user}" -h /var/run/postgresql || true
as BIN/pg_ctl -D $data -m fast -w stop >/dev/null
exec su postgres -s /bin/sh -c "exec BIN/postgres -D $data -c 'listen_addresses=*'"
"""


def make_localstack_image(podman: Podman, name: str) -> str:
    """moto's server on this machine's Python, with LocalStack's answer to whether it is healthy."""
    require_module("moto")
    python = f"{sys.base_prefix}/bin/python{sys.version_info[0]}.{sys.version_info[1]}"
    library = Path(sys.base_prefix) / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}"
    server = Path(localstack_server_path())
    with tempfile.TemporaryDirectory() as made:
        packages = Path(made) / "packages"
        _copy_packages("moto", packages)
        extensions = [
            str(each)
            for each in (
                *library.glob("lib-dynload/*.so"),
                *packages.glob("_cffi_backend*.so"),
                *packages.glob("cryptography/hazmat/bindings/*.so"),
            )
        ]
        needed = [
            each
            for each in list_with_libraries([python, require_program("curl"), *extensions])
            if not each.startswith(made)
        ]
        layer = pack(
            needed,
            {"/srv/server.py": server.read_bytes().replace(b'"127.0.0.1"', b'"0.0.0.0"')},
            {"/srv/packages": str(packages), str(library): str(library)},
        )
    command = ["/bin/sh", "-c", f"exec {python} -W ignore /srv/server.py 4566 $SERVICES"]
    variables = {
        "PYTHONPATH": "/srv/packages",
        "PYTHONDONTWRITEBYTECODE": "1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "PATH": f"{Path(require_program('curl')).parent}:/usr/bin:/bin",
    }
    changes = [f"ENV {key}={value}" for key, value in variables.items()]
    return podman.make_image(name, layer, f"CMD {json.dumps(command)}", *changes, "EXPOSE 4566")


def localstack_server_path() -> str:
    """The server that Homeport itself starts where there is no engine."""
    from homeport.runner.services import providers  # noqa: PLC0415 - for one image

    return f"{Path(providers.__file__).parent}/localstack_server.py"


_OF_BOTOCORE = (
    "s3",
    "sqs",
    "secretsmanager",
    "endpoints.json",
    "partitions.json",
    "_retry.json",
    "sdk-default-configuration.json",
)


def _copy_packages(name: str, target: Path) -> None:
    """A distribution with all that it requires, extras of its server included; of botocore only the services that are used."""
    target.mkdir()
    wanted = [name, "flask", "flask-cors", "joserfc", "py-partiql-parser", "pyyaml"]
    seen: set[str] = set()
    while wanted:
        each = wanted.pop().lower()
        if each in seen:
            continue
        seen.add(each)
        try:
            distribution = importlib.metadata.distribution(each)
        except importlib.metadata.PackageNotFoundError:
            continue
        wanted += [
            re.split(r"[^A-Za-z0-9._-]", text)[0] for text in distribution.requires or () if "extra ==" not in text
        ]
        for top in {str(file).split("/")[0] for file in distribution.files or ()} - {"..", "__pycache__"}:
            source = Path(str(distribution.locate_file(top)))
            if source.is_dir() and not (target / top).exists():
                shutil.copytree(source, target / top, ignore=_choose_data)
            elif source.is_file():
                shutil.copy(source, target / top)


def _choose_data(folder: str, names: list[str]) -> list[str]:
    if folder.endswith("botocore/data"):
        return [each for each in names if each not in _OF_BOTOCORE]
    return [each for each in names if each in {"__pycache__", "tests", "test"}]


def open_podman(folder: Path) -> Iterator[Podman]:
    """For a fixture: podman works here, or the test is skipped. Nobody else uses it meanwhile."""
    require_linux()
    require_root()
    require_module("docker")
    for program in ("podman", "runc", "busybox"):
        require_program(program, "apt-get install podman runc busybox-static")
    require_file("/usr/lib/podman/netavark", "apt-get install netavark aardvark-dns iptables")
    with open(_LOCK, "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        podman = Podman(folder)
        try:
            yield podman
        finally:
            podman.close()


def pack(programs: Sequence[str], files: Mapping[str, bytes], folders: Mapping[str, str] | None = None) -> bytes:
    """A layer: busybox with all its names, these programs (paths of this machine) with the libraries they need, files, and folders
    (place in the image → folder of this machine).
    """
    made = BytesIO()
    with tarfile.open(fileobj=made, mode="w") as layer:
        for name in ("bin", "etc", "lib", "lib64", "root", "tmp", "usr", "usr/bin", "var", "proc", "sys", "dev"):
            _add_folder(layer, name)
        busybox = require_program("busybox", "apt-get install busybox-static")
        layer.add(os.path.realpath(busybox), "bin/busybox")
        taken = {os.path.basename(program) for program in programs}
        for name in subprocess.run([busybox, "--list"], check=True, capture_output=True, text=True).stdout.split():
            if name not in taken | {"busybox"}:
                _add_link(layer, f"bin/{name}", "busybox")
        _add_link(layer, "usr/bin/env", "../../bin/busybox")
        seen: set[str] = set()

        def once(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
            """podman takes no name twice."""
            if member.name in seen or {
                "test",
                "tests",
                "__pycache__",
                "idlelib",
                "tkinter",
                "ensurepip",
                "site-packages",
            } & set(member.name.split("/")):
                return None
            seen.add(member.name)
            return member

        for path in list_with_libraries(programs):
            layer.add(os.path.realpath(path), path.lstrip("/"), filter=once)
        for place, folder in (folders or {}).items():
            layer.add(folder, place.lstrip("/"), filter=once)
        for path, content in {**_ACCOUNTS, **files}.items():
            _add_file(layer, path, content)
    return made.getvalue()


_ACCOUNTS = {
    "/etc/passwd": b"root:x:0:0:root:/root:/bin/sh\npostgres:x:70:70::/var/lib/postgresql:/bin/sh\nredis:x:71:71::/:/bin/sh\n",
    "/etc/group": b"root:x:0:\npostgres:x:70:\nredis:x:71:\n",
    "/etc/nsswitch.conf": b"hosts: files dns\n",
}


def list_with_libraries(programs: Sequence[str]) -> list[str]:
    """These files and the shared libraries that they are linked with."""
    found = dict.fromkeys(programs)
    for program in programs:
        said = subprocess.run(["ldd", program], check=False, capture_output=True, text=True).stdout
        found.update(dict.fromkeys(re.findall(r"(/\S+) \(0x", said)))
    return list(found)


def _find_libraries_of_node() -> list[str]:
    said = subprocess.run(["/sbin/ldconfig", "-p"], check=True, capture_output=True, text=True).stdout
    wanted = ("libstdc++.so.6", "libgcc_s.so.1", "libatomic.so.1", "libm.so.6", "libdl.so.2", "libpthread.so.0")
    return [
        line.split()[-1]
        for line in said.splitlines()
        if line.split()[:1] and line.split()[0] in wanted and "x86-64" in line
    ]


def _add_folder(layer: tarfile.TarFile, name: str) -> None:
    member = tarfile.TarInfo(name)
    member.type, member.mode = tarfile.DIRTYPE, 0o1777 if name == "tmp" else 0o755
    layer.addfile(member)


def _add_link(layer: tarfile.TarFile, name: str, target: str) -> None:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = tarfile.SYMTYPE, target
    layer.addfile(member)


def _add_file(layer: tarfile.TarFile, path: str, content: bytes) -> None:
    member = tarfile.TarInfo(path.lstrip("/"))
    member.size, member.mode = len(content), 0o755 if content.startswith(b"#!") else 0o644
    layer.addfile(member, BytesIO(content))


def _list_processes(mark: str) -> list[str]:
    """Commands with this in their arguments, but for podman's own cleaning up, which ends by itself."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                command = Path(f"/proc/{name}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if (mark in command and int(name) != os.getpid() and "conmon" in command) or (
                mark in command and mark.endswith("keeper.py")
            ):
                found.append(command[:200])
    return found


def _read_mounts() -> list[str]:
    return Path("/proc/mounts").read_text().splitlines()

"""A Debian image of packages that this machine has: no registry and no mirror is needed."""

import os
import subprocess
import tarfile
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

from tests.support.images import Podman
from tests.support.parts import require_file, require_program

_LEFT_OUT = ("/usr/share/doc/", "/usr/share/man/", "/usr/share/locale/", "/usr/share/info/", "/usr/share/lintian/")
_SYSTEM = ("base-files", "bash", "coreutils", "dash", "findutils", "grep", "libc-bin", "passwd", "sed", "tar")
_MADE_HERE = ("/etc/ssl/certs/ca-certificates.crt", "/etc/nsswitch.conf")
"""What packages make when they are installed"""
_FOLDERS = ("usr", "etc", "root", "home", "tmp", "var", "var/lib", "var/tmp", "proc", "sys", "dev", "run", "srv")
_ACCOUNTS = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/nonexistent:/bin/false\n",
    "etc/group": "root:x:0:\nnogroup:x:65534:\n",
    "etc/shadow": "root:*:19000:0:99999:7:::\n",
}


def make_debian_image(podman: Podman, name: str, packages: Sequence[str], folder: Path) -> str:
    """With these packages and all that they depend on, as they are on this machine; without what their installation would have done,
    but for a few files.
    """
    archive = folder / "layer.tar"
    with tarfile.open(archive, "w") as layer:
        framed = _add_frame(layer)
        for path in sorted(_list_files([*_SYSTEM, *packages])):
            if path.lstrip("/") not in framed and os.path.lexists(path):
                layer.add(path, path.lstrip("/"), recursive=False)
    podman.run("import", "--quiet", "--change=ENV PATH=/usr/local/bin:/usr/bin:/usr/sbin", str(archive), name)
    archive.unlink()
    return name


def _list_files(packages: Sequence[str]) -> set[str]:
    """Of the packages and their dependencies, by the places where they really are."""
    cache = require_program("apt-cache", "a machine with Debian's packages is needed")
    for package in packages:
        require_file(f"/usr/share/doc/{package}", f"apt-get install {package}")
    options = [f"--no-{kind}" for kind in ("recommends", "suggests", "conflicts", "breaks", "replaces", "enhances")]
    command = [cache, "depends", "--recurse", "--installed", *options, *packages]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    names = sorted({line for line in said.splitlines() if line[:1].isalnum()})
    said = subprocess.run(["dpkg-query", "-L", *names], check=True, capture_output=True, text=True).stdout
    paths = {path for path in said.splitlines() if path.startswith("/") and not path.startswith(_LEFT_OUT)}
    paths.update(_MADE_HERE, (entry.path for entry in os.scandir("/etc/alternatives")))
    return {os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path)) for path in paths}


def _add_frame(layer: tarfile.TarFile) -> set[str]:
    """What lies at the root, with `/usr` merged, and the accounts; gives the names."""
    for name in _FOLDERS:
        member = tarfile.TarInfo(name)
        member.type, member.mode = tarfile.DIRTYPE, 0o1777 if name.endswith("tmp") else 0o755
        layer.addfile(member)
    for name in ("bin", "sbin", "lib", "lib64"):
        member = tarfile.TarInfo(name)
        member.type, member.linkname = tarfile.SYMTYPE, f"usr/{name}"
        layer.addfile(member)
    for name, text in _ACCOUNTS.items():
        member = tarfile.TarInfo(name)
        member.size, member.mode = len(text), 0o644
        layer.addfile(member, BytesIO(text.encode()))
    return set(layer.getnames())

"""Makes the `/etc` of a sandboxed job: what programs need of the machine's, and no account, key or secret of it.

Small files are copied, because each mount makes a sandbox slower to build; large folders are mounted over empty ones.
"""

import os
import stat
import zlib

import msgspec

from homeport.runner.folders import make_folder, remove_tree, write_file

_FILES = [
    "bash.bashrc",
    "bindresvport.blacklist",
    "ca-certificates.conf",
    "debian_version",
    "gai.conf",
    "host.conf",
    "hosts",
    "inputrc",
    "ld.so.cache",
    "ld.so.conf",
    "localtime",
    "lsb-release",
    "magic",
    "mime.types",
    "networks",
    "nsswitch.conf",
    "npmrc",
    "os-release",
    "pip.conf",
    "profile",
    "protocols",
    "redhat-release",
    "resolv.conf",
    "rpc",
    "services",
    "ssl/openssl.cnf",
    "timezone",
    "uv/uv.toml",
]
_SMALL_FOLDERS = ("ld.so.conf.d", "profile.d", "terminfo", "crypto-policies/back-ends")
_FOLDERS = ("alternatives", "fonts", "pki/ca-trust", "pki/tls/certs", "ssl/certs")
_FOLDER_PREFIXES = ("java", "jvm")
_LONGEST = 1 << 20


class Etc(msgspec.Struct, frozen=True):
    """A folder that stands for `/etc`, and the names of the folders of `/etc` that are mounted in it."""

    folder: str
    mounted: tuple[str, ...]


def install_etc(state: str, accounts: dict[str, bytes], source: str = "/etc") -> Etc:
    """The folder, below `state`: made anew when something of the machine's has changed, whole or not at all. Raises `OSError`.

    `accounts` are files of its own. Safe to call at the same time.
    """
    names = [*_FILES, *(f"{folder}/{name}" for folder in _SMALL_FOLDERS for name in _names(f"{source}/{folder}"))]
    mounted = tuple(name for name in (*_FOLDERS, *_list_by_prefix(source)) if os.path.isdir(f"{source}/{name}"))
    signs = [*mounted, *(f"{name} {content!r}" for name, content in accounts.items())]
    signs += [f"{name} {sign}" for name in names if (sign := _find_sign(f"{source}/{name}")) is not None]
    etc = Etc(f"{state}/etc-{zlib.crc32(chr(10).join(signs).encode()):08x}", mounted)
    if not os.path.isdir(etc.folder):
        building = f"{etc.folder}.{os.urandom(4).hex()}.new"
        make_folder(building)
        try:
            contents = {name: content for name in names if (content := _read(f"{source}/{name}")) is not None}
            _write(building, {**contents, **accounts}, mounted)
            os.rename(building, etc.folder)
        except OSError:
            remove_tree(building)
            if not os.path.isdir(etc.folder):  # another run was quicker
                raise
    return etc


def _write(target: str, contents: dict[str, bytes], mounted: tuple[str, ...]) -> None:
    for name, content in contents.items():
        path = f"{target}/{name}"
        make_folder(os.path.dirname(path))
        write_file(path, content)
        os.chmod(path, 0o644)
    for name in mounted:
        make_folder(f"{target}/{name}")


def _find_sign(path: str) -> tuple[int, int, int] | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns, status.st_ino


def _list_by_prefix(source: str) -> list[str]:
    return [name for name in _names(source) if name.startswith(_FOLDER_PREFIXES)]


def _names(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


def _read(path: str) -> bytes | None:
    """A file that everybody may read; what only some may is no job's."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        status = os.fstat(descriptor)
        is_public = stat.S_ISREG(status.st_mode) and status.st_mode & stat.S_IROTH
        return os.read(descriptor, _LONGEST) if is_public else None
    finally:
        os.close(descriptor)

"""Keys in files of their own: made once, readable by their owner only, and refused where others could read them."""

import base64
import binascii
import os
import secrets
import stat

from homeport.ports.repositories import StoreError
from homeport.store.folder import make_folder

KEY_BYTES = 32


def load_or_make_key(path: str) -> bytes:
    """The key of a file, which is made with a random one where it is missing. Raises `StoreError`.

    Two processes that make it at once have the same one: the file appears whole, and only if there is none.
    """
    if not os.path.lexists(path):
        make_folder(os.path.dirname(path))
        write_key(path, secrets.token_bytes(KEY_BYTES))
    return read_key(path)


def write_key(path: str, key: bytes) -> None:
    """Put a key into a new file, durably; one that is there already stays. Raises `StoreError`."""
    draft = f"{path}.{secrets.token_hex(4)}"
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.write(descriptor, base64.b64encode(key) + b"\n")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            os.unlink(draft)
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror}") from error


def read_key(path: str) -> bytes:
    """The key of a file. Raises `StoreError`, also where somebody else could read it."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            mode = os.fstat(descriptor).st_mode
            text = os.read(descriptor, 1000)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror}") from error
    if stat.S_IMODE(mode) & 0o077:
        raise StoreError(
            f"{path} can be read by others than its owner: it is a key (`chmod 600 {path}`, and make a new one)"
        )
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except binascii.Error as error:
        raise StoreError(f"{path} is no key: 32 bytes in base64 were expected") from error
    if len(key) != KEY_BYTES:
        raise StoreError(f"{path} is no key: 32 bytes in base64 were expected, found {len(key)}")
    return key

"""Keeps two servers from sharing one data folder."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from homeport.ports.repositories import StoreError
from homeport.store.data_folder import DataFolder
from homeport.store.folder import make_folder, reporting, try_hold


@contextmanager
def owned(folder: DataFolder, says: str) -> Iterator[None]:
    """The folder is this process's until the block ends, or the process does, however it ends. `says` stands in the lock's file: who
    finds it held is told. Raises `StoreError`, also where another server has it.
    """
    make_folder(folder.path)
    with reporting(folder.path):
        os.chmod(folder.path, 0o700)
        descriptor = os.open(folder.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if not try_hold(descriptor):
            holder = os.read(descriptor, 1000).decode("utf-8", "replace").strip() or "another server"
            raise StoreError(f"{folder.path} is in use by {holder}: a folder belongs to one server")
        with reporting(folder.lock):
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, says.encode(), 0)
        yield
    finally:
        os.close(descriptor)

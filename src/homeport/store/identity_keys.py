"""The keys that sign identity tokens: in files of their own beside the database, replaced every so often, the former ones shown for a while.

    identity-<seconds since 1970>.pem    an RSA private key (PKCS 8), for its owner to read only

Source: OpenID Connect Core 1.0, section 10.1.1, "Rotation of Asymmetric Signing Keys": who meets an unknown key asks for the keys again.
"""

import os
import stat
import threading
from collections.abc import Sequence
from datetime import timedelta

from homeport.ports.clock import Clock
from homeport.ports.repositories import StoreError
from homeport.store.folder import listed, make_folder, read_file, unlink, write_file
from homeport.tokens.identity import IdentityKey, InvalidKeyError

_PERIOD = timedelta(days=90)
_SHOWN_AFTER = timedelta(days=1)
"""Tokens live for five minutes; whoever checks them may have a copy of the keys for longer"""
_BEGINNING, _END = "identity-", ".pem"


class IdentityKeys:
    """Safe from any thread. Another process may put a new key into the folder (`replace`): it is found. All may raise `StoreError`."""

    def __init__(self, folder: str, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock
        self._lock = threading.Lock()
        self._loaded: dict[str, IdentityKey] = {}

    def signing(self) -> IdentityKey:
        """The newest; a new one where there is none, or it has been in use for 90 days."""
        with self._lock:
            return self._load(self._choose())

    def shown(self) -> Sequence[IdentityKey]:
        """Those by which tokens can be checked, the newest first. Older ones are removed."""
        with self._lock:
            newest = self._choose()
            former = [name for name in self._names() if name != newest]
            since = int((self._clock.now() - _SHOWN_AFTER).timestamp())
            kept = [name for name in former if _made_at(newest) >= since]
            for name in former:
                if name not in kept:
                    unlink(os.path.join(self._folder, name))
                    self._loaded.pop(name, None)
            return [self._load(name) for name in (newest, *kept)]

    def replace(self) -> str:
        """A new key, and no others from now on: for when one may have been seen. Gives its id."""
        with self._lock:
            former = self._names()
            newest = self._make(after=_made_at(former[0]) if former else 0)
            for name in former:
                unlink(os.path.join(self._folder, name))
                self._loaded.pop(name, None)
            return self._load(newest).id

    def _choose(self) -> str:
        names = self._names()
        if names and _made_at(names[0]) > int((self._clock.now() - _PERIOD).timestamp()):
            return names[0]
        return self._make(after=_made_at(names[0]) if names else 0)

    def _make(self, after: int) -> str:
        """Whole, or not at all. A clock that was set back makes no older one of it."""
        made_at = max(int(self._clock.now().timestamp()), after + 1)
        name = f"{_BEGINNING}{made_at}{_END}"
        path = os.path.join(self._folder, name)
        make_folder(self._folder)
        draft = f"{path}.{os.urandom(4).hex()}"
        write_file(draft, IdentityKey.generate().write())
        try:
            os.rename(draft, path)
        except OSError as error:
            raise StoreError(f"{path}: {error.strerror}") from error
        return name

    def _names(self) -> list[str]:
        """The newest first."""
        names = [name for name in listed(self._folder) if _made_at(name)]
        return sorted(names, key=_made_at, reverse=True)

    def _load(self, name: str) -> IdentityKey:
        known = self._loaded.get(name)
        if known is None:
            known = self._loaded[name] = _read(os.path.join(self._folder, name))
        return known


def _made_at(name: str) -> int:
    """0 for what is no key."""
    digits = name.removeprefix(_BEGINNING).removesuffix(_END)
    is_key = name == f"{_BEGINNING}{digits}{_END}" and digits.isascii() and digits.isdigit()
    return int(digits) if is_key else 0


def _read(path: str) -> IdentityKey:
    pem = read_file(path)
    try:
        if stat.S_IMODE(os.stat(path).st_mode) & 0o077:
            raise StoreError(f"{path} can be read by others than its owner: it is a key (remove it: a new one is made)")
        return IdentityKey.load(pem or b"")
    except InvalidKeyError as error:
        raise StoreError(f"{path}: {error}") from error
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror}") from error

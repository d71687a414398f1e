"""Where the repositories of published actions and workflows come from, and what is kept of them on this machine."""

from collections.abc import Callable
from typing import Protocol

import msgspec


class SourceError(Exception):
    """A repository cannot be had at this ref. `hint` is what may help; `is_final` tells what will not change by asking again, such as a
    ref that does not exist, from a network that is down.
    """

    def __init__(self, message: str, hint: str | None = None, *, is_final: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.is_final = is_final


class SourceStoppedError(Exception):
    """Whoever asked does not want it any more."""


class Resolution(msgspec.Struct, frozen=True, kw_only=True):
    """What a ref stands for. The files of `commit` are kept on this machine."""

    repository: str
    """`owner/name`, as it was asked for"""
    ref: str
    commit: str
    """the commit's full id; for a plain folder, which has no commits, `tree-` and a digest of its files"""
    full_ref: str = ""
    """`refs/tags/v4`; the commit itself where that was asked for; empty where it is not known any more"""
    remark: str = ""
    """what should be seen: an older answer was used because the source cannot be reached"""


class ActionSources(Protocol):
    """Thread-safe, and safe beside other processes. `is_stopped` is asked all the while: once it says yes, `SourceStoppedError` follows."""

    def resolve(
        self, repository: str, ref: str, *, run: str, commit: str | None = None, is_stopped: Callable[[], bool]
    ) -> Resolution:
        """Find the commit of a ref, and get its files. Raises `SourceError`, `SourceStoppedError`, `OSError`.

        Within one run a branch or tag is asked for once. A full commit id that is here is never asked for. With `commit` (what an
        earlier attempt recorded) that is what the ref stands for, wherever it has moved since.
        """
        ...

    def copy(self, resolution: Resolution, below: str, path: str, *, is_stopped: Callable[[], bool]) -> None:
        """Copy the files into the folder `path` below another one, which is there; once, however often it is asked for.

        Nothing is written through a link below `below`: a job may have put one there. Files that were damaged on this machine are
        fetched again. Raises `SourceError`, `SourceStoppedError`, `OSError`.
        """
        ...

    def read(self, resolution: Resolution, path: str, *, is_stopped: Callable[[], bool]) -> bytes | None:
        """One file; None where there is none. Raises as `copy` does."""
        ...

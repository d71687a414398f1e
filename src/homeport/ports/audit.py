"""What was done that is about rights: who, what, to what, from where, and whether it was allowed."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, Protocol

import msgspec

Result = Literal["done", "refused", "failed"]


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the log. `action` is a noun and a verb in the past (`token.created`, `signature.refused`), `target` what it was done to
    (`owner/name`, a login, a secret's name). Never holds a secret, a token or a password.
    """

    at: datetime
    who: str = ""
    """a login, `job of run 7`, empty: nobody knows"""
    action: str
    target: str = ""
    address: str = ""
    """where the request came from"""
    result: Result = "done"
    detail: str = ""
    """the reason, for people; shortened to 1,000 characters"""
    sequence: int = 0
    """from 1, without gaps; given when it is recorded"""


class ChainReport(msgspec.Struct, frozen=True):
    """Whether the log is as it was written. `broken_at` is the first entry that is not (0: all are); `head` stands for everything up to
    `length`: whoever noted it down earlier can tell whether the end was cut off.
    """

    length: int
    head: str
    broken_at: int = 0


class AuditLog(Protocol):
    """It is only added to. Safe from any thread."""

    def record(self, entry: AuditEntry) -> None:
        """Durable when it returns. Raises `StoreError`."""
        ...

    def record_soon(self, entry: AuditEntry) -> None:
        """Durable soon: for what nothing is acknowledged about."""
        ...

    def list(
        self, *, before: int | None = None, limit: int = 50, who: str = "", action: str = "", target: str = ""
    ) -> Sequence[AuditEntry]:
        """Newest first, those before a sequence number; `action` and `target` may be beginnings (`secret.`, `acme/`)."""
        ...

    def verify(self) -> ChainReport:
        """Read all of it, and recompute what ties each entry to the ones before."""
        ...

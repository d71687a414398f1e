"""Writes down what is about rights, with where it came from."""

from homeport.ports.access import Caller
from homeport.ports.audit import AuditEntry, AuditLog, Result
from homeport.ports.clock import Clock
from homeport.server.limits import Limits, network_of


class Audit:
    """What the other parts of the server call. Safe from any thread."""

    def __init__(self, log: AuditLog, clock: Clock, limits: Limits) -> None:
        self.log = log
        """for reading"""
        self._clock = clock
        self._limits = limits

    def note(
        self,
        who: Caller | str,
        action: str,
        target: str = "",
        *,
        address: str = "",
        result: Result = "done",
        detail: str = "",
    ) -> None:
        """Durable when it returns, so not to be called on the event loop. Raises `StoreError`."""
        self.log.record(self._entry(who, action, target, address, result, detail))

    def note_soon(
        self,
        who: Caller | str,
        action: str,
        target: str = "",
        *,
        address: str = "",
        result: Result = "done",
        detail: str = "",
    ) -> None:
        """The same without waiting, for what nothing is acknowledged about. Refusals are written down as `note_refusal` says."""
        if result == "refused":
            self.note_refusal(who, action, target, address=address, detail=detail)
        else:
            self.log.record_soon(self._entry(who, action, target, address, result, detail))

    def note_refusal(
        self, who: Caller | str, action: str, target: str = "", *, address: str = "", detail: str = ""
    ) -> None:
        """Without waiting. A crawler shall not fill the log: what one address does beyond a measure is not written down one by one."""
        if not self._limits.try_now("refusal", network_of(address)):
            self.log.record_soon(self._entry(who, action, target, address, "refused", detail))

    def _entry(
        self, who: Caller | str, action: str, target: str, address: str, result: Result, detail: str
    ) -> AuditEntry:
        return AuditEntry(
            at=self._clock.now(),
            who=who if isinstance(who, str) else name_of(who),
            action=action,
            target=target,
            address=address,
            result=result,
            detail=detail,
        )


def name_of(caller: Caller) -> str:
    """How the log calls somebody."""
    if caller.kind == "job":
        return f"job of run {caller.run}"
    return caller.login

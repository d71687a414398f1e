"""Forms about secrets and variables: what an owner's, a repository's and an environment's have in common."""

from collections.abc import Collection

from starlette.requests import Request

from homeport.ports.clock import Clock
from homeport.ports.vault import Vault, VaultScope, Visibility
from homeport.server.audit import Audit
from homeport.server.pages.forms import Typed, actor_of


class ValueForms:
    """Does what was typed, and writes it into the audit log: `where` is how that calls the scope."""

    def __init__(self, vault: Vault, audit: Audit, clock: Clock) -> None:
        self._vault = vault
        self._audit = audit
        self._clock = clock

    def put(
        self,
        request: Request,
        scope: VaultScope,
        where: str,
        typed: Typed,
        *,
        visibility: Visibility | None = None,
        repositories: Collection[int] | None = None,
    ) -> None:
        """Raises `VaultError`."""
        kind, name = kind_of(typed), typed.get("name", "").strip()
        put = self._vault.put_secret if kind == "secret" else self._vault.put_variable
        value = typed.get("value", "").replace("\r\n", "\n")
        is_new = put(scope, name, value, at=self._clock.now(), visibility=visibility, repositories=repositories)
        self.note(request, f"{kind}.{'created' if is_new else 'changed'}", where, name, visibility or "")

    def remove(self, request: Request, scope: VaultScope, where: str, typed: Typed) -> bool:
        """Whether there was one."""
        kind, name = kind_of(typed), typed.get("name", "")
        was_there = (self._vault.remove_secret if kind == "secret" else self._vault.remove_variable)(scope, name)
        if was_there:
            self.note(request, f"{kind}.removed", where, name)
        return was_there

    def note(self, request: Request, action: str, where: str, name: str, detail: str = "") -> None:
        """What was done about a secret or variable."""
        actor = actor_of(request)
        target = f"{where} {name.upper()[:100]}"
        self._audit.note(actor.caller, action, target, address=actor.address, detail=detail)


def kind_of(typed: Typed) -> str:
    """`secret`, or `variable` where that is said."""
    return "variable" if typed.get("kind") == "variable" else "secret"

"""How long work of a native action ends where its step has to: the work asks now and then."""

from homeport.ports.checks import Check
from homeport.runner.host import ActionError, ActionHost


def go_on_check(host: ActionHost) -> Check:
    """For stores: raises `ActionError` once the step has to end."""

    def check() -> None:
        if host.stop.reason is not None:
            raise ActionError("The operation was canceled.")

    return check

"""The ways into runs that a server leaves closed: it is asked by HTTP, and its engine does what is asked (`ServerEngine.ask`)."""

from collections.abc import Sequence

from homeport.ports.control import Request


class ClosedControls:
    """A `Controls` by which nobody can be reached: a server's runs are all carried out by its one process."""

    def open(self, run: str) -> "ClosedInbox":  # noqa: ARG002 - the protocol's name
        """Nothing arrives there."""
        return ClosedInbox()

    def send(self, run: str, request: Request) -> bool:  # noqa: ARG002 - the protocol's names
        """No other process carries out a run of this database."""
        return False


class ClosedInbox:
    """An `Inbox`."""

    def fileno(self) -> int:
        """There is nothing to wait for."""
        raise ValueError("nothing arrives here")

    def receive(self) -> Sequence[Request]:
        """None."""
        return ()

    def close(self) -> None:
        """It is closed."""

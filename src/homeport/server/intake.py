"""What other parts of the server call when something has happened in a repository."""

from typing import Protocol

from homeport.event import Event
from homeport.ports.directory import HostedRepository


class Intake(Protocol):
    """From an event to its runs. Safe from any thread."""

    def accept(self, repository: HostedRepository, event: Event, *, delivery: str) -> None:
        """Take an event in: durable when it returns; planned and started soon after, in the order of one repository's events.

        `delivery` names the occurrence: accepted again, it changes nothing. Raises `StoreError`.
        """
        ...

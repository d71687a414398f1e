"""What happened, in a forge's terms: the value every plan starts from."""

from homeport.event.model import Commit, Event, Repository, Signature

__all__ = ["Commit", "Event", "Repository", "Signature"]

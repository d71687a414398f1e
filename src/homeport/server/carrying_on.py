"""Lets a thread that others need go on after trouble, and says in the log what it was."""

import logging
from collections.abc import Callable
from typing import TypeVar

from homeport.ports.repositories import StoreError

Result = TypeVar("Result")


def carry_on(log: logging.Logger, words: str, work: Callable[[], Result], **about: object) -> Result | None:
    """What the work gives; None where it could not be done: by trouble that may pass, such as a full disk, or by a fault of Homeport's own,
    of which the log has the trace. `words` say what is not done.
    """
    try:
        return work()
    except (StoreError, OSError) as error:
        log.error("%s: %s", words, error, extra=about)
    except Exception:  # the edge of a thread
        log.exception("%s: a fault of Homeport's own", words, extra=about)
    return None

"""What a forge's delivery means, as far as the payload says it: which event, about which ref, and what has to be fetched for it."""

from typing import Any

import msgspec

DEFAULT_BRANCH = ""
"""In place of a ref: the default branch, whatever it is called."""


class ForgeEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event whose commits may not be here yet."""

    name: str
    action: str | None = None
    ref: str = DEFAULT_BRANCH
    """a full ref; a short name is a branch, else a tag; empty: the default branch"""
    sha: str = ""
    """empty: what the ref stands for"""
    before: str | None = None
    base_ref: str = ""
    head_ref: str = ""
    head_sha: str = ""
    """of a pull request: the commit whose message may say that nothing is to run"""
    pull: int = 0
    """the number of the pull request whose test merge is to be run on"""
    payload: dict[str, Any] = {}


class Translation(msgspec.Struct, frozen=True, kw_only=True):
    """The events of one delivery, or why there are none."""

    events: tuple[ForgeEvent, ...] = ()
    ignored: str = ""
    default_branch: str = ""
    """as the forge says it is now"""
    actor: str = ""
    actor_id: str = "0"
    owner_id: str = "0"
    repository_id: str = "0"

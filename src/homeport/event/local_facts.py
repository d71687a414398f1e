"""What is known about a working tree, as values: what a local event is built from."""

import msgspec

from homeport.event.model import Commit, Repository

NO_SHA = "0" * 40
"""What git writes where there is no commit."""


class LocalFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A working tree and who stands before it. `made_up` names what is not a fact, as a payload names it."""

    repository: Repository
    branch: str | None = None
    """None where HEAD is detached"""
    tag: str | None = None
    """the tag that the event is about; a branch is None then"""
    sha: str = NO_SHA
    head: Commit | None = None
    """the commit `sha`; None where there is none"""
    base_sha: str | None = None
    """the commit that changes are measured against; None where there is none"""
    commits: tuple[Commit, ...] = ()
    """those after the base, oldest first"""
    dirty: bool = False
    actor: str
    email: str = ""
    now: str
    """ISO 8601"""
    made_up: tuple[str, ...] = ()

    @property
    def ref(self) -> str:
        """The full ref of the tag, the branch or, where HEAD is detached, the default branch."""
        if self.tag is not None:
            return f"refs/tags/{self.tag}"
        return f"refs/heads/{self.branch or self.repository.default_branch}"

"""Takes apart what `uses` says of another repository: `owner/repo[/path]@ref`.

Sources: docs "Workflow syntax", `jobs.<job_id>.steps[*].uses`; GitHub changelog, 30 July 2026 (`$/` means the repository that the action
or workflow itself is in, at the commit at which it runs).
"""

from typing import TypeVar

import msgspec

from homeport.language import nodes

_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")
_NOT_IN_REFS = frozenset(" ~^:?*[\\\x7f") | frozenset(map(chr, range(32)))


_Step = TypeVar("_Step", nodes.RunStep | nodes.UsesStep, nodes.Step)


class RemoteReference(msgspec.Struct, frozen=True):
    """An action or a workflow of a repository. `path` is relative, without slashes at its ends; empty for the root."""

    owner: str
    name: str
    path: str
    ref: str

    @property
    def repository(self) -> str:
        """`owner/name`, as it is written."""
        return f"{self.owner}/{self.name}"

    @property
    def key(self) -> str:
        """The same for all that is in the repository at this ref: names of repositories ignore case, refs do not."""
        return f"{self.repository.lower()}@{self.ref}"


def parse_remote_reference(uses: str) -> RemoteReference | None:
    """The parts of a `uses`; None for what is not in another repository, or names none."""
    location, _, ref = uses.strip().partition("@")
    if not ref or location.startswith((".", "$/", "docker://")):
        return None
    parts = [part for part in location.replace("\\", "/").split("/") if part]
    if len(parts) < 2 or not all(_is_name(part) for part in parts[:2]) or not is_ref_name(ref):
        return None
    return RemoteReference(parts[0], parts[1], "/".join(parts[2:]), ref)


def qualify_own_use(step: _Step, repository: str, ref: str) -> _Step:
    """A step of an action or workflow of that repository, with `$/path` written out."""
    replace = msgspec.structs.replace
    if isinstance(step, nodes.UsesStep) and step.uses.value.startswith("$/"):
        path = step.uses.value.removeprefix("$/")
        return replace(step, uses=replace(step.uses, value=f"{repository}/{path}@{ref}"))
    if isinstance(step, nodes.ParallelStep):
        return replace(step, steps=tuple(qualify_own_use(inner, repository, ref) for inner in step.steps))
    return step


def is_ref_name(text: str) -> bool:
    """Whether a branch or a tag may be called so (git's documentation, "git-check-ref-format")."""
    parts = text.split("/")
    return (
        _NOT_IN_REFS.isdisjoint(text)
        and ".." not in text
        and "@{" not in text
        and text != "@"
        and not text.endswith(".")
        and all(part and not part.startswith((".", "-")) and not part.endswith(".lock") for part in parts)
    )


def _is_name(text: str) -> bool:
    return _LETTERS.issuperset(text) and text not in (".", "..")

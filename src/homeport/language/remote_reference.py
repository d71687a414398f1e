"""Takes apart what `uses` says of another repository: `owner/repo[/path]@ref`."""

import msgspec

_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")
_NOT_IN_REFS = frozenset(" ~^:?*[\\\x7f") | frozenset(map(chr, range(32)))


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

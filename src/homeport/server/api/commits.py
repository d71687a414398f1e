"""Which commit a name in an address stands for."""

from homeport.git.refs import is_id
from homeport.git.repository import GitRepository
from homeport.server.api.answers import ApiRefusalError
from homeport.server.api.call import Call


def resolve(git: GitRepository, ref: str) -> str | None:
    """The commit of a branch, a tag, a whole ref or an id, in this order; None where there is none."""
    for name in (f"refs/heads/{ref}", f"refs/tags/{ref}", f"refs/{ref}", ref):
        sha = git.resolve(f"{name}^{{commit}}")
        if sha:
            return sha
    return None


def resolve_ref(call: Call, ref: str) -> str:
    """The same; a whole id is believed, for not every commit of a forge is here. Refused with 422 as GitHub words it."""
    if is_id(ref):
        return ref
    git = call.parts.find_git(call.repository)
    sha = None if git is None else resolve(git, ref)
    if sha is None:
        raise ApiRefusalError(422, f"No commit found for SHA: {ref[:200]}")
    return sha

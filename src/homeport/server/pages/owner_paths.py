"""The addresses of an owner's own settings, and who may open them."""

from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.requests import Request

from homeport.ports.access import Role
from homeport.ports.people import EVERYTHING
from homeport.server.auth import find_identity, refuse

OWNER_PATH = "/organizations/{owner}/settings"


def owner_link(owner: str, page: str = "") -> str:
    """A page of an owner's settings."""
    return f"/organizations/{quote(owner)}/settings{page}"


def find_owner(request: Request, role: Role) -> str:
    """The owner of the address, if the caller may do in all of its repositories what this role may. Refused alike whether or not there
    is such an owner.
    """
    owner: str = request.path_params["owner"]
    if owner == EVERYTHING:
        raise HTTPException(404, "Not Found")
    caller = find_identity(request).caller
    if caller.kind == "anonymous":
        raise refuse(request, 401, "Requires authentication", owner)
    if not caller.may_for_owner(role, owner):
        raise refuse(request, 403, f"This needs the role {role} in everything of {owner}.", owner)
    return owner

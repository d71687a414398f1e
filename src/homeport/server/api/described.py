"""The parts of an answer that several endpoints share: the caller's rights, moments, people."""

from homeport.ports.access import Caller, Role
from homeport.ports.directory import HostedRepository
from homeport.ports.people import People
from homeport.rest.entries import PersonEntry
from homeport.rest.repositories import Permissions


def rights_in(caller: Caller, repository: HostedRepository) -> Permissions:
    """What somebody may do in a repository."""

    def may(role: Role) -> bool:
        return caller.kind == "user" and caller.may(role, repository)

    return Permissions(
        admin=may("maintainer"), maintain=may("maintainer"), push=may("writer"), triage=may("writer"), pull=True
    )


def person_of(people: People, login: str) -> PersonEntry:
    """Somebody who may be known here, or only to a forge."""
    user = people.find(login)
    return PersonEntry(login) if user is None else PersonEntry(user.login, user.id)

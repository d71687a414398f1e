"""The parts of an answer that several endpoints share: the caller's rights, moments, people."""

from homeport.ports.people import People
from homeport.rest.entries import PersonEntry
from homeport.rest.repositories import Permissions
from homeport.server.api.call import Call


def rights_of(call: Call) -> Permissions:
    """What the caller may do in the repository of the address."""
    return Permissions(
        admin=call.may("maintainer"),
        maintain=call.may("maintainer"),
        push=call.may("writer"),
        triage=call.may("writer"),
        pull=True,
    )


def person_of(people: People, login: str) -> PersonEntry:
    """Somebody who may be known here, or only to a forge."""
    user = people.find(login)
    return PersonEntry(login) if user is None else PersonEntry(user.login, user.id)

"""Everything about who may do what, put together once and handed to the routes with the other parts."""

from collections.abc import Sequence

import msgspec
from starlette.middleware import Middleware
from starlette.routing import BaseRoute

from homeport.ports.people import People
from homeport.ports.vault import Vault
from homeport.server.audit import Audit
from homeport.server.auth import Identities
from homeport.server.identification import Identification
from homeport.server.job_tokens import JobTokens
from homeport.server.limits import Limits
from homeport.server.people import Administration
from homeport.server.sealed_values import SealedValues
from homeport.server.security_headers import SecurityHeaders
from homeport.server.sessions import Sessions
from homeport.server.sign_in import SignInForms


class Access(msgspec.Struct, frozen=True, kw_only=True):
    """All of it is safe to use from any thread."""

    people: People
    audit: Audit
    limits: Limits
    identities: Identities
    sessions: Sessions
    administration: Administration
    job_tokens: JobTokens
    vault: Vault
    sealed_values: SealedValues
    public_url: str

    @property
    def is_secure(self) -> bool:
        """Whether people reach this server by HTTPS."""
        return self.public_url.startswith("https:")


def middleware(access: Access) -> Sequence[Middleware]:
    """The outer one first; between the two belongs what turns troubles into answers."""
    return (
        Middleware(SecurityHeaders, is_secure=access.is_secure),
        Middleware(
            Identification,
            identities=access.identities,
            limits=access.limits,
            audit=access.audit,
            public_url=access.public_url,
        ),
    )


def sign_in_forms(access: Access) -> SignInForms:
    """Where the forms of the sign-in pages are sent to."""
    return SignInForms(access.sessions, access.people, is_secure=access.is_secure)


def sign_in_routes(access: Access) -> list[BaseRoute]:
    """Before those of pages: POST only."""
    return [*sign_in_forms(access).routes]

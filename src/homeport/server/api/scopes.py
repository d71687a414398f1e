"""Whose secrets and variables an address is about: an organisation's, a repository's, an environment's."""

import msgspec

from homeport.ports.vault import VaultScope, environment_scope, organization_scope, repository_scope
from homeport.server.api.call import Call


class ScopeKind(msgspec.Struct, frozen=True, kw_only=True):
    """One of them, as operations and documentation call it. `group` is whose runs may use it: those of update bots have their own."""

    group: str = "actions"
    name: str
    words: str
    above: str
    secrets_grant: str
    variables_grant: str
    is_owners: bool = False


KINDS: tuple[ScopeKind, ...] = (
    ScopeKind(
        name="repo",
        words="a repository",
        above="/repos/{owner}/{repo}/actions",
        secrets_grant="secrets",
        variables_grant="actions_variables",
    ),
    ScopeKind(
        name="environment",
        words="an environment",
        above="/repos/{owner}/{repo}/environments/{environment_name}",
        secrets_grant="environments",
        variables_grant="environments",
    ),
    ScopeKind(
        name="org",
        words="an organisation",
        above="/orgs/{org}/actions",
        secrets_grant="organization_secrets",
        variables_grant="organization_actions_variables",
        is_owners=True,
    ),
)
KINDS_OF_BOTS: tuple[ScopeKind, ...] = (
    ScopeKind(
        group="dependabot",
        name="repo",
        words="a repository for its update bot",
        above="/repos/{owner}/{repo}/dependabot",
        secrets_grant="dependabot_secrets",
        variables_grant="",
    ),
    ScopeKind(
        group="dependabot",
        name="org",
        words="an organisation for update bots",
        above="/orgs/{org}/dependabot",
        secrets_grant="organization_dependabot_secrets",
        variables_grant="",
        is_owners=True,
    ),
)
"""Update bots have secrets only."""


def scope_of(call: Call) -> VaultScope:
    """Refused with 404 where the address names an environment that is not there."""
    scope = _scope_of(call)
    return msgspec.structs.replace(scope, is_of_bots=True) if call.group == "dependabot" else scope


def _scope_of(call: Call) -> VaultScope:
    if call.has("org"):
        return organization_scope(call.text("org"))
    if not call.has("environment_name"):
        return repository_scope(call.repository)
    name = call.text("environment_name")
    if call.parts.vault.find_environment(call.repository, name) is None:
        call.refuse_unknown()
    return environment_scope(call.repository, name)

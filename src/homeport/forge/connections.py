"""Finds for each repository the forge that it is reported to, with the credential that was given for it."""

import threading
from collections.abc import Collection

from homeport.forge import gitea, github
from homeport.forge.github_app import InstallationTokens
from homeport.forge.guard import ForgeGuard
from homeport.forge.rest import ForgeClient
from homeport.ports.clock import Clock
from homeport.ports.directory import HostedRepository
from homeport.ports.forge import (
    AppCredential,
    Forge,
    ForgeCredential,
    ForgeCredentials,
    ForgeDeniedError,
    TokenCredential,
)


class ConnectedForges:
    """A `Forges` that keeps connections open, one client for each address. Credentials are asked for anew every time, so that one that
    was replaced is used at once. Only `internal_hosts` are asked although their addresses are inside.
    """

    def __init__(self, credentials: ForgeCredentials, clock: Clock, internal_hosts: Collection[str] = ()) -> None:
        self._guard = ForgeGuard(internal_hosts)
        self._credentials = credentials
        self._clock = clock
        self._lock = threading.Lock()
        self._clients: dict[str, ForgeClient] = {}
        self._tokens: dict[tuple[str, AppCredential], InstallationTokens] = {}

    def find(self, repository: HostedRepository) -> Forge | None:
        """None where nothing is to be told, or nobody has said how."""
        if repository.origin == "own" or not repository.server_url:
            return None
        credential = self._credentials.find(repository)
        return None if credential is None else self._open(repository, credential)

    def close(self) -> None:
        """Close all connections."""
        with self._lock:
            clients = list(self._clients.values())
            self._clients.clear()
        for client in clients:
            client.close()

    def _open(self, repository: HostedRepository, credential: ForgeCredential) -> Forge:
        if repository.origin == "gitea":
            if isinstance(credential, AppCredential):
                raise ForgeDeniedError("a GitHub App's key was given for a repository of Gitea: give a token instead")
            return gitea.GiteaStatuses(
                self._client(gitea.api_address(repository.server_url)), repository, credential.token
            )
        client = self._client(github.api_address(repository.server_url))
        if isinstance(credential, TokenCredential):
            token = credential.token
            return github.GitHubStatuses(client, repository, lambda: token, lambda: False)
        tokens = self._installation(client, repository, credential)
        return github.GitHubChecks(client, repository, tokens.get, tokens.drop)

    def _client(self, address: str) -> ForgeClient:
        with self._lock:
            client = self._clients.get(address)
        if client is not None:
            return client
        self._guard.check(address)
        with self._lock:
            return self._clients.setdefault(address, ForgeClient(address, self._clock, self._guard))

    def _installation(
        self, client: ForgeClient, repository: HostedRepository, credential: AppCredential
    ) -> InstallationTokens:
        key = f"{repository.server_url}/{repository.full_name}".lower(), credential
        with self._lock:
            tokens = self._tokens.get(key)
            if tokens is None:
                tokens = self._tokens[key] = InstallationTokens(client, repository, credential, self._clock)
            return tokens

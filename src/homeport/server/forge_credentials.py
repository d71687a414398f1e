"""Keeps what this server shows to forges among the vault's own values: for a repository, for an owner, for a whole forge."""

from datetime import datetime
from typing import Literal

import msgspec

from homeport.ports.directory import HostedRepository
from homeport.ports.forge import AppCredential, ForgeCredential, TokenCredential
from homeport.ports.repositories import StoreError
from homeport.ports.vault import Vault


class CredentialTarget(msgspec.Struct, frozen=True):
    """What a credential is for. The closest counts: the repository's, else its owner's, else the forge's."""

    server_url: str
    owner: str = ""
    repository: int = 0

    @property
    def key(self) -> str:
        """As the vault calls it."""
        if self.repository:
            return f"forge/repository/{self.repository}"
        server = self.server_url.rstrip("/").lower()
        return f"forge/owner/{server}/{self.owner.lower()}" if self.owner else f"forge/server/{server}"


class _Kept(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    token: str = ""
    app_id: str = ""
    private_key: str = ""


class VaultForgeCredentials:
    """A `ForgeCredentials`. Safe from any thread."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def find(self, repository: HostedRepository) -> ForgeCredential | None:
        """Read anew every time, and kept nowhere."""
        for target in targets_of(repository):
            kept = self._vault.find_system(target.key)
            if kept is not None:
                return _read(kept)
        return None

    def find_kind(self, target: CredentialTarget) -> Literal["none", "token", "app"]:
        """What was given for exactly this target."""
        kept = self._vault.find_system(target.key)
        if kept is None:
            return "none"
        return "app" if isinstance(_read(kept), AppCredential) else "token"

    def put(self, target: CredentialTarget, credential: ForgeCredential, *, at: datetime) -> None:
        """Give one, or replace it: used from the next message on."""
        if isinstance(credential, TokenCredential):
            kept = _Kept(token=credential.token)
        else:
            kept = _Kept(app_id=credential.app_id, private_key=credential.private_key)
        self._vault.put_system(target.key, msgspec.json.encode(kept).decode(), at=at)

    def remove(self, target: CredentialTarget) -> None:
        """Removing what is not there is no error."""
        self._vault.remove_system(target.key)


def own_target(repository: HostedRepository) -> CredentialTarget:
    """The repository itself."""
    return CredentialTarget(repository.server_url, repository.owner, repository.id)


def targets_of(repository: HostedRepository) -> tuple[CredentialTarget, ...]:
    """What a repository's credential is looked for under, the closest first."""
    server = repository.server_url
    return (
        own_target(repository),
        CredentialTarget(server, repository.owner),
        CredentialTarget(server),
    )


def _read(kept: str) -> ForgeCredential:
    try:
        read = msgspec.json.decode(kept, type=_Kept)
    except msgspec.DecodeError as error:
        raise StoreError("a forge's credential in the vault cannot be read") from error
    return AppCredential(read.app_id, read.private_key) if read.app_id else TokenCredential(read.token)

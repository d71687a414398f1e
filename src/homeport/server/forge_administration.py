"""What people do about forges: give this server what it shows to them, and the secrets that they sign webhooks with. All of it is audited."""

from homeport.ports.clock import Clock
from homeport.ports.directory import HostedRepository, RepositoryDirectory
from homeport.ports.forge import ForgeCredential
from homeport.ports.vault import Vault
from homeport.server.audit import Audit
from homeport.server.credentials import WEBHOOK, make_credential
from homeport.server.delivery import Delivery
from homeport.server.forge_credentials import CredentialTarget, VaultForgeCredentials
from homeport.server.hooks import SERVER_SECRET, secret_name
from homeport.server.parts import ServerParts
from homeport.server.people import Actor


class ForgeAdministration:
    """Not for the event loop; safe from any thread. Whether somebody may is the caller's to ask. Raises `StoreError`."""

    def __init__(
        self,
        credentials: VaultForgeCredentials,
        vault: Vault,
        delivery: Delivery,
        directory: RepositoryDirectory,
        audit: Audit,
        clock: Clock,
    ) -> None:
        self.credentials = credentials
        """for reading"""
        self._vault = vault
        self._delivery = delivery
        self._directory = directory
        self._audit = audit
        self._clock = clock

    def put(self, by: Actor, target: CredentialTarget, credential: ForgeCredential) -> None:
        """Give a credential, or replace it. What waited for it is told at once."""
        self.credentials.put(target, credential, at=self._clock.now())
        self._note(by, "forge-credential.changed", self.name_of(target))
        self._try_again(target)

    def remove(self, by: Actor, target: CredentialTarget) -> bool:
        """Forget one; False where there was none."""
        if self.credentials.find_kind(target) == "none":
            return False
        self.credentials.remove(target)
        self._note(by, "forge-credential.removed", self.name_of(target))
        self._try_again(target)
        return True

    def has_webhook_secret(self, repository: HostedRepository | None) -> bool:
        """Whether there is one for a repository; None: the one that all of them share."""
        return self._vault.find_system(_secret_name(repository)) is not None

    def make_webhook_secret(self, by: Actor, repository: HostedRepository | None) -> str:
        """A new secret: shown this once. The former one is good for nothing any more, seconds later."""
        secret = make_credential(WEBHOOK)
        self._vault.put_system(_secret_name(repository), secret, at=self._clock.now())
        self._note(by, "webhook-secret.created", "server" if repository is None else repository.full_name)
        return secret

    def addresses(self, owner: str = "") -> list[str]:
        """The forges that repositories (of this owner, where one is named) come from."""
        chosen = {
            each.server_url
            for each in self._directory.list()
            if each.origin != "own" and owner.lower() in ("", each.owner.lower())
        }
        return sorted(chosen)

    def find_address(self, server_url: str) -> str | None:
        """As the directory writes it; None where no repository comes from there."""
        wanted = server_url.rstrip("/").lower()
        return next((each for each in self.addresses() if each.rstrip("/").lower() == wanted), None)

    def name_of(self, target: CredentialTarget) -> str:
        """For people: the repository, `owner at https://…`, or the forge's address."""
        if target.repository:
            found = self._directory.get(target.repository)
            return str(target.repository) if found is None else found.full_name
        return f"{target.owner} at {target.server_url}" if target.owner else target.server_url

    def _try_again(self, target: CredentialTarget) -> None:
        for repository in self._directory.list():
            is_meant = target.repository == repository.id or (
                not target.repository
                and repository.server_url.rstrip("/").lower() == target.server_url.rstrip("/").lower()
                and target.owner.lower() in ("", repository.owner.lower())
            )
            if is_meant and repository.origin != "own":
                self._delivery.try_now(repository)

    def _note(self, by: Actor, action: str, target: str) -> None:
        self._audit.note(by.caller, action, target, address=by.address)


def _secret_name(repository: HostedRepository | None) -> str:
    return SERVER_SECRET if repository is None else secret_name(repository)


def open_forges(parts: ServerParts) -> ForgeAdministration:
    """Of what the server has put together."""
    return ForgeAdministration(
        parts.results.credentials,
        parts.access.vault,
        parts.results.delivery,
        parts.directory,
        parts.access.audit,
        parts.clock,
    )

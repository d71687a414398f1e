"""A repository of a forge on a served server: what an administrator does, and what the forge then sends."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from homeport.ports.directory import HostedRepository, RepositorySettings
from homeport.ports.forge import ForgeCredential
from homeport.server.forge_credentials import VaultForgeCredentials, targets_of
from homeport.store.data_folder import DataFolder
from homeport.store.key_ring import KeyRing
from homeport.store.tables.database import Database
from homeport.store.tables.directory import TableDirectory
from homeport.store.vault import TableVault
from tests.support.forges.gitea import GiteaStandIn
from tests.support.forges.github import GitHubStandIn
from tests.support.forges.hooks import SECRET, deliver_push
from tests.support.git_folders import commit, init
from tests.support.git_http import GitServer
from tests.support.serve import ServedProcess

Forge = GitHubStandIn | GiteaStandIn


@contextmanager
def database_of(server: ServedProcess) -> Iterator[Database]:
    """What the server has written, and what is written beside it."""
    database = Database(f"sqlite:///{server.folder / 'homeport.db'}")
    try:
        yield database
    finally:
        database.close()


def kind_of(forge: Forge) -> str:
    """As addresses of webhooks name it."""
    return "github" if isinstance(forge, GitHubStandIn) else "gitea"


def connect(
    server: ServedProcess,
    forge: Forge,
    hosting: GitServer,
    credential: ForgeCredential | None,
    settings: RepositorySettings | None = None,
) -> HostedRepository:
    """What an administrator does: the repository, the webhook's secret, the credential."""
    folder = DataFolder(str(server.folder))
    with database_of(server) as database:
        vault = TableVault(database, KeyRing(folder.keys))
        repository = TableDirectory(database).add(
            HostedRepository(
                id=0,
                owner="octo",
                name="app",
                origin="github" if isinstance(forge, GitHubStandIn) else "gitea",
                server_url=forge.url,
                clone_url=f"{hosting.address}/octo/app",
                settings=settings or RepositorySettings(),
            )
        )
        now = datetime.now(UTC)
        vault.put_system("webhook", SECRET, at=now)
        if credential is not None:
            VaultForgeCredentials(vault).put(targets_of(repository)[0], credential, at=now)
    return repository


def publish(hosting: GitServer, text: str) -> str:
    """A commit with this workflow at the forge."""
    folder = hosting.root / "octo" / "app"
    if not folder.exists():
        init(folder)
    (folder / ".github" / "workflows").mkdir(parents=True, exist_ok=True)
    (folder / ".github" / "workflows" / "ci.yml").write_text(text)
    return commit(folder)


def push(server: ServedProcess, forge: Forge, sha: str) -> None:
    """The forge announces it."""
    assert deliver_push(server.url, kind_of(forge), "octo/app", sha).status_code == 202

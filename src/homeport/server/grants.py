"""What a job of the server is given: the secrets that it names, a token of its own, and the repository to read."""

from homeport.coordinator.surroundings import GrantError, JobGrant
from homeport.event import Event
from homeport.plan.model import Leg
from homeport.ports.directory import HostedRepository, RepositoryDirectory
from homeport.ports.vault import Vault
from homeport.run.job_numbers import number_leased
from homeport.run.order import ALWAYS_PASSED, gather_contexts
from homeport.run.state import RunState
from homeport.server.job_tokens import JobTokens
from homeport.store.data_folder import DataFolder
from homeport.toolkit.claims import JobIdentity, describe_job

_OF_FORKS = frozenset({"pull_request", "pull_request_review", "pull_request_review_comment"})
"""Events that carry out what a pull request brought; the rest runs what is on a branch of the repository itself."""
_UPDATE_BOTS = frozenset({"dependabot[bot]"})
_OF_BOTS = _OF_FORKS | {"push", "create", "deployment", "deployment_status"}
"""Events whose runs are not trusted when an update bot has caused them."""
_BRANCHES_OF_BOTS = "dependabot/"


class ServerGrants:
    """A `JobGrants`."""

    def __init__(self, directory: RepositoryDirectory, vault: Vault, tokens: JobTokens, folder: DataFolder) -> None:
        self._directory = directory
        self._vault = vault
        self._tokens = tokens
        self._folder = folder

    def grant(self, run: RunState, leg: Leg, lease: str, names: frozenset[str] | None) -> JobGrant:
        """What is not trusted gets no secrets, and a token that only reads; what an update bot has caused gets those that are for such runs.

        Only jobs of this server's own repositories hold its token: those of a forge's would carry it there, where nobody knows it. They
        have a stand-in, as in local runs, and their runner asks this server for them. Tokens that ask for identity tokens are of this
        server in any case.
        """
        repository = self._directory.get(run.repository_id)
        if repository is None:
            raise GrantError("the repository of this run is not on this server any more")
        trusted = is_trusted(run.plan.event, repository)
        environment = None if leg.environment is None else leg.environment.name
        is_of_bot = has_secrets_of_bots(run.plan.event, repository)
        secrets = self._vault.secrets_for(
            repository, environment, trusted=trusted or is_of_bot, names=names, is_of_bots=is_of_bot
        )
        token = self._tokens.issue(
            lease=lease,
            run=run.id,
            job=leg.key,
            repository=repository.full_name,
            grants=leg.permissions,
            is_trusted=trusted,
        )
        is_own = repository.origin == "own"
        if is_own:
            secrets[ALWAYS_PASSED] = token
        return JobGrant(
            secrets=secrets,
            server_token="" if is_own else token,
            identity_token=self._issue_identity(run, leg, lease, repository) if trusted else "",
            source=self._folder.repository(repository.id),
        )

    def _issue_identity(self, run: RunState, leg: Leg, lease: str, repository: HostedRepository) -> str:
        """Only where `permissions` say so. What it says of the job is settled here: nobody who asks has a say in it."""
        if leg.permissions.get("id-token") != "write":
            return ""
        contexts = gather_contexts(run, leg.key)
        identity = JobIdentity(
            github=contexts.github,
            environment=None if leg.environment is None else leg.environment.name,
            workflow_file=contexts.workflow.file,
            origin=contexts.workflow.origin,
            check_run_id=number_leased(lease),
        )
        return self._tokens.issue_identity(
            lease=lease, run=run.id, job=leg.key, repository=repository.full_name, claims=describe_job(identity)
        )


def is_trusted(event: Event, repository: HostedRepository) -> bool:
    """Whether a run is given secrets and may write. Not so: a pull request from a fork, an update bot's, and shadow mode.

    Source: GitHub docs, "Events that trigger workflows" (pull requests from forks), "Troubleshooting Dependabot on GitHub Actions".
    """
    if repository.settings.is_shadow or _is_of_update_bot(event):
        return False
    return event.name not in _OF_FORKS or _is_within(event)


def has_secrets_of_bots(event: Event, repository: HostedRepository) -> bool:
    """Whether a run is given the secrets that are for update bots: a bot of the repository itself, not one of a fork, has caused it."""
    if repository.settings.is_shadow or event.name not in _OF_BOTS or not _is_of_update_bot(event):
        return False
    return event.name not in _OF_FORKS or _is_within(event)


def _is_of_update_bot(event: Event) -> bool:
    """Whether an update bot has caused what is not trusted for that. Its pull requests are, on `pull_request_target`: those run what is on a
    branch of the repository itself, unless that branch is the bot's own. Who runs it again does not matter.
    """
    if event.actor not in _UPDATE_BOTS:
        return False
    if event.name != "pull_request_target":
        return event.name in _OF_BOTS
    pull_request = event.payload.get("pull_request")
    base = pull_request.get("base") if isinstance(pull_request, dict) else None
    ref = base.get("ref") if isinstance(base, dict) else None
    return not isinstance(ref, str) or ref.startswith(_BRANCHES_OF_BOTS)


def _is_within(event: Event) -> bool:
    """Whether a pull request is certain to come from the repository itself: a payload that does not say so is not trusted."""
    pull_request = event.payload.get("pull_request")
    if not isinstance(pull_request, dict):
        return False
    head, base = (_find_repository(pull_request.get(side)) for side in ("head", "base"))
    return head is not None and head == base


def _find_repository(side: object) -> object:
    repository = side.get("repo") if isinstance(side, dict) else None
    return repository.get("id") if isinstance(repository, dict) else None

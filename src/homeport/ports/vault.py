"""Secrets and variables: whose they are, what they are called, and how jobs get them."""

import re
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Literal, Protocol

import msgspec

from homeport.ports.directory import HostedRepository

Visibility = Literal["all", "private", "selected"]
"""Which repositories of an organisation may use a secret or variable of its."""

Choose = Callable[[frozenset[int]], Collection[int]]
"""From the numbers of repositories that may use something to those that may from now on. To be pure."""

LARGEST_VALUE = 48 * 1024
"""bytes, of a secret and of a variable (GitHub docs: "Limits for secrets", "Limits for configuration variables")"""
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LONGEST_NAME = 255


class VaultScope(msgspec.Struct, frozen=True):
    """Whose: an organisation's (an owner's), a repository's (by its number, so that it stays through renames), an environment's of a
    repository, or the server's own (what it shows to forges). `is_of_bots`: what is for the runs of update bots only.
    """

    kind: Literal["organization", "repository", "environment", "system"]
    owner: str = ""
    repository: int = 0
    environment: str = ""
    is_of_bots: bool = False

    @property
    def key(self) -> str:
        """The same as text, in one way only."""
        return f"bots/{self._own_key}" if self.is_of_bots else self._own_key

    @property
    def _own_key(self) -> str:
        match self.kind:
            case "organization":
                return f"organization:{self.owner.lower()}"
            case "repository":
                return f"repository:{self.repository}"
            case "environment":
                return f"environment:{self.repository}:{self.environment.lower()}"
            case "system":
                return "system"


SYSTEM = VaultScope("system")


def organization_scope(owner: str) -> VaultScope:
    """Of all repositories of an owner."""
    return VaultScope("organization", owner=owner)


def repository_scope(repository: HostedRepository) -> VaultScope:
    """Of one repository."""
    return VaultScope("repository", repository=repository.id)


def environment_scope(repository: HostedRepository, environment: str) -> VaultScope:
    """Of one environment; its name is compared without case."""
    return VaultScope("environment", repository=repository.id, environment=environment)


class SecretEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A secret without its value, which is never shown again. `name` is in upper case."""

    name: str
    visibility: Visibility = "all"
    repositories: tuple[int, ...] = ()
    """those that may use it, where `selected`"""
    created_at: datetime
    updated_at: datetime


class VariableEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A variable, with its value: it is no secret."""

    name: str
    value: str
    visibility: Visibility = "all"
    repositories: tuple[int, ...] = ()
    created_at: datetime
    updated_at: datetime


class Environment(msgspec.Struct, frozen=True, kw_only=True):
    """A deployment environment of a repository."""

    id: int
    name: str
    created_at: datetime


class VaultError(Exception):
    """A secret, variable or environment cannot be kept as was asked, in words."""


class VariableTakenError(VaultError):
    """There is a variable of this name already."""


def check_name(name: str) -> str:
    """The name as it is kept: in upper case. Raises `VaultError`.

    Source: GitHub docs, "Using secrets in GitHub Actions: Naming your secrets", the same for variables.
    """
    if not _NAME.fullmatch(name) or len(name) > _LONGEST_NAME:
        raise VaultError(
            f"{name[:100]!r} is no name: letters, digits and _, not a digit at the beginning, and no spaces"
        )
    if name.upper().startswith("GITHUB_"):
        raise VaultError(f"{name!r} is no name: what begins with GITHUB_ is GitHub's")
    return name.upper()


def check_value(value: str, name: str) -> None:
    """Raises `VaultError`, without the value itself in the message, of course."""
    try:
        size = len(value.encode())
    except UnicodeEncodeError as error:
        raise VaultError(f"the value of {name} is not text: it has halves of characters") from error
    if not size:
        raise VaultError(f"{name} has no value")
    if size > LARGEST_VALUE:
        raise VaultError(f"the value of {name} has {size:,} bytes: at most {LARGEST_VALUE:,} (48 KB) are kept")
    if "\0" in value:
        raise VaultError(f"the value of {name} has a NUL byte: no environment variable can hold it")


def may_use(entry: SecretEntry | VariableEntry, repository: HostedRepository) -> bool:
    """Whether a repository may use what belongs to its organisation."""
    match entry.visibility:
        case "all":
            return True
        case "private":
            return repository.is_private
        case "selected":
            return repository.id in entry.repositories


class Vault(Protocol):
    """Safe from any thread; what was changed is durable when a call returns. All may raise `StoreError`.

    Values of secrets go in, and come out for jobs only (`secrets_for`), or for this server itself (`find_system`).
    """

    def put_secret(
        self,
        scope: VaultScope,
        name: str,
        value: str,
        *,
        at: datetime,
        visibility: Visibility | None = None,
        repositories: Collection[int] | None = None,
    ) -> bool:
        """Keep a value; True where there was none of this name. What is None stays as it is (new: `all`). Raises `VaultError`."""
        ...

    def secrets(self, scope: VaultScope) -> Sequence[SecretEntry]:
        """By name."""
        ...

    def find_secret(self, scope: VaultScope, name: str) -> SecretEntry | None:
        """In any case."""
        ...

    def share_secret(self, scope: VaultScope, name: str, visibility: Visibility, repositories: Collection[int]) -> bool:
        """Who of the organisation may use it; False where there is none."""
        ...

    def choose_for_secret(self, scope: VaultScope, name: str, choose: Choose) -> bool:
        """Change which repositories of the organisation may use it, where that is for chosen ones; else False."""
        ...

    def remove_secret(self, scope: VaultScope, name: str) -> bool:
        """False where there was none."""
        ...

    def put_variable(
        self,
        scope: VaultScope,
        name: str,
        value: str,
        *,
        at: datetime,
        visibility: Visibility | None = None,
        repositories: Collection[int] | None = None,
        must_be_new: bool = False,
    ) -> bool:
        """As `put_secret`. Raises `VariableTakenError` where it `must_be_new` and there is one: of several at once one is kept."""
        ...

    def change_variable(
        self,
        scope: VaultScope,
        name: str,
        *,
        at: datetime,
        new_name: str | None = None,
        value: str | None = None,
        visibility: Visibility | None = None,
        repositories: Collection[int] | None = None,
    ) -> bool:
        """What is None stays as it is; False where there is none of this name. Raises `VaultError`, and `VariableTakenError` where another
        one has the new name.
        """
        ...

    def variables(self, scope: VaultScope) -> Sequence[VariableEntry]:
        """By name."""
        ...

    def find_variable(self, scope: VaultScope, name: str) -> VariableEntry | None:
        """In any case."""
        ...

    def choose_for_variable(self, scope: VaultScope, name: str, choose: Choose) -> bool:
        """As `choose_for_secret`."""
        ...

    def remove_variable(self, scope: VaultScope, name: str) -> bool:
        """False where there was none."""
        ...

    def secrets_for(
        self,
        repository: HostedRepository,
        environment: str | None,
        *,
        trusted: bool,
        names: Collection[str] | None = None,
        is_of_bots: bool = False,
    ) -> dict[str, str]:
        """What a job of this repository and environment may be given, the closest scope first: environment, repository, organisation.
        The runs of update bots have secrets of their own, and no others.

        `names` (in any case) are those that it names; None: it may name any. Nothing for what is not `trusted`: pull requests from
        forks, and shadow mode.
        """
        ...

    def variables_for(self, repository: HostedRepository, environment: str | None = None) -> dict[str, str]:
        """The `vars` context, with the same precedence."""
        ...

    def put_system(self, name: str, value: str, *, at: datetime) -> None:
        """What this server shows to others (a forge's token), or they to it (a webhook's secret). Any name."""
        ...

    def find_system(self, name: str) -> str | None:
        """To be used at once, and kept nowhere."""
        ...

    def remove_system(self, name: str) -> None:
        """Removing what is not there is no error."""
        ...

    def environments(self, repository: HostedRepository) -> Sequence[Environment]:
        """By name."""
        ...

    def find_environment(self, repository: HostedRepository, name: str) -> Environment | None:
        """In any case."""
        ...

    def add_environment(self, repository: HostedRepository, name: str, *, at: datetime) -> Environment:
        """The one of this name, which is made where there is none. Raises `VaultError`."""
        ...

    def remove_environment(self, repository: HostedRepository, name: str) -> bool:
        """With its secrets and variables; False where there was none."""
        ...

    def forget_repository(self, repository: int) -> None:
        """With all that is its."""
        ...

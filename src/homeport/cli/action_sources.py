"""Where published actions and workflows are looked for, as the command line and the environment say."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from homeport.cli.clock import SystemClock
from homeport.cli.console import Console
from homeport.cli.errors import UsageError
from homeport.cli.home import find_home
from homeport.cli.options import Option

if TYPE_CHECKING:
    from homeport.store.action_locations import Locations
    from homeport.store.actions_folder import FolderActions
    from homeport.store.remote_workflows import RemoteWorkflows

VARIABLE = "HOMEPORT_ACTION_SOURCE"
"""Sources, separated by blanks, that come after those of the command line."""

ACTION_SOURCE = Option(
    name="--action-source",
    value="SOURCE",
    help="where published actions are: an address or folder that holds owner/repo, or owner/repo=FOLDER (default: https://github.com)",
    repeat=True,
)


def check_sources(given: Sequence[str], console: Console) -> tuple[str, ...]:
    """The sources of the command line, with whole paths. Raises `UsageError` for one that makes no sense."""
    if given:
        _parse(given, console)
    return tuple(_complete(text, console.folder) for text in given)


def _complete(text: str, folder: str) -> str:
    """So that a re-run from another folder means the same."""
    head, equals, path = text.rpartition("=")
    is_path = "://" not in text and not path.startswith(("/", "~"))
    return f"{head}{equals}{folder}/{path}" if is_path else text


def open_actions(given: Sequence[str], console: Console) -> "FolderActions":
    """The store of published actions. Raises `UsageError` for a source that makes no sense."""
    from homeport.store.actions_folder import FolderActions  # noqa: PLC0415 - only for what uses published actions

    texts = [*given, *console.environment.get(VARIABLE, "").split()]
    return FolderActions(find_home(console.environment), _parse(texts, console), console.environment, SystemClock())


def make_remote_workflows(given: Sequence[str], console: Console) -> "Callable[[], RemoteWorkflows]":
    """Opens what fetches the workflows of other repositories, the first time it is asked; the same one each time."""
    made: list[RemoteWorkflows] = []

    def open_remote() -> "RemoteWorkflows":
        if not made:
            from homeport.store.remote_workflows import RemoteWorkflows  # noqa: PLC0415 - few workflows call others

            made.append(RemoteWorkflows(lambda: open_actions(given, console)))
        return made[0]

    return open_remote


def find_repository(given: Sequence[str], console: Console, repository: str, ref: str) -> str | None:
    """Where a repository that a job checks out is to be read: as actions are, but from its own server where no source was named at all.

    An address or a folder; empty for its own server; None where none of the named folders has it.
    """
    texts = [*given, *console.environment.get(VARIABLE, "").split()]
    if not texts:
        return ""
    found = _parse(texts, console).list(repository, ref)
    return found[0].address if found else None


def _parse(texts: Sequence[str], console: Console) -> "Locations":
    from homeport.store.action_locations import SourceSyntaxError, parse_sources  # noqa: PLC0415 - seldom needed

    try:
        return parse_sources(texts, console.folder)
    except SourceSyntaxError as error:
        raise UsageError(f"an action source: {error}") from error

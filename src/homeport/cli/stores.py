"""Opens what is kept under `HOMEPORT_HOME`."""

from collections.abc import Mapping

from homeport.cli.home import find_home
from homeport.coordinator.surroundings import Stores
from homeport.store.control_folder import FolderControls
from homeport.store.groups_folder import FolderConcurrencyGroups
from homeport.store.logs_folder import FolderLogs
from homeport.store.runs_folder import FolderRuns


def open_stores(environment: Mapping[str, str]) -> Stores:
    """The folder stores of this user. Nothing is made before something is kept."""
    home = find_home(environment)
    runs = FolderRuns(home)
    return Stores(
        runs=runs,
        logs=FolderLogs(home),
        groups=lambda repository: FolderConcurrencyGroups(home, repository, runs.is_open),
        controls=FolderControls(home),
    )

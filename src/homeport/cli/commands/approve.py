"""`homeport approve`: let a run of a pull request from a fork start."""

from homeport.cli.console import Console
from homeport.cli.deciding import decide
from homeport.cli.options import FORMAT, Command, Options
from homeport.cli.server_client import SERVER

COMMAND = Command(
    name="approve",
    summary="let a run of a pull request from a fork start",
    arguments="[RUN]",
    most=1,
    options=(SERVER, FORMAT),
    details="Approved is the pull request's head commit: whatever it started begins. Without RUN those that wait are listed.",
)


def main(options: Options, console: Console) -> int:
    """Raises `CommandError`."""
    return decide("approve", options, console)

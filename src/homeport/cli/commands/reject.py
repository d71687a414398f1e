"""`homeport reject`: keep a run of a pull request from a fork from starting."""

from homeport.cli.console import Console
from homeport.cli.deciding import decide
from homeport.cli.options import FORMAT, Command, Options
from homeport.cli.server_client import SERVER

COMMAND = Command(
    name="reject",
    summary="keep a run of a pull request from a fork from starting",
    arguments="[RUN]",
    most=1,
    options=(SERVER, FORMAT),
    details="Rejected is the pull request's head commit: nothing that it started begins. Without RUN those that wait are listed.",
)


def main(options: Options, console: Console) -> int:
    """Raises `CommandError`."""
    return decide("reject", options, console)

"""`homeport environment`: the deployment environments of a repository of a server: add, list, remove."""

import msgspec

from homeport.cli.console import Console
from homeport.cli.errors import OK, UsageError
from homeport.cli.options import FORMAT, Command, Option, Options
from homeport.cli.server_client import SERVER, open_client, print_json, print_table, repository_path, segment
from homeport.cli.verbs import split_verb

COMMAND = Command(
    name="environment",
    summary="the deployment environments of a repository of a server",
    arguments="add NAME | list | remove NAME",
    fewest=1,
    most=2,
    options=(SERVER, Option(name="--repo", value="OWNER/NAME", help="of which repository"), FORMAT),
    details="Secrets and variables of an environment: `homeport secret set NAME --repo OWNER/NAME --environment NAME`.",
)


class EnvironmentRow(msgspec.Struct, frozen=True):
    """What a list says of each."""

    id: int
    name: str
    created_at: str = ""


class EnvironmentPage(msgspec.Struct, frozen=True):
    """A list of them."""

    total_count: int
    environments: list[EnvironmentRow]


def main(options: Options, console: Console) -> int:
    """Raises `CommandError`."""
    verb, rest = split_verb(options.arguments, {"add": 1, "list": 0, "remove": 1})
    repository = options.find("--repo")
    if repository is None:
        raise UsageError("of which repository?", "--repo owner/name")
    above = f"/api/v3/repos/{repository_path(repository)}/environments"
    client = open_client(options, console)
    if verb == "add":
        client.do("PUT", f"{above}/{segment(rest[0])}", {})
        console.say(f"{rest[0]} is there")
    elif verb == "remove":
        client.do("DELETE", f"{above}/{segment(rest[0])}")
        console.say(f"{rest[0]} is removed, with its secrets and variables")
    else:
        rows = client.get(above, EnvironmentPage, {"per_page": "100"}).environments
        if options.get("--format", "text") == "json":
            print_json(console, rows)
        else:
            print_table(console, [(row.name, row.created_at) for row in rows])
    return OK

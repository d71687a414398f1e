"""`homeport variable`: the variables (`vars`) of a server: set, list, remove."""

from urllib.parse import quote

import msgspec

from homeport.cli.commands.secret import shared_with
from homeport.cli.console import Console
from homeport.cli.errors import OK
from homeport.cli.options import FORMAT, Command, Options
from homeport.cli.server_client import SERVER, ServerClient, open_client, print_json, print_table
from homeport.cli.vault_scope import SCOPE_OPTIONS, scope_path
from homeport.cli.verbs import split_verb

COMMAND = Command(
    name="variable",
    summary="variables of a server's organisations, repositories and environments",
    arguments="set NAME VALUE | list | remove NAME",
    fewest=1,
    most=3,
    options=(SERVER, *SCOPE_OPTIONS, FORMAT),
    details="What is secret belongs into `homeport secret`: variables are shown to everybody who may see the repository.",
)


class VariableRow(msgspec.Struct, frozen=True):
    """What a list says of each."""

    name: str
    value: str
    updated_at: str = ""
    visibility: str = ""


class VariablePage(msgspec.Struct, frozen=True):
    """A list of them."""

    total_count: int
    variables: list[VariableRow]


def main(options: Options, console: Console) -> int:
    """Raises `CommandError`."""
    verb, rest = split_verb(options.arguments, {"set": 2, "list": 0, "remove": 1})
    above = scope_path(options, "variables")
    client = open_client(options, console)
    known = _list(client, above)
    if verb == "set":
        _set(client, above, rest[0], rest[1], known, options)
        console.say(f"{rest[0].upper()} is set")
    elif verb == "remove":
        client.do("DELETE", f"{above}/{quote(rest[0], safe='')}")
        console.say(f"{rest[0].upper()} is removed")
    elif options.get("--format", "text") == "json":
        print_json(console, known)
    else:
        print_table(console, [(row.name, row.value, row.visibility) for row in known])
    return OK


def _set(client: ServerClient, above: str, name: str, value: str, known: list[VariableRow], options: Options) -> None:
    """GitHub's interface has one way to make and another to change."""
    body = {"name": name, "value": value, **shared_with(client, options)}
    if any(row.name == name.upper() for row in known):
        client.do("PATCH", f"{above}/{quote(name, safe='')}", body)
    else:
        client.do("POST", above, {"visibility": "all", **body} if "/orgs/" in above else body)


def _list(client: ServerClient, above: str) -> list[VariableRow]:
    rows: list[VariableRow] = []
    for number in range(1, 100):
        page = client.get(above, VariablePage, {"per_page": "30", "page": str(number)})
        rows += page.variables
        if len(rows) >= page.total_count or not page.variables:
            break
    return rows

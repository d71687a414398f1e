"""`homeport forge`: what a server shows to forges, and the secrets that they sign webhooks with."""

from typing import Literal

import msgspec

from homeport.cli.commands.secret import read_value
from homeport.cli.console import Console
from homeport.cli.errors import OK, UsageError
from homeport.cli.options import FORMAT, Command, Option, Options
from homeport.cli.server_client import SERVER, ServerClient, open_client, print_json, print_table
from homeport.cli.verbs import split_verb

_ABOVE = "/api/homeport/v1/forges"

COMMAND = Command(
    name="forge",
    summary="a server's credentials for forges, and the secrets of webhooks",
    arguments="list | set | remove | webhook",
    fewest=1,
    most=1,
    options=(
        SERVER,
        Option(name="--repo", value="OWNER/NAME", help="of one repository"),
        Option(name="--org", value="OWNER", help="set, remove: of all repositories of an owner at the forge of --url"),
        Option(name="--url", value="URL", help="set, remove: the forge; without --org of all of its repositories"),
        Option(
            name="--app", value="ID", help="set: the value is the private key (PEM) of the GitHub App with this number"
        ),
        Option(name="--from-file", value="FILE", help="set: the value is the file's content"),
        Option(name="--from-env", value="NAME", help="set: the value is that of an environment variable"),
        FORMAT,
    ),
    details=(
        "`set` reads a token (or, with --app, a key) from stdin, a file or the environment; the closest counts: a repository's,\n"
        "its owner's, its forge's. `webhook` makes a secret and prints it, this once: that of a repository, or, without --repo,\n"
        "the one that all repositories share. The former one is good for nothing any more."
    ),
)


class ForgeRow(msgspec.Struct, frozen=True):
    """What was given for a forge, an owner at it, or a repository."""

    target: str
    kind: str
    server_url: str
    credential: Literal["none", "token", "app"]
    has_webhook_secret: bool | None = None


class WebhookSecret(msgspec.Struct, frozen=True):
    """What to give to the forge."""

    secret: str


def main(options: Options, console: Console) -> int:
    """Raises `CommandError`."""
    verb, _ = split_verb(options.arguments, {"list": 0, "set": 0, "remove": 0, "webhook": 0})
    is_json = options.get("--format", "text") == "json"
    target = _read_target(verb, options)
    if verb == "list":
        rows = open_client(options, console).get(_ABOVE, list[ForgeRow])
        if is_json:
            print_json(console, rows)
        else:
            print_table(console, [_row(row) for row in rows])
    elif verb == "webhook":
        client = open_client(options, console)
        made = client.send("POST", f"{_ABOVE}/webhook-secret", target, WebhookSecret)
        if is_json:
            print_json(console, made)
        else:
            console.print(made.secret)
            console.say("give it to the forge: it is not shown again")
    else:
        credential = _read_credential(options, console) if verb == "set" else {}
        shown = _put(open_client(options, console), target, credential)
        if is_json:
            print_json(console, shown)
        else:
            console.say(f"{shown.target}: {'nothing' if shown.credential == 'none' else shown.credential} is shown now")
    return OK


def _read_target(verb: str, options: Options) -> dict[str, str]:
    """Raises `UsageError`."""
    repository, owner, url = (options.find(name) for name in ("--repo", "--org", "--url"))
    if verb in ("list", "webhook") and (owner or url):
        raise UsageError(f"--org and --url belong to set and remove, not to {verb}")
    if verb == "list" and repository:
        raise UsageError("--repo belongs to set, remove and webhook: list shows all that you may change")
    if verb != "set" and options.find("--app"):
        raise UsageError("--app belongs to set")
    if verb in ("set", "remove") and bool(repository) == bool(url):
        raise UsageError(
            "for what? one of --repo and --url is needed", "--repo owner/name, or --url https://github.com"
        )
    if repository and owner:
        raise UsageError("--org belongs to --url: a repository's is its own")
    given = {"repository": repository, "owner": owner, "server_url": url}
    return {name: value for name, value in given.items() if value}


def _read_credential(options: Options, console: Console) -> dict[str, str]:
    """Raises `CommandError`."""
    value, app = read_value(options, console).strip(), options.find("--app")
    if not value:
        raise UsageError("the value is empty", "homeport forge remove forgets one")
    return {"token": value} if app is None else {"app_id": app, "private_key": value + "\n"}


def _put(client: ServerClient, target: dict[str, str], credential: dict[str, str]) -> ForgeRow:
    return client.send("PUT", f"{_ABOVE}/credential", {**target, **credential}, ForgeRow)


def _row(row: ForgeRow) -> tuple[str, ...]:
    webhook = {None: "", True: "webhook has a secret", False: "webhook has no secret"}[row.has_webhook_secret]
    return row.kind, row.target, row.credential, webhook

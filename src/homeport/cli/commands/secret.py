"""`homeport secret`: the secrets of a server: set, list, remove, and their key replaced."""

import base64
import os
import sys
from urllib.parse import quote

import msgspec

from homeport.cli.clock import SystemClock
from homeport.cli.console import Console
from homeport.cli.errors import OK, CommandError, UsageError
from homeport.cli.options import FORMAT, Command, Option, Options
from homeport.cli.server_client import SERVER, ServerClient, open_client, print_json, print_table, repository_path
from homeport.cli.vault_scope import SCOPE_OPTIONS, scope_path
from homeport.cli.verbs import DATA_OPTIONS, split_verb

COMMAND = Command(
    name="secret",
    summary="secrets of a server's organisations, repositories and environments",
    arguments="set NAME | list | remove NAME | rotate",
    fewest=1,
    most=2,
    options=(
        SERVER,
        *SCOPE_OPTIONS,
        Option(
            name="--app",
            value="actions|dependabot",
            help="whose runs they are for: those of an update bot see its own only (default: actions)",
            choices=("actions", "dependabot"),
        ),
        Option(name="--from-file", value="FILE", help="set: the value is the file's content, as it is"),
        Option(name="--from-env", value="NAME", help="set: the value is that of an environment variable"),
        *DATA_OPTIONS,
        FORMAT,
    ),
    details=(
        "`set` reads the value from stdin (one newline at its end is left out), a file or the environment, and encrypts it for the\n"
        "server before it leaves. It is never an argument: those can be seen by everybody on a machine.\n"
        "`rotate` is for the server's own machine: it makes a new key and encrypts everything anew, also while the server runs;\n"
        "and a new key for identity tokens, by which alone they can be checked from then on."
    ),
)


class SecretRow(msgspec.Struct, frozen=True):
    """What a list says of each."""

    name: str
    updated_at: str = ""
    visibility: str = ""


class SecretPage(msgspec.Struct, frozen=True):
    """A list of them."""

    total_count: int
    secrets: list[SecretRow]


class PublicKey(msgspec.Struct, frozen=True):
    """What to encrypt for."""

    key_id: str
    key: str


class RepositoryRow(msgspec.Struct, frozen=True):
    """The number of a repository."""

    id: int


def main(options: Options, console: Console) -> int:
    """Raises `CommandError`."""
    verb, rest = split_verb(options.arguments, {"set": 1, "list": 0, "remove": 1, "rotate": 0})
    if verb == "rotate":
        return _rotate(options, console)
    above = scope_path(options, "secrets", options.get("--app", "actions"))
    if verb == "set":
        value = read_value(options, console)
        client = open_client(options, console)
        _put(client, above, rest[0], value, options)
        console.say(f"{rest[0].upper()} is set")
    elif verb == "remove":
        open_client(options, console).do("DELETE", f"{above}/{quote(rest[0], safe='')}")
        console.say(f"{rest[0].upper()} is removed")
    else:
        _list(open_client(options, console), above, options, console)
    return OK


def read_value(options: Options, console: Console) -> str:
    """From where it cannot be seen by others. Raises `CommandError`."""
    file, variable = options.find("--from-file"), options.find("--from-env")
    if file is not None and variable is not None:
        raise UsageError("--from-file and --from-env are two places: take one")
    if variable is not None:
        if variable not in console.environment:
            raise CommandError(f"the environment has no {variable}")
        return console.environment[variable]
    try:
        if file is not None:
            with open(os.path.join(console.folder, file), "rb") as opened:  # noqa: PTH123 - pathlib is slow to import
                return opened.read().decode()
        if sys.stdin.isatty():
            import getpass  # noqa: PLC0415 - only for a person

            return getpass.getpass("value: ")
        return sys.stdin.buffer.read().decode().removesuffix("\n").removesuffix("\r")
    except OSError as error:
        raise CommandError(f"{file}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise CommandError("the value is not text (UTF-8)", "encode it: base64 -w0 FILE") from error


def shared_with(client: ServerClient, options: Options) -> dict[str, object]:
    """Which repositories may use what is an owner's."""
    visibility, chosen = options.find("--visibility"), options.all("--for")
    if bool(chosen) != (visibility == "selected"):
        raise UsageError("--visibility selected and --for belong together", "--visibility selected --for owner/name")
    if visibility is None:
        return {}
    numbers = [client.get(f"/api/v3/repos/{repository_path(name)}", RepositoryRow).id for name in chosen]
    return {"visibility": visibility, **({"selected_repository_ids": numbers} if chosen else {})}


def _put(client: ServerClient, above: str, name: str, value: str, options: Options) -> None:
    key = client.get(f"{above}/public-key", PublicKey)
    body = {"encrypted_value": _encrypt(key.key, value), "key_id": key.key_id, **shared_with(client, options)}
    client.do("PUT", f"{above}/{quote(name, safe='')}", body)


def _encrypt(key: str, value: str) -> str:
    try:
        from nacl.public import PublicKey as BoxKey  # noqa: PLC0415 - only to set a secret
        from nacl.public import SealedBox  # noqa: PLC0415
    except ImportError as error:
        raise CommandError("setting a secret needs the package pynacl", "pip install 'homeport[server]'") from error
    return base64.b64encode(SealedBox(BoxKey(base64.b64decode(key))).encrypt(value.encode())).decode()


def _list(client: ServerClient, above: str, options: Options, console: Console) -> None:
    rows: list[SecretRow] = []
    for number in range(1, 100):
        page = client.get(above, SecretPage, {"per_page": "100", "page": str(number)})
        rows += page.secrets
        if len(rows) >= page.total_count or not page.secrets:
            break
    if options.get("--format", "text") == "json":
        print_json(console, rows)
        return
    print_table(console, [(row.name, row.updated_at, row.visibility) for row in rows])


def _rotate(options: Options, console: Console) -> int:
    from homeport.cli.server_folder import open_folder  # noqa: PLC0415 - the database is slow to import
    from homeport.store.identity_keys import IdentityKeys  # noqa: PLC0415 - so is RSA

    with open_folder(options, console) as opened:
        before = opened.list_master_keys()
        new = opened.vault.replace_keys(SystemClock().now())
        IdentityKeys(opened.folder.keys, SystemClock()).replace()
        opened.access.audit.note("homeport secret rotate", "keys.replaced", new)
    if options.get("--format", "text") == "json":
        print_json(console, {"key": new, "former": before})
        return OK
    console.say(f"everything is encrypted by the master key {new} now")
    for path in before:
        console.say(f"  {path} is needed for backups from before only: remove it when they are gone")
    return OK

"""`homeport user`: the people of a server: add, list, set, remove, and a new link for who cannot sign in."""

import msgspec

from homeport.cli.console import Console
from homeport.cli.errors import OK, CommandError, UsageError
from homeport.cli.options import FORMAT, Command, Option, Options
from homeport.cli.server_client import SERVER, ServerClient, open_client, print_json, print_table, segment
from homeport.cli.verbs import DATA_OPTIONS, split_verb

_ABOVE = "/api/homeport/v1/users"
_YES_NO = ("yes", "no")

COMMAND = Command(
    name="user",
    summary="the people of a server, and what they may do",
    arguments="add LOGIN | list | set LOGIN | remove LOGIN | reset-link [LOGIN]",
    fewest=1,
    most=2,
    options=(
        SERVER,
        Option(name="--name", value="TEXT", help="add, set: what others call them"),
        Option(name="--administrator", value="yes|no", help="add, set: of the whole server", choices=_YES_NO),
        Option(
            name="--active", value="yes|no", help="set: no: they can neither sign in nor use tokens", choices=_YES_NO
        ),
        Option(
            name="--role",
            value="TARGET=ROLE",
            help="add, set: reader, writer, maintainer, administrator or none, in an owner, owner/name or * (all)",
            repeat=True,
        ),
        *DATA_OPTIONS,
        FORMAT,
    ),
    details=(
        "Who is added gets a link by which they choose a password; it is good once, for a day. `reset-link` makes another.\n"
        "With --data, on the server's own machine, it needs nobody who may sign in; without LOGIN it is for a new administrator."
    ),
)


class UserRow(msgspec.Struct, frozen=True):
    """A person as the server shows them."""

    login: str
    name: str
    is_administrator: bool
    is_active: bool
    has_password: bool
    roles: dict[str, str]
    link: str = ""


def main(options: Options, console: Console) -> int:
    """Raises `CommandError`."""
    if options.arguments[0] == "reset-link" and options.find("--data"):
        return _reset_offline(options, console)
    verb, rest = split_verb(options.arguments, {"add": 1, "list": 0, "set": 1, "remove": 1, "reset-link": 1})
    client = open_client(options, console)
    is_json = options.get("--format", "text") == "json"
    if verb == "list":
        rows = client.get(_ABOVE, list[UserRow])
        if is_json:
            print_json(console, rows)
        else:
            print_table(console, [_row(user) for user in rows])
        return OK
    path = f"{_ABOVE}/{segment(rest[0])}"
    if verb == "remove":
        client.do("DELETE", path)
        console.say(f"{rest[0]} is removed")
        return OK
    shown = _carry_out(client, verb, rest[0], path, options)
    if is_json:
        print_json(console, shown)
    elif shown.link:
        console.print(shown.link)
        console.say(f"by this link {shown.login} chooses a password: once, within a day")
    return OK


def _carry_out(client: ServerClient, verb: str, login: str, path: str, options: Options) -> UserRow:
    if verb == "reset-link":
        return client.send("POST", f"{path}/link", None, UserRow)
    roles = [_read_role(text) for text in options.all("--role")]
    administrator, active = options.find("--administrator"), options.find("--active")
    change: dict[str, object] = {} if (name := options.find("--name")) is None else {"name": name}
    if administrator is not None:
        change["is_administrator"] = administrator == "yes"
    shown: UserRow | None
    if verb == "add":
        shown = client.send("POST", _ABOVE, {"login": login, **change}, UserRow)
    else:
        if active is not None:
            change["is_active"] = active == "yes"
        if not change and not roles:
            raise UsageError("nothing is to be set", "--role owner/name=writer, --administrator, --active, --name")
        shown = client.send("PATCH", path, change, UserRow) if change else None
    for target, role in roles:
        given = client.send("PUT", f"{path}/roles", {"target": target, "role": role}, UserRow)
        shown = msgspec.structs.replace(given, link="" if shown is None else shown.link)
    assert shown is not None
    return shown


def _read_role(text: str) -> tuple[str, str | None]:
    target, equals, role = text.rpartition("=")
    if not equals or not target or not role:
        raise UsageError(f"--role is {text!r}, expected TARGET=ROLE", "--role owner/name=writer")
    return target, None if role == "none" else role


def _reset_offline(options: Options, console: Console) -> int:
    """Who has the folder has everything: this is no way in that was not there."""
    from homeport.cli.server_access import setup_url  # noqa: PLC0415 - the database is slow to import
    from homeport.cli.server_folder import open_folder  # noqa: PLC0415

    login = options.arguments[1] if len(options.arguments) > 1 else None
    with open_folder(options, console) as opened:
        user = None if login is None else opened.access.people.find(login)
        if login is not None and user is None:
            raise CommandError(f"there is nobody called {login!r}", "without LOGIN the link is for a new administrator")
        link = opened.access.sessions.make_link(user, "homeport user reset-link")
        if user is not None and not user.is_active:
            opened.access.people.change(user.id, name=None, is_administrator=None, is_active=True)
        url = setup_url(opened.access.public_url, link)
    if options.get("--format", "text") == "json":
        print_json(console, {"login": login, "link": url})
    else:
        console.print(url)
    return OK


def _row(user: UserRow) -> tuple[str, ...]:
    marks = [
        "administrator" if user.is_administrator else "",
        "" if user.is_active else "suspended",
        "" if user.has_password else "has not signed in yet",
    ]
    roles = [f"{target}={role}" for target, role in sorted(user.roles.items())]
    return user.login, user.name, ", ".join(mark for mark in marks if mark), " ".join(roles)

"""`homeport token`: your tokens on a server: create, list, remove."""

import msgspec

from homeport.cli.console import Console
from homeport.cli.errors import OK
from homeport.cli.options import FORMAT, Command, Option, Options
from homeport.cli.server_client import SERVER, open_client, print_json, print_table, segment
from homeport.cli.verbs import split_verb

_ABOVE = "/api/homeport/v1/tokens"

COMMAND = Command(
    name="token",
    summary="your tokens on a server, for programs and for git",
    arguments="create NAME | list | remove ID",
    fewest=1,
    most=2,
    options=(
        SERVER,
        Option(
            name="--scope",
            value="read|write|admin",
            help="what it is good for: to look, also to push, start and cancel, or everything (default: read)",
            choices=("read", "write", "admin"),
        ),
        Option(name="--only", value="TARGET", help="the one owner or repository that it is good for"),
        Option(
            name="--days",
            value="N",
            help="how long (default: 30; 0: until it is removed)",
            whole_number=True,
            minimum=0,
        ),
        Option(name="--all", help="list: everybody's, for an administrator"),
        FORMAT,
    ),
    details="What a token reads is printed to stdout, this once: `homeport token create laptop > token`.",
)


class TokenRow(msgspec.Struct, frozen=True, omit_defaults=True):
    """A token as the server shows it."""

    id: int
    user: str
    name: str
    scopes: list[str]
    target: str
    created_at: str
    expires_at: str | None
    used_at: str | None
    token: str = ""


def main(options: Options, console: Console) -> int:
    """Raises `CommandError`."""
    verb, rest = split_verb(options.arguments, {"create": 1, "list": 0, "remove": 1})
    client = open_client(options, console)
    is_json = options.get("--format", "text") == "json"
    if verb == "create":
        wish = {
            "name": rest[0],
            "scopes": [options.get("--scope", "read")],
            "target": options.get("--only", ""),
            "days": options.number("--days", 30),
        }
        made = client.send("POST", _ABOVE, wish, TokenRow)
        if is_json:
            print_json(console, made)
        else:
            console.print(made.token)
            console.say(
                f"token {made.id} is good {f'until {made.expires_at}' if made.expires_at else 'until it is removed'}"
            )
    elif verb == "remove":
        client.do("DELETE", f"{_ABOVE}/{segment(rest[0])}")
        console.say(f"token {rest[0]} is removed")
    else:
        rows = client.get(_ABOVE, list[TokenRow], {"all": "1"} if options.flag("--all") else None)
        if is_json:
            print_json(console, rows)
        else:
            print_table(console, [_row(token) for token in rows])
    return OK


def _row(token: TokenRow) -> tuple[str, ...]:
    return (
        str(token.id),
        token.user,
        token.name,
        ",".join(token.scopes),
        token.target or "everything",
        f"until {token.expires_at}" if token.expires_at else "no end",
        f"used {token.used_at}" if token.used_at else "never used",
    )

"""`homeport repo`: the repositories of a server: add, list, set, remove."""

from typing import Any

import msgspec

from homeport.cli.console import Console
from homeport.cli.errors import OK, UsageError
from homeport.cli.options import FORMAT, Command, Option, Options
from homeport.cli.server_client import SERVER, open_client, print_json, print_table, repository_path
from homeport.cli.verbs import split_verb

_ABOVE = "/api/homeport/v1/repositories"

COMMAND = Command(
    name="repo",
    summary="the repositories of a server, and their settings",
    arguments="add OWNER/NAME | list | set OWNER/NAME | remove OWNER/NAME",
    fewest=1,
    most=2,
    options=(
        SERVER,
        Option(
            name="--from",
            value="URL",
            help="add: where a forge's repository is fetched from; without: it is pushed to here",
        ),
        Option(name="--forge", value="github|gitea", help="add: which forge that is", choices=("github", "gitea")),
        Option(name="--default-branch", value="NAME", help="add, set: (default: main)"),
        Option(name="--public", value="yes|no", help="add, set: everybody may see it", choices=("yes", "no")),
        Option(name="--set", value="NAME=VALUE", help="set: one of the settings below", repeat=True),
        FORMAT,
    ),
    details=(
        "Settings: workflow_folders (with commas), is_shadow, builds_without_workflows (yes, no), status_prefix, poll_seconds,\n"
        "fork_approval (always, first-time, never), log_days, artifact_days, cache_bytes, artifact_bytes."
    ),
)


class RepositoryRow(msgspec.Struct, frozen=True):
    """A repository as the server shows it."""

    id: int
    full_name: str
    origin: str
    clone_url: str
    default_branch: str
    is_private: bool
    settings: dict[str, Any]


def main(options: Options, console: Console) -> int:
    """Raises `CommandError`."""
    verb, rest = split_verb(options.arguments, {"add": 1, "list": 0, "set": 1, "remove": 1})
    path = f"{_ABOVE}/{repository_path(rest[0])}" if rest else _ABOVE
    body = {"add": _read_new, "set": _read_change}[verb](rest[0], options) if verb in ("add", "set") else {}
    client = open_client(options, console)
    is_json = options.get("--format", "text") == "json"
    if verb == "list":
        rows = client.get(_ABOVE, list[RepositoryRow])
        if is_json:
            print_json(console, rows)
        else:
            print_table(console, [_row(row) for row in rows])
    elif verb == "remove":
        client.do("DELETE", path)
        console.say(f"{rest[0]} is removed; its runs stay until their time is over")
    else:
        shown = (
            client.send("POST", _ABOVE, body, RepositoryRow)
            if verb == "add"
            else client.send("PATCH", path, body, RepositoryRow)
        )
        if is_json:
            print_json(console, shown)
        elif verb == "add" and shown.origin == "own":
            console.say(f"push to it: git push {client.url}/{shown.full_name}.git")
        elif verb == "add":
            console.say(f"its webhooks belong to {client.url}/webhooks/{shown.origin}")
        else:
            console.say(f"{shown.full_name} is changed")
    return OK


def _read_new(name: str, options: Options) -> dict[str, object]:
    url, forge = options.find("--from"), options.find("--forge")
    if (url is None) != (forge is None):
        raise UsageError(
            "--from and --forge belong together", "--from https://github.com/owner/name.git --forge github"
        )
    if options.all("--set"):
        raise UsageError("--set belongs to `homeport repo set`", "add the repository first")
    body: dict[str, object] = {"full_name": name, **_read_own(options)}
    return body if url is None else {**body, "origin": forge, "clone_url": url}


def _read_change(_name: str, options: Options) -> dict[str, object]:
    body = _read_own(options)
    for text in options.all("--set"):
        name, equals, value = text.partition("=")
        if not equals:
            raise UsageError(f"--set is {text!r}, expected NAME=VALUE", "--set fork_approval=never")
        body[name] = _read_value(name, value)
    if not body:
        raise UsageError("nothing is to be set", "--set NAME=VALUE, --default-branch, --public")
    return body


def _read_own(options: Options) -> dict[str, object]:
    branch, public = options.find("--default-branch"), options.find("--public")
    body: dict[str, object] = {} if branch is None else {"default_branch": branch}
    return body if public is None else {**body, "is_private": public == "no"}


def _read_value(name: str, value: str) -> object:
    """By the setting's kind; what is no such setting is for the server to say."""
    if name == "workflow_folders":
        return [folder.strip() for folder in value.split(",")]
    if name in ("is_shadow", "builds_without_workflows"):
        if value not in ("yes", "no"):
            raise UsageError(f"{name} is {value!r}, expected yes or no")
        return value == "yes"
    return int(value) if value.isascii() and value.isdigit() and name != "status_prefix" else value


def _row(row: RepositoryRow) -> tuple[str, ...]:
    return (
        row.full_name,
        "private" if row.is_private else "public",
        row.default_branch,
        row.clone_url or "pushed to here",
    )

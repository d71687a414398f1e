"""Commands with verbs of their own (`homeport secret set NAME`), and what those share that work on a server's folder."""

from collections.abc import Mapping, Sequence

from homeport.cli.errors import UsageError
from homeport.cli.options import Option, nearest

DATA_OPTIONS = (
    Option(
        name="--data",
        value="DIR",
        help="on the server's own machine: its data folder (default: server in HOMEPORT_HOME)",
    ),
    Option(
        name="--database", value="URL", help="on the server's own machine: its database, where it is not in the folder"
    ),
)


def split_verb(arguments: Sequence[str], verbs: Mapping[str, int]) -> tuple[str, Sequence[str]]:
    """The verb and what follows it; `verbs` says how much that has to be. Raises `UsageError`."""
    verb, rest = arguments[0], arguments[1:]
    if verb not in verbs:
        meant = nearest(verb, list(verbs))
        raise UsageError(f"{verb!r} is none of {', '.join(verbs)}", f"did you mean {meant!r}?" if meant else None)
    if len(rest) != verbs[verb]:
        expected = {0: "nothing", 1: "one word", 2: "two words"}[verbs[verb]]
        raise UsageError(f"after {verb!r} {expected} was expected, found {len(rest)}")
    return verb, rest

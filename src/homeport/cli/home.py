"""Where Homeport keeps runs, caches and stores: `HOMEPORT_HOME`, never the user's own tree."""

from collections.abc import Mapping
from os import path


def find_home(environment: Mapping[str, str]) -> str:
    """`HOMEPORT_HOME`, else `$XDG_STATE_HOME/homeport`, else `~/.local/state/homeport` (XDG Base Directory Specification)."""
    if own := environment.get("HOMEPORT_HOME"):
        return path.abspath(path.expanduser(own))
    state = environment.get("XDG_STATE_HOME", "")
    if not path.isabs(state):  # the specification: relative paths are to be ignored
        state = path.join(environment.get("HOME") or path.expanduser("~"), ".local", "state")
    return path.join(state, "homeport")

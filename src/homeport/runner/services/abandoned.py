"""The folders of services that a killed Homeport has left, where the process that keeps them was killed too."""

import os
from collections.abc import Iterator

PLACES = ("/var/tmp", "/tmp")  # noqa: S108 - names made there cannot be foreseen, and their owner is looked at
PREFIX = "homeport-services-"


def list_abandoned() -> Iterator[str]:
    """Those of this user whose name begins with the process id of a Homeport that is not alive."""
    for place in PLACES:
        try:
            names = os.listdir(place)
        except OSError:
            continue
        for name in names:
            if name.startswith(PREFIX) and not _lives(name.removeprefix(PREFIX).partition("-")[0]):
                path = f"{place}/{name}"
                if _is_own(path):
                    yield path


def _is_own(path: str) -> bool:
    try:
        return os.lstat(path).st_uid == os.geteuid()
    except FileNotFoundError:
        return False


def _lives(process_id: str) -> bool:
    if not process_id.isdigit():
        return True
    try:
        os.kill(int(process_id), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True

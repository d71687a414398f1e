"""`homeport artifacts`: lists the files that a run kept, and unpacks them."""

import os
from collections.abc import Sequence
from typing import Protocol

import msgspec

from homeport.cli.chosen_stores import SERVER_OPTIONS, find_chosen_source, open_chosen
from homeport.cli.clock import SystemClock
from homeport.cli.console import Console
from homeport.cli.errors import OK, CommandError
from homeport.cli.home import find_home
from homeport.cli.options import FORMAT, Command, Option, Options
from homeport.cli.references import ATTEMPT, REFERENCE_HELP, find_record
from homeport.ports.artifacts import Artifact
from homeport.store.artifacts_folder import FolderArtifacts

COMMAND = Command(
    name="artifacts",
    summary="the files that a run kept",
    arguments="[RUN]",
    most=1,
    options=(
        Option(name="--download", value="NAME", help="unpack this artifact (may be repeated)", repeat=True),
        Option(name="--to", value="FOLDER", help="where to (default: a folder of the artifact's name, here)"),
        ATTEMPT,
        *SERVER_OPTIONS,
        FORMAT,
    ),
    details=REFERENCE_HELP,
)


def main(options: Options, console: Console) -> int:
    """List, or unpack what is named. An artifact that was uploaded again stands for all attempts by its newest."""
    stores = open_chosen(options, console)
    reference = options.arguments[0] if options.arguments else None
    record = find_record(stores.runs, reference, console, find=lambda: find_chosen_source(options, console))
    store: ArtifactReader = (
        FolderArtifacts(find_home(console.environment), SystemClock())
        if stores.client is None
        else stores.open_artifacts()
    )
    found = store.list(record.id, attempt=options.number("--attempt", 0) or None, records=True)
    names = options.all("--download")
    if not names:
        _print(found, console, as_json=options.get("--format", "text") == "json")
    for name in names:
        artifact = next((one for one in found if one.name == name), None)
        if artifact is None:
            known = ", ".join(dict.fromkeys(one.name for one in found)) or "none"
            raise CommandError(f"run {record.id} has no artifact {name!r}", f"it has: {known}")
        folder = os.path.join(console.folder, options.find("--to") or name)
        _extract(store, artifact, folder)
        console.say(f"{name} is in {folder}")
    return OK


class ArtifactReader(Protocol):
    """Where they are kept."""

    def list(self, run: str, *, attempt: int | None = None, records: bool = False) -> Sequence[Artifact]:
        """By name."""
        ...

    def extract(self, artifact: Artifact, folder: str) -> None:
        """Raises `OSError`, `ValueError`."""
        ...


def _extract(store: ArtifactReader, artifact: Artifact, folder: str) -> None:
    try:
        store.extract(artifact, folder)
    except (OSError, ValueError) as error:
        raise CommandError(f"{artifact.name} cannot be unpacked to {folder}: {error}") from error


def _print(rows: Sequence[Artifact], console: Console, *, as_json: bool) -> None:
    if as_json:
        console.write(msgspec.json.encode(rows) + b"\n")
        return
    if not rows:
        console.say("no artifacts")
    width = max((len(artifact.name) for artifact in rows), default=0)
    for artifact in rows:
        console.print(
            f"{artifact.name:{width}}  {_show_size(artifact.size):>9}  attempt {artifact.attempt}  {artifact.digest}"
        )


def _show_size(size: int) -> str:
    amount = float(size)
    for unit in ("B", "KiB", "MiB"):
        if amount < 1024:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} GiB"

"""A server's runs and logs as the commands read local ones: over its HTTP interface, and only to be read."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import NoReturn

from homeport.archive.zip_reader import extract_zip
from homeport.cli.errors import CommandError
from homeport.cli.server_client import ServerClient, segment
from homeport.plan.model import Plan
from homeport.ports.artifacts import ZIP, Artifact
from homeport.ports.logs import LogLine
from homeport.ports.repositories import RunRecord
from homeport.ports.run_api import ABOVE, FoundRun, ListedRun, SomeFacts, SomeLines
from homeport.run.facts import RunFact, RunFinished

_MOST_LINES = 5000


class ServerRuns:
    """A `RunRepository` that others write. `source` of a run is its repository's name."""

    def __init__(self, client: ServerClient) -> None:
        self._client = client
        self._listed: dict[tuple[str, int], ListedRun] = {}
        self._facts: dict[tuple[str, int], list[RunFact]] = {}

    def list(
        self,
        *,
        repository: str | None = None,
        workflow: str | None = None,
        source: str | None = None,
        limit: int = 50,
    ) -> Sequence[RunRecord]:
        """One question."""
        query = {"repository": repository or source or "", "workflow": workflow or "", "limit": str(limit)}
        found = self._client.get(ABOVE, list[ListedRun], query)
        self._listed.update({(each.record.id, each.record.attempt): each for each in found})
        return [each.record for each in found]

    def find(self, run: str, attempt: int | None = None) -> tuple[RunRecord, Plan] | None:
        """One question; a run that is not there, or not to be seen, is none."""
        found = self._find(run, attempt)
        return None if found is None else (found.record, found.plan)

    def facts(self, run: str, attempt: int | None = None) -> Iterator[RunFact]:
        """What is known is not asked for again."""
        key = run, attempt or self._latest(run)
        listed = self._listed.get(key)
        kept = self._facts.setdefault(key, [] if listed is None or listed.first is None else [listed.first])
        position = 0
        while True:
            yield from kept[position:]
            position = len(kept)
            query = {"attempt": str(key[1]), "from": str(position)}
            more = self._client.get(f"{ABOVE}/{segment(run)}/facts", SomeFacts, query)
            kept += more.facts
            if more.following is None:
                yield from kept[position:]
                return

    def ending(self, run: str, attempt: int | None = None) -> RunFinished | None:
        """From the list, where it was in one."""
        key = run, attempt or self._latest(run)
        listed = self._listed.get(key)
        if listed is not None:
            return listed.ending
        return next((fact for fact in self.facts(*key) if isinstance(fact, RunFinished)), None)

    def is_open(self, run: str) -> bool:
        """Asked anew, but of runs that were listed as ended."""
        listed = [each for (own, _), each in self._listed.items() if own == run]
        if listed and not listed[-1].is_open:
            return False
        found = self._find(run, None)
        return found is not None and found.is_open

    def _find(self, run: str, attempt: int | None) -> FoundRun | None:
        query = {} if attempt is None else {"attempt": str(attempt)}
        return self._client.find(f"{ABOVE}/{segment(run)}", FoundRun, query)

    def _latest(self, run: str) -> int:
        found = self._find(run, None)
        if found is None:
            raise CommandError(f"there is no run {run} on {self._client.url}")
        return found.record.attempt

    # --- what only the server's own process does ---------------------------------------------------------------------------

    def new_id(self) -> str:
        """Not from here."""
        _refuse()

    def create(self, record: RunRecord, plan: Plan) -> None:  # noqa: ARG002 - the protocol's names
        """Not from here."""
        _refuse()

    def append(self, run: str, attempt: int, facts: Sequence[RunFact]) -> None:  # noqa: ARG002
        """Not from here."""
        _refuse()

    def close(self, run: str, attempt: int) -> None:  # noqa: ARG002
        """Not from here."""
        _refuse()

    def abandon(self, run: str, attempt: int) -> None:  # noqa: ARG002
        """Not from here."""
        _refuse()

    def adopt(self) -> Sequence[RunRecord]:
        """Not from here."""
        _refuse()

    def next_number(self, repository: str, workflow: str) -> int:  # noqa: ARG002
        """Not from here."""
        _refuse()

    def delete(self, run: str) -> None:  # noqa: ARG002
        """Not from here."""
        _refuse()


class ServerLogs:
    """The reading half of a `LogStore`."""

    def __init__(self, client: ServerClient) -> None:
        self._client = client

    def read(self, run: str, attempt: int, job: str, *, step: str | None = None, start: int = 0) -> Iterator[LogLine]:
        """Some thousands of lines at a time."""
        while lines := self.some(run, attempt, job, step=step, start=start):
            yield from lines
            start += len(lines)
            if len(lines) < _MOST_LINES:
                return

    def some(self, run: str, attempt: int, job: str, *, step: str | None, start: int) -> Sequence[LogLine]:
        """What one question gives."""
        query = {"attempt": str(attempt), "job": job, "from": str(start), **({} if step is None else {"step": step})}
        answer = self._client.get(f"{ABOVE}/{segment(run)}/lines", SomeLines, query)
        return [LogLine(at, of, text) for at, of, text in answer.lines]

    def tail(self, run: str, attempt: int, job: str) -> "ServerLogTail":
        """From the first line."""
        return ServerLogTail(self, run, attempt, job)

    def append(self, run: str, attempt: int, job: str, step: str, at: datetime, text: str) -> None:  # noqa: ARG002
        """Not from here."""
        _refuse()

    def close(self, run: str, attempt: int, job: str) -> None:  # noqa: ARG002
        """Not from here."""
        _refuse()

    def sync(self) -> None:
        """Not from here."""
        _refuse()

    def size(self, run: str, attempt: int, job: str) -> int:  # noqa: ARG002
        """Not from here."""
        _refuse()

    def cut(self, run: str, attempt: int, job: str, size: int) -> None:  # noqa: ARG002
        """Not from here."""
        _refuse()


class ServerLogTail:
    """A `LogTail`."""

    def __init__(self, logs: ServerLogs, run: str, attempt: int, job: str) -> None:
        self._logs = logs
        self._key = run, attempt, job
        self._next = 0

    def read(self) -> Sequence[LogLine]:
        """One question."""
        lines = self._logs.some(*self._key, step=None, start=self._next)
        self._next += len(lines)
        return lines


class ServerArtifacts:
    """A server's artifacts, to be listed and unpacked here."""

    def __init__(self, client: ServerClient) -> None:
        self._client = client

    def list(self, run: str, *, attempt: int | None = None, records: bool = False) -> Sequence[Artifact]:  # noqa: ARG002 - a local store's names
        """One question; records are always among them."""
        query: dict[str, str] = {} if attempt is None else {"attempt": str(attempt)}
        return self._client.get(f"{ABOVE}/{segment(run)}/artifacts", list[Artifact], query)

    def extract(self, artifact: Artifact, folder: str) -> None:
        """Fetch it, check that it is what was uploaded, unpack it. Raises `OSError`, `ValueError`."""
        with tempfile.TemporaryDirectory(prefix="homeport-") as place:
            path = os.path.join(place, "artifact")
            self._client.download(f"{ABOVE}/{segment(artifact.run)}/artifacts/{segment(artifact.id)}", path)
            with Path(path).open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            if f"sha256:{digest}" != artifact.digest:
                raise ValueError(f"its digest is sha256:{digest}, and was {artifact.digest}")
            os.makedirs(folder, exist_ok=True)
            if artifact.media_type == ZIP:
                extract_zip(path, folder)
                return
            name = os.path.basename(artifact.name)
            if name in ("", ".", ".."):
                raise ValueError("its name is no file's name")
            shutil.copyfile(path, os.path.join(folder, name))


def _refuse() -> NoReturn:
    raise CommandError("runs of a server are written by the server")

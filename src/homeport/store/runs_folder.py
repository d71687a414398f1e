"""Keeps runs, their plans and their journals in the folder store."""

import os
from collections.abc import Iterator, Sequence

import msgspec

from homeport.plan.model import Plan
from homeport.ports.repositories import RunRecord, StoreError
from homeport.run.codec import JournalError, decode_fact, decode_journal, encode_fact
from homeport.run.facts import RunFact, RunFinished
from homeport.store.folder import (
    count_up,
    file_name,
    hold,
    is_held,
    last_lines,
    listed,
    make_folder,
    read_file,
    remove_tree,
    try_hold,
    unlink,
    unusable,
    write_all,
    write_file,
)

_TAIL = 16384


class FolderRuns:
    """A `RunRepository` in a folder. One instance a process is enough; several see one another's runs.

    A fact is one line of JSON and one `write`: there is no `fsync`, so a fact survives the process, but not always the machine.
    """

    def __init__(self, home: str) -> None:
        self._runs = os.path.join(home, "runs")
        self._open = os.path.join(home, "open")
        self._numbers = os.path.join(home, "numbers")
        self._artifacts = os.path.join(home, "artifacts")
        self._journals: dict[tuple[str, int], int] = {}

    def new_id(self) -> str:
        """The next id of this folder."""
        make_folder(self._open)
        return str(count_up(os.path.join(self._runs, "next")))

    def next_number(self, repository: str, workflow: str) -> int:
        """Counted per workflow file, as on GitHub."""
        return count_up(os.path.join(self._numbers, file_name(repository), file_name(workflow)))

    def create(self, record: RunRecord, plan: Plan) -> None:
        """Make the attempt's folder, and hold its journal."""
        folder = self._folder(record.id, record.attempt)
        make_folder(folder)
        write_file(os.path.join(folder, "record.json"), msgspec.json.encode(record))
        write_file(os.path.join(folder, "plan.msgpack"), msgspec.msgpack.encode(plan))
        journal = os.path.join(folder, "facts.jsonl")
        try:
            descriptor = os.open(journal, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise unusable(journal, error) from error
        hold(descriptor, journal)  # somebody who only asks whether it is held may have it for a moment
        self._journals[record.id, record.attempt] = descriptor
        write_file(self._marker(record.id, record.attempt), b"")

    def append(self, run: str, attempt: int, facts: Sequence[RunFact]) -> None:
        """All facts of one call in one `write`."""
        data = b"".join(encode_fact(fact) + b"\n" for fact in facts)
        try:
            write_all(self._journals[run, attempt], data)
        except OSError as error:
            raise unusable(self._folder(run, attempt), error) from error

    def close(self, run: str, attempt: int) -> None:
        """Give the journal free."""
        descriptor = self._journals.pop((run, attempt), None)
        if descriptor is not None:
            unlink(self._marker(run, attempt))
            os.close(descriptor)

    def abandon(self, run: str, attempt: int) -> None:
        """Let go of the journal, and leave the mark that the attempt is open."""
        descriptor = self._journals.pop((run, attempt), None)
        if descriptor is not None:
            os.close(descriptor)

    def adopt(self) -> Sequence[RunRecord]:
        """Costs one listing of a folder that is nearly always empty."""
        adopted = []
        for name in sorted(listed(self._open)):
            run, _, attempt = name.rpartition(".")
            if (run, int(attempt)) not in self._journals and self._take_over(run, int(attempt)):
                found = self.find_record(run, int(attempt))
                if found is not None:
                    adopted.append(found)
        return adopted

    def is_open(self, run: str) -> bool:
        """Whether somebody holds the journal of the latest attempt."""
        attempt = self._latest_attempt(run)
        if attempt is None:
            return False
        if (run, attempt) in self._journals:
            return True
        descriptor = self._open_journal(run, attempt)
        if descriptor is None:
            return False
        try:
            return is_held(descriptor)
        finally:
            os.close(descriptor)

    def find(self, run: str, attempt: int | None = None) -> tuple[RunRecord, Plan] | None:
        """The record with its plan."""
        record = self.find_record(run, attempt)
        if record is None:
            return None
        path = os.path.join(self._folder(run, record.attempt), "plan.msgpack")
        data = read_file(path)
        if data is None:
            return None
        try:
            return record, msgspec.msgpack.decode(data, type=Plan)
        except msgspec.DecodeError as error:
            raise StoreError(f"{path}: {error}") from error

    def find_record(self, run: str, attempt: int | None = None) -> RunRecord | None:
        """The record alone, which costs less."""
        attempt = attempt or self._latest_attempt(run)
        if attempt is None:
            return None
        path = os.path.join(self._folder(run, attempt), "record.json")
        data = read_file(path)
        try:
            return None if data is None else msgspec.json.decode(data, type=RunRecord)
        except msgspec.DecodeError:
            return None  # torn: its process died in the act of creating it

    def facts(self, run: str, attempt: int | None = None) -> Iterator[RunFact]:
        """Each whole line of the journal."""
        attempt = attempt or self._latest_attempt(run)
        if attempt is None:
            return
        path = self._journal_path(run, attempt)
        lines = (read_file(path) or b"").split(b"\n")[:-1]
        try:
            yield from decode_journal(lines)
        except JournalError as error:
            raise StoreError(f"{path}: {error}") from error

    def ending(self, run: str, attempt: int | None = None) -> RunFinished | None:
        """Looks at the end of the journal only."""
        attempt = attempt or self._latest_attempt(run)
        if attempt is None:
            return None
        for line in reversed(last_lines(self._journal_path(run, attempt), _TAIL)):
            if b'"run_finished"' in line:
                fact = decode_fact(line)
                if isinstance(fact, RunFinished):
                    return fact
        return None

    def list(
        self,
        *,
        repository: str | None = None,
        workflow: str | None = None,
        source: str | None = None,
        limit: int = 50,
    ) -> Sequence[RunRecord]:
        """Reads records from the newest on, until there are enough."""
        wanted = (repository, workflow, source)
        found: list[RunRecord] = []
        for run in self._newest_first():
            if len(found) == limit:
                break
            record = self.find_record(run)
            if record is not None and all(
                want is None or want == have
                for want, have in zip(wanted, (record.repository, record.workflow, record.source), strict=True)
            ):
                found.append(record)
        return found

    def delete(self, run: str) -> None:
        """Remove the run's folder and its artifacts'."""
        remove_tree(os.path.join(self._runs, run))
        remove_tree(os.path.join(self._artifacts, run))

    def _take_over(self, run: str, attempt: int) -> bool:
        descriptor = self._open_journal(run, attempt)
        if descriptor is None:  # deleted by hand: nothing is left to conclude
            unlink(self._marker(run, attempt))
            return False
        if not try_hold(descriptor):
            os.close(descriptor)
            return False
        self._journals[run, attempt] = descriptor
        if self.ending(run, attempt) is not None:
            self.close(run, attempt)
            return False
        _end_torn_line(descriptor, self._journal_path(run, attempt))
        return True

    def _open_journal(self, run: str, attempt: int) -> int | None:
        path = self._journal_path(run, attempt)
        try:
            return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise unusable(path, error) from error

    def _latest_attempt(self, run: str) -> int | None:
        if not (run.isascii() and run.isdigit()):
            return None
        return max((int(name) for name in listed(os.path.join(self._runs, run)) if name.isdigit()), default=None)

    def _newest_first(self) -> Sequence[str]:
        return sorted((name for name in listed(self._runs) if name.isdigit()), key=int, reverse=True)

    def _folder(self, run: str, attempt: int) -> str:
        return os.path.join(self._runs, run, str(attempt))

    def _journal_path(self, run: str, attempt: int) -> str:
        return os.path.join(self._folder(run, attempt), "facts.jsonl")

    def _marker(self, run: str, attempt: int) -> str:
        return os.path.join(self._open, f"{run}.{attempt}")


def _end_torn_line(descriptor: int, path: str) -> None:
    """Cut off what a dying process wrote of its last fact, so that the next fact begins a line of its own."""
    data = read_file(path) or b""
    if not data.endswith(b"\n"):
        os.ftruncate(descriptor, data.rfind(b"\n") + 1)

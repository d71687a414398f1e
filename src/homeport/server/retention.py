"""Keeps the data folder from growing for ever, and sweeps up what a crash left.

What goes, by the settings of each repository: logs after `log_days` (the run stays, and says so), artifacts when they expire or when
those of the repository take more than `artifact_bytes` (the oldest first), caches beyond `cache_bytes` (those used longest ago first),
runs after 400 days, and so what started them: until then, the same delivery again is known. Pinned runs and what they keep are left alone, and so is whatever goes on.
Sources: GitHub docs, "Usage limits" (runs: 400 days), "Configuring the retention period for artifacts and logs" (90 days), "Dependency
caching reference: Usage limits and eviction policy" (10 GB a repository).

When the disk is nearly full, caches go, those of all repositories alike, until there is room: they can be made again.
"""

import itertools
import logging
import shutil
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from typing import TypeVar

import msgspec

from homeport.ports.artifacts import Artifact
from homeport.ports.clock import Clock
from homeport.ports.directory import HostedRepository, RepositoryDirectory
from homeport.ports.history import HistoryRun, RunFilter, RunHistory
from homeport.ports.logs import IndexedLogs
from homeport.ports.repositories import RunRepository
from homeport.server.carrying_on import carry_on
from homeport.store.artifacts_folder import FolderArtifacts
from homeport.store.caches_folder import FolderCaches

RUN_DAYS = 400
LEAST_FREE_BYTES = 512 << 20
_PAGE = 200
_PACK_SECONDS = 1.0
_SWEEP_SECONDS = 3600.0
_LOG = logging.getLogger("homeport.retention")
_BY = "retention"
_NOT_SWEPT = "sweeping failed, and is tried again"


class Swept(msgspec.Struct, kw_only=True):
    """What went."""

    runs: int = 0
    logs: int = 0
    artifacts: int = 0
    orphans: int = 0
    caches: int = 0
    deliveries: int = 0
    events: int = 0


Item = TypeVar("Item")


class Retention:
    """One sweep at a time; safe beside everything else; after `stop` it ends at the next piece of its work. `caches` opens a repository's caches with a quota, `free_bytes` measures the
    disk; what was done with is forgotten where it is older than the moment that is given.
    """

    def __init__(
        self,
        directory: RepositoryDirectory,
        history: RunHistory,
        runs: RunRepository,
        logs: IndexedLogs,
        artifacts: FolderArtifacts,
        caches: Callable[[HostedRepository, int], FolderCaches],
        clock: Clock,
        free_bytes: Callable[[], int],
        *,
        forget_deliveries: Callable[[datetime], int],
        forget_events: Callable[[datetime], int],
    ) -> None:
        self._directory = directory
        self._history = history
        self._runs = runs
        self._logs = logs
        self._artifacts = artifacts
        self._caches = caches
        self._clock = clock
        self._free_bytes = free_bytes
        self._forget_deliveries = forget_deliveries
        self._forget_events = forget_events
        self._stopping = threading.Event()

    def stop(self) -> None:
        """What is left is for the next sweep, which may be another process's."""
        self._stopping.set()

    def sweep(self) -> Swept:
        """Everything once. Raises `StoreError`, `OSError`; what was removed before is removed."""
        swept = Swept()
        repositories = self._directory.list()
        for repository in self._until_stopped(repositories):
            self._remove_runs(repository, swept)
            self._remove_logs(repository, swept)
            swept.caches += self._caches(repository, repository.settings.cache_bytes).trim()
        self._remove_artifacts(repositories, swept)
        self._remove_expired(swept)
        self._remove_orphans(swept)
        oldest = self._clock.now() - timedelta(days=RUN_DAYS)
        swept.deliveries += self._forget_deliveries(oldest)
        swept.events += self._forget_events(oldest)
        self.make_room(swept)
        return swept

    def make_room(self, swept: Swept) -> None:
        """Where little of the disk is free, caches go until there is enough, or there are no more."""
        share = 1.0
        while self._free_bytes() < LEAST_FREE_BYTES and share > 0:
            share = share / 2 if share > 0.1 else 0.0
            for repository in self._until_stopped(self._directory.list()):
                caches = self._caches(repository, 0)
                kept = sum(entry.size for entry in caches.list())
                swept.caches += self._caches(repository, int(kept * share)).trim()

    def pack_left(self) -> None:
        """Compress the logs of completed jobs that an earlier process left as they were."""
        for run, attempt in self._until_stopped(self._logs.list_unpacked()):
            known = self._history.get(run, attempt)
            if known is not None and known.entry.status == "completed":
                self._logs.pack_left(run, attempt, [job.entry.key for job in self._history.jobs(run, attempt)])

    def _remove_runs(self, repository: HostedRepository, swept: Swept) -> None:
        for run in self._until_stopped(self._find_old(repository, RUN_DAYS)):
            artifacts = self._artifacts.list(run.id, records=True)
            self._history.forget(run.id)
            self._runs.delete(run.id)
            self._logs.delete(run.id)
            for artifact in artifacts:
                self._artifacts.delete(artifact)
            swept.runs += 1

    def _remove_logs(self, repository: HostedRepository, swept: Swept) -> None:
        for run in self._until_stopped(self._find_old(repository, repository.settings.log_days, has_logs=True)):
            self._history.note_logs_gone(run.id, _BY, self._clock.now())
            self._logs.delete(run.id)
            swept.logs += 1

    def _find_old(
        self, repository: HostedRepository, days: int, *, has_logs: bool | None = None
    ) -> Iterator[HistoryRun]:
        """Completed runs whose latest attempt began so long ago, oldest last; those that are pinned are not among them. A page of them
        at a time, so that it makes no difference to the memory how many there are; what was given before may be removed meanwhile.
        """
        limit = self._clock.now() - timedelta(days=days)
        wanted = RunFilter(
            repositories=(repository.id,), states=("completed",), until=limit, is_pinned=False, has_logs=has_logs
        )
        before = None
        while True:
            page = self._history.find(wanted, before=before, limit=_PAGE)
            yield from (run for run in page.runs if run.entry.started_at <= limit)
            if page.before is None:
                return
            before = page.before

    def _remove_artifacts(self, repositories: Iterable[HostedRepository], swept: Swept) -> None:
        """What is older than a repository's setting allows, and, newest first, what is there when its quota is used up."""
        settings = {repository.id: repository.settings for repository in repositories}
        used = Counter[int]()
        for number in self._until_stopped(self._artifacts.runs()):
            run = self._history.get(number)
            if run is None or run.repository_id not in settings:
                continue
            setting = settings[run.repository_id]
            oldest = self._clock.now() - timedelta(days=setting.artifact_days)
            for artifact in self._artifacts.list(number):
                used[run.repository_id] += artifact.size
                is_over = setting.artifact_bytes and used[run.repository_id] > setting.artifact_bytes
                is_too_much = artifact.created_at < oldest or is_over
                if is_too_much and not run.is_pinned and run.entry.status == "completed":
                    self._artifacts.delete(artifact)
                    used[run.repository_id] -= artifact.size
                    swept.artifacts += 1

    def _remove_expired(self, swept: Swept) -> None:
        """Also those of runs whose repository is not here any more; of pinned runs, nothing expires."""
        now = self._clock.now()
        for number in self._until_stopped(self._artifacts.runs()):
            expired = [each for each in self._artifacts.list_all(number) if _has_expired(each, now)]
            run = self._history.get(number) if expired else None
            if run is None or not run.is_pinned:
                for artifact in expired:
                    self._artifacts.delete(artifact)
                swept.artifacts += len(expired)

    def _remove_orphans(self, swept: Swept) -> None:
        """Logs and artifacts of runs that are gone: a server that was deleting them died."""
        for number in self._until_stopped(self._logs.list_runs()):
            if self._history.get(number) is None and self._runs.find(number) is None:
                self._logs.delete(number)
                swept.orphans += 1
        for number in self._until_stopped(self._artifacts.runs()):
            if self._history.get(number) is None and self._runs.find(number) is None:
                left = self._artifacts.list_all(number)
                for artifact in left:
                    self._artifacts.delete(artifact)
                swept.orphans += bool(left)

    def _until_stopped(self, items: Iterable[Item]) -> Iterator[Item]:
        return itertools.takewhile(lambda _: not self._stopping.is_set(), items)


class Sweeper:
    """A `BackgroundPart`: packs logs as jobs end, and sweeps at its start and every hour. `expire` ends what has waited for too long."""

    def __init__(self, retention: Retention, logs: IndexedLogs, clock: Clock, expire: Callable[[], object]) -> None:
        self._retention = retention
        self._expire = expire
        self._logs = logs
        self._clock = clock
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, name="sweeper")

    def start(self) -> None:
        """In a thread of its own."""
        self._thread.start()

    def stop(self) -> None:
        """The piece that is under way is finished; what else there is to sweep is left to the next start."""
        self._stopping.set()
        self._retention.stop()
        self._thread.join()

    def _work(self) -> None:
        carry_on(_LOG, _NOT_SWEPT, self._retention.pack_left)
        due = self._clock.monotonic()
        while not self._stopping.is_set():
            carry_on(_LOG, _NOT_SWEPT, self._logs.pack)
            if self._clock.monotonic() >= due:
                due = self._clock.monotonic() + _SWEEP_SECONDS
                carry_on(_LOG, _NOT_SWEPT, self._sweep)
                carry_on(_LOG, _NOT_SWEPT, self._expire)
            self._stopping.wait(_PACK_SECONDS)

    def _sweep(self) -> None:
        swept = self._retention.sweep()
        if swept != Swept():
            _LOG.info("swept", extra=msgspec.structs.asdict(swept))


def measure_free(folder: str) -> Callable[[], int]:
    """How many bytes are free on the disk of a folder."""
    return lambda: shutil.disk_usage(folder).free


def _has_expired(artifact: Artifact, now: datetime) -> bool:
    return artifact.expires_at is not None and artifact.expires_at <= now

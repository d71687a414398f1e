"""Finding runs again: every attempt and every job that a server knows, by what people ask for."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

import msgspec

from homeport.ports.run_entries import JobEntry, RunEntry


class HistoryRun(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt of one run. `entry` is what answers and pages show of it."""

    entry: RunEntry
    repository: str
    """`owner/name`, as it was when the run began"""
    repository_id: int
    delivery: str = ""
    is_latest: bool = True
    is_pinned: bool = False
    """retention leaves it alone"""
    has_logs: bool = True
    """somebody may have deleted them, or retention"""

    @property
    def id(self) -> str:
        """As the run's journal names it."""
        return str(self.entry.id)


class HistoryJob(msgspec.Struct, frozen=True, kw_only=True):
    """One job of one attempt; `entry.id` is its number. What it said is in the log of `entry.attempt`, an earlier one where a re-run
    kept it.
    """

    run: str
    attempt: int
    entry: JobEntry
    annotations: int = 0


class RunFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which runs are asked for: all that is said must hold. Names of branches and people are compared without case."""

    repositories: tuple[int, ...] | None = None
    """ids; None: of all repositories"""
    workflow: str = ""
    """its file, or the end of its path"""
    branch: str = ""
    actor: str = ""
    event: str = ""
    states: tuple[str, ...] = ()
    """statuses or conclusions: any of them"""
    sha: str = ""
    """a commit, or its beginning (at least 4 digits)"""
    text: str = ""
    """part of the title or of the commit's message"""
    since: datetime | None = None
    until: datetime | None = None
    pull_request: int = 0
    is_pinned: bool | None = None
    has_logs: bool | None = None


class RunPage(msgspec.Struct, frozen=True):
    """Some runs, newest first; `before` asks for the next page, None: there is none."""

    runs: tuple[HistoryRun, ...]
    before: int | None


class Count(msgspec.Struct, frozen=True):
    """How many runs match; `is_capped`: there are more."""

    number: int
    is_capped: bool = False


class Facets(msgspec.Struct, frozen=True, kw_only=True):
    """What there is to choose from in a filter's menus: that of the newest runs first."""

    workflows: tuple[tuple[str, str], ...] = ()
    """file and name"""
    branches: tuple[str, ...] = ()
    actors: tuple[str, ...] = ()
    events: tuple[str, ...] = ()


class RunHistory(Protocol):
    """Written with the journals, in the same transactions; safe from any thread. All may raise `StoreError`."""

    def find(self, wanted: RunFilter, *, before: int | None = None, limit: int = 25) -> RunPage:
        """The latest attempts of runs, newest first; only runs whose id is smaller than `before`."""
        ...

    def recent(self, repositories: Sequence[int], *, most: int) -> Mapping[int, Sequence[HistoryRun]]:
        """The latest attempts of the newest runs of each repository, newest first; by repository. One question, however many they are."""
        ...

    def count(self, wanted: RunFilter, *, most: int = 1000) -> Count:
        """Counting stops at `most`."""
        ...

    def page(self, wanted: RunFilter, *, offset: int, limit: int) -> Sequence[HistoryRun]:
        """The same as `find` by position, for clients that count pages."""
        ...

    def numbers(self, repository: int) -> Collection[str]:
        """Of all runs of a repository, in no order."""
        ...

    def get(self, run: str, attempt: int | None = None) -> HistoryRun | None:
        """An attempt; the latest where none is named."""
        ...

    def attempts(self, run: str) -> Sequence[HistoryRun]:
        """All of a run, oldest first."""
        ...

    def jobs(self, run: str, attempt: int) -> Sequence[HistoryJob]:
        """In the order in which they came up."""
        ...

    def job(self, number: int) -> HistoryJob | None:
        """By its number."""
        ...

    def facets(self, repositories: Sequence[int], *, most: int = 200) -> Facets:
        """Over these repositories."""
        ...

    def latest(
        self, repository: int, workflow: str, branch: str, *, event: str = "", completed: bool = False
    ) -> HistoryRun | None:
        """The newest run of a workflow on a branch: what a badge shows. `completed`: the newest that has ended."""
        ...

    def attention(self, branches: Sequence[tuple[int, str]], *, most: int = 50) -> Sequence[HistoryRun]:
        """What somebody should look at: of each repository (its id and default branch) the workflows whose newest completed run on that
        branch did not go well, and runs that wait for a person; newest first.
        """
        ...

    def pin(self, run: str, by: str, at: datetime, *, is_pinned: bool) -> None:
        """Keep a run from retention, or not any more."""
        ...

    def forget(self, run: str) -> None:
        """The run never was: its rows and journals go. What stores keep for it is theirs to delete."""
        ...

    def note_logs_gone(self, run: str, by: str, at: datetime) -> None:
        """The run's logs were deleted."""
        ...

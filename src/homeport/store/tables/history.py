"""Finds runs and jobs in the tables that are folded from their journals."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, Select, case, delete, func, insert, or_, select, text, union_all, update

from homeport.ports.history import Count, Facets, HistoryJob, HistoryRun, RunFilter, RunPage
from homeport.ports.run_entries import JobEntry, RunEntry
from homeport.store.tables.database import Database
from homeport.store.tables.history_fold import forget
from homeport.store.tables.history_schema import HISTORY_FACETS, HISTORY_JOBS, HISTORY_RUNS, OPEN, RUN_MARKS
from homeport.store.tables.numbers import LARGEST_NUMBER, read_number

_RUNS = HISTORY_RUNS.c
_JOBS = HISTORY_JOBS.c
_SHORTEST_SHA = 4
_WHOLE_SHA = 40
_LARGEST = 2**31 - 1
_MOST_LOOKS = 100
"""SQLite takes at most 500 parts of one union."""
_NEEDS_PERSON = ("waiting", "action_required")
_WENT_WELL = ("success", "skipped")


class TableHistory:
    """A `RunHistory` in a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, wanted: RunFilter, *, before: int | None = None, limit: int = 25) -> RunPage:
        """By the id that the last page ended with: as fast on the last page as on the first."""
        query = _filtered(select(HISTORY_RUNS), wanted)
        if before is not None:
            query = query.where(_RUNS.run < min(before, _LARGEST))
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(_RUNS.run.desc()).limit(limit + 1)).all()
        runs = tuple(_run(row) for row in rows[:limit])
        return RunPage(runs, rows[limit - 1].run if len(rows) > limit else None)

    def recent(self, repositories: Sequence[int], *, most: int) -> Mapping[int, Sequence[HistoryRun]]:
        """Each repository is one look into the index; all of them are one statement for as many as a statement may hold."""
        found: dict[int, list[HistoryRun]] = {repository: [] for repository in repositories}
        with self._database.read() as connection:
            for some in _batched(found, _MOST_LOOKS):
                looks = [_newest(repository, most) for repository in some]
                chosen = (union_all(*looks) if len(looks) > 1 else looks[0]).subquery()
                query = select(HISTORY_RUNS).join(chosen, _RUNS.run == chosen.c.run).where(_RUNS.is_latest == 1)
                for row in connection.execute(query.order_by(_RUNS.run.desc())):
                    found[row.repository_id].append(_run(row))
        return found

    def page(self, wanted: RunFilter, *, offset: int, limit: int) -> Sequence[HistoryRun]:
        """Reads past what is left out, in the index alone."""
        chosen = _filtered(select(_RUNS.run), wanted).order_by(_RUNS.run.desc()).offset(offset).limit(limit).subquery()
        query = select(HISTORY_RUNS).join(chosen, _RUNS.run == chosen.c.run).where(_RUNS.is_latest == 1)
        with self._database.read() as connection:
            return [_run(row) for row in connection.execute(query.order_by(_RUNS.run.desc())).all()]

    def count(self, wanted: RunFilter, *, most: int = 1000) -> Count:
        """No more rows are looked at than are counted."""
        counted = _filtered(select(_RUNS.run), wanted).order_by(_RUNS.run.desc()).limit(most + 1).subquery()
        with self._database.read() as connection:
            number = connection.execute(select(func.count()).select_from(counted)).scalar_one()
        return Count(min(number, most), number > most)

    def numbers(self, repository: int) -> Collection[str]:
        """In an index alone."""
        query = select(_RUNS.run).where(_RUNS.repository_id == repository, _RUNS.is_latest == 1)
        with self._database.read() as connection:
            return frozenset(str(run) for run in connection.execute(query).scalars())

    def get(self, run: str, attempt: int | None = None) -> HistoryRun | None:
        """By the key."""
        number = read_number(run)
        if number is None:
            return None
        wanted = _RUNS.is_latest == 1 if attempt is None else _RUNS.attempt == min(attempt, _LARGEST)
        with self._database.read() as connection:
            row = connection.execute(select(HISTORY_RUNS).where(_RUNS.run == number, wanted)).first()
        return None if row is None else _run(row)

    def attempts(self, run: str) -> Sequence[HistoryRun]:
        """By the key."""
        query = select(HISTORY_RUNS).where(_RUNS.run == (read_number(run) or 0)).order_by(_RUNS.attempt)
        with self._database.read() as connection:
            return [_run(row) for row in connection.execute(query).all()]

    def jobs(self, run: str, attempt: int) -> Sequence[HistoryJob]:
        """By the index."""
        wanted = (_JOBS.run == (read_number(run) or 0)) & (_JOBS.attempt == min(attempt, _LARGEST))
        with self._database.read() as connection:
            rows = connection.execute(select(HISTORY_JOBS).where(wanted).order_by(_JOBS.position)).all()
        return [_job(row) for row in rows]

    def job(self, number: int) -> HistoryJob | None:
        """By the key."""
        if not 0 < number <= LARGEST_NUMBER:
            return None
        with self._database.read() as connection:
            row = connection.execute(select(HISTORY_JOBS).where(_JOBS.number == number)).first()
        return None if row is None else _job(row)

    def facets(self, repositories: Sequence[int], *, most: int = 200) -> Facets:
        """They are counted when runs begin, so nothing is searched here."""
        facet = HISTORY_FACETS.c
        found: dict[str, list[tuple[str, str]]] = {}
        with self._database.read() as connection:
            for kind in ("workflow", "branch", "actor", "event"):
                last = func.max(facet.last_run)
                rows = connection.execute(
                    select(facet.value, func.max(facet.label).label("label"))
                    .where(facet.repository_id.in_(repositories), facet.kind == kind)
                    .group_by(facet.value)
                    .order_by(last.desc())
                    .limit(most)
                ).all()
                found[kind] = [(row.value, row.label) for row in rows if row.value]
        return Facets(
            workflows=tuple(found["workflow"]),
            branches=tuple(label for _, label in found["branch"]),
            actors=tuple(label for _, label in found["actor"]),
            events=tuple(value for value, _ in found["event"]),
        )

    def latest(
        self, repository: int, workflow: str, branch: str, *, event: str = "", completed: bool = False
    ) -> HistoryRun | None:
        """By the index of workflows and branches."""
        with self._database.read() as connection:
            row = _latest(connection, repository, workflow, branch, event=event, completed=completed)
        return None if row is None else _run(row)

    def attention(self, branches: Sequence[tuple[int, str]], *, most: int = 50) -> Sequence[HistoryRun]:
        """Three questions, however many repositories and branches there are; each workflow is one look into the index."""
        by_branch: dict[str, list[int]] = {}
        for repository, branch in branches:
            by_branch.setdefault(branch.lower(), []).append(repository)
        if not by_branch:
            return []
        with self._database.read() as connection:
            chosen = connection.execute(_newest_completed(by_branch)).scalars().all()
            failed = select(HISTORY_RUNS).where(
                _RUNS.run.in_([run for run in chosen if run is not None]),
                _RUNS.is_latest == 1,
                _RUNS.conclusion.not_in(_WENT_WELL),
            )
            rows = list(connection.execute(failed.order_by(_RUNS.run.desc()).limit(most)).all())
            waiting = select(HISTORY_RUNS).where(
                text(OPEN),
                _RUNS.is_latest == 1,
                _RUNS.status.in_(_NEEDS_PERSON),
                _RUNS.repository_id.in_([repository for repository, _ in branches]),
            )
            rows += connection.execute(waiting.order_by(_RUNS.run.desc()).limit(most)).all()
        rows.sort(key=lambda row: row.run, reverse=True)
        return [_run(row) for row in rows[:most]]

    def pin(self, run: str, by: str, at: datetime, *, is_pinned: bool) -> None:
        """Pinning twice is no error."""
        number = int(run)

        def work(connection: Connection) -> None:
            _unmark(connection, number, "pinned")
            if is_pinned:
                _mark(connection, number, "pinned", by, at)
            connection.execute(update(HISTORY_RUNS).where(_RUNS.run == number).values(is_pinned=int(is_pinned)))

        self._database.write(work)

    def forget(self, run: str) -> None:
        """With its journals."""
        number = int(run)
        self._database.write(lambda connection: forget(connection, number))

    def note_logs_gone(self, run: str, by: str, at: datetime) -> None:
        """Of all attempts."""
        number = int(run)

        def work(connection: Connection) -> None:
            _unmark(connection, number, "logs-gone")
            _mark(connection, number, "logs-gone", by, at)
            connection.execute(update(HISTORY_RUNS).where(_RUNS.run == number).values(has_logs=0))

        self._database.write(work)


def _filtered(query: Select[Any], wanted: RunFilter) -> Select[Any]:
    query = query.where(_RUNS.is_latest == 1)
    if wanted.repositories is not None:
        only = wanted.repositories
        query = query.where(_RUNS.repository_id == only[0] if len(only) == 1 else _RUNS.repository_id.in_(only))
    if wanted.workflow:
        whole = _RUNS.workflow == wanted.workflow
        end = _RUNS.workflow.endswith(f"/{wanted.workflow}", autoescape=True)
        query = query.where(whole if "/" in wanted.workflow else or_(whole, end))
    for column, value in (
        (_RUNS.branch, wanted.branch.lower()),
        (_RUNS.actor, wanted.actor.lower()),
        (_RUNS.event, wanted.event),
    ):
        if value:
            query = query.where(column == value)
    if wanted.states:
        query = query.where(or_(_RUNS.status.in_(wanted.states), _RUNS.conclusion.in_(wanted.states)))
    if wanted.since is not None:
        query = query.where(_RUNS.created_at >= _text(wanted.since))
    if wanted.until is not None:
        query = query.where(_RUNS.created_at <= _text(wanted.until))
    return _filtered_by_rows(query, wanted)


def _filtered_by_rows(query: Select[Any], wanted: RunFilter) -> Select[Any]:
    """What no list's index has."""
    if wanted.sha:
        sha = wanted.sha.lower()
        if len(sha) >= _WHOLE_SHA:
            query = query.where(_RUNS.sha == sha)
        else:
            query = query.where(_RUNS.sha >= sha, _RUNS.sha < (sha + "g" if len(sha) >= _SHORTEST_SHA else sha))
    if wanted.text:
        query = query.where(_RUNS.text.contains(wanted.text.lower(), autoescape=True))
    if wanted.pull_request:
        query = query.where(_RUNS.pull_request == wanted.pull_request)
    if wanted.is_pinned is not None:
        query = query.where(_RUNS.is_pinned == int(wanted.is_pinned))
    if wanted.has_logs is not None:
        query = query.where(_RUNS.has_logs == int(wanted.has_logs))
    return query


def _newest(repository: int, most: int) -> Select[Any]:
    """The numbers of the newest runs of a repository."""
    wanted = _filtered(select(_RUNS.run), RunFilter(repositories=(repository,)))
    return select(wanted.order_by(_RUNS.run.desc()).limit(most).subquery().c.run)


def _latest(
    connection: Connection, repository: int, workflow: str, branch: str, *, event: str = "", completed: bool = False
) -> Row[Any] | None:
    query = select(HISTORY_RUNS).where(
        _RUNS.repository_id == repository,
        _RUNS.workflow == workflow,
        _RUNS.branch == branch.lower(),
        _RUNS.is_latest == 1,
    )
    if event:
        query = query.where(_RUNS.event == event)
    if completed:
        query = query.where(_RUNS.status == "completed")
    return connection.execute(query.order_by(_RUNS.run.desc()).limit(1)).first()


def _newest_completed(by_branch: Mapping[str, Sequence[int]]) -> Select[Any]:
    """The run of each workflow of these repositories that was the last to end on their default branch; NULL where there was none."""
    facet = HISTORY_FACETS.c
    branch = case(*((facet.repository_id.in_(repositories), name) for name, repositories in by_branch.items()))
    newest = (
        select(_RUNS.run)
        .where(
            _RUNS.repository_id == facet.repository_id,
            _RUNS.workflow == facet.value,
            _RUNS.branch == branch,
            _RUNS.is_latest == 1,
            _RUNS.status == "completed",
        )
        .order_by(_RUNS.run.desc())
        .limit(1)
        .correlate(HISTORY_FACETS)
        .scalar_subquery()
    )
    known = [repository for repositories in by_branch.values() for repository in repositories]
    return select(newest).where(facet.kind == "workflow", facet.repository_id.in_(known))


def _batched(numbers: Iterable[int], most: int) -> Iterator[tuple[int, ...]]:
    rest = iter(numbers)
    while some := tuple(islice(rest, most)):
        yield some


def _mark(connection: Connection, run: int, kind: str, by: str, at: datetime) -> None:
    connection.execute(insert(RUN_MARKS).values(run=run, kind=kind, by=by, at=_text(at)))


def _unmark(connection: Connection, run: int, kind: str) -> None:
    connection.execute(delete(RUN_MARKS).where(RUN_MARKS.c.run == run, RUN_MARKS.c.kind == kind))


def _run(row: Row[Any]) -> HistoryRun:
    return HistoryRun(
        entry=msgspec.msgpack.decode(row.entry, type=RunEntry),
        repository=row.repository,
        repository_id=row.repository_id,
        delivery=row.delivery,
        is_latest=bool(row.is_latest),
        is_pinned=bool(row.is_pinned),
        has_logs=bool(row.has_logs),
    )


def _job(row: Row[Any]) -> HistoryJob:
    entry = msgspec.msgpack.decode(row.entry, type=JobEntry)
    return HistoryJob(run=str(row.run), attempt=row.attempt, entry=entry, annotations=row.annotations)


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")

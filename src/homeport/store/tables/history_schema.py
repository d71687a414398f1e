"""The tables in which runs and jobs are found again."""

from sqlalchemy import Column, ForeignKeyConstraint, Index, LargeBinary, String, Table, text

from homeport.store.tables.schema import METADATA, NUMBER

_FILTERED = ("workflow", "branch", "actor", "event", "status", "conclusion", "created_at")

OPEN = "status <> 'completed'"
"""An index of few rows; a query has to say it in the same words"""

HISTORY_RUNS = Table(
    "history_runs",
    METADATA,
    Column("run", NUMBER, primary_key=True, autoincrement=False),
    Column("attempt", NUMBER, primary_key=True, autoincrement=False),
    Column("repository_id", NUMBER, nullable=False),
    Column("repository", String, nullable=False),
    Column("is_latest", NUMBER, nullable=False),
    Column("is_pinned", NUMBER, nullable=False),
    Column("has_logs", NUMBER, nullable=False),
    Column("workflow", String, nullable=False),
    Column("branch", String, nullable=False, comment="in lower case, as actor; '' where there is none"),
    Column("actor", String, nullable=False),
    Column("event", String, nullable=False),
    Column("status", String, nullable=False),
    Column("conclusion", String, nullable=False, comment="'' before the end"),
    Column("created_at", String, nullable=False),
    Column("finished_at", String, nullable=False, comment="'' before the end"),
    Column("sha", String, nullable=False),
    Column("pull_request", NUMBER, nullable=False, comment="its number; 0: none"),
    Column("delivery", String, nullable=False),
    Column("text", String, nullable=False, comment="what is searched: title and message, in lower case"),
    Column("entry", LargeBinary, nullable=False),
    ForeignKeyConstraint(["run", "attempt"], ["attempts.run", "attempts.attempt"], ondelete="CASCADE"),
    # everything that lists are filtered by is in the index: a filter that finds little reads no rows
    Index("ix_history_runs_all", "is_latest", "run", "repository_id", *_FILTERED),
    Index("ix_history_runs_repository", "repository_id", "is_latest", "run", *_FILTERED),
    Index("ix_history_runs_workflow", "repository_id", "workflow", "branch", "is_latest", "run"),
    Index("ix_history_runs_branch", "branch", "is_latest", "run", "repository_id"),
    Index("ix_history_runs_actor", "actor", "is_latest", "run", "repository_id"),
    Index("ix_history_runs_created", "is_latest", "created_at", "run"),
    Index("ix_history_runs_text", "is_latest", "run", "repository_id", "text"),
    Index("ix_history_runs_sha", "sha"),
    Index("ix_history_runs_open", "is_latest", "run", sqlite_where=text(OPEN), postgresql_where=text(OPEN)),
)

HISTORY_JOBS = Table(
    "history_jobs",
    METADATA,
    Column("number", NUMBER, primary_key=True, autoincrement=False),
    Column("run", NUMBER, nullable=False),
    Column("attempt", NUMBER, nullable=False),
    Column("position", NUMBER, nullable=False),
    Column("status", String, nullable=False),
    Column("annotations", NUMBER, nullable=False),
    Column("entry", LargeBinary, nullable=False),
    ForeignKeyConstraint(["run", "attempt"], ["attempts.run", "attempts.attempt"], ondelete="CASCADE"),
    Index("ix_history_jobs_run", "run", "attempt", "position"),
)

HISTORY_FACETS = Table(
    "history_facets",
    METADATA,
    Column("repository_id", NUMBER, primary_key=True, autoincrement=False),
    Column("kind", String, primary_key=True, comment="workflow, branch, actor or event"),
    Column("value", String, primary_key=True),
    Column("label", String, nullable=False),
    Column("runs", NUMBER, nullable=False),
    Column("last_run", NUMBER, nullable=False),
    Index("ix_history_facets_kind", "repository_id", "kind", "last_run"),
)

RUN_MARKS = Table(
    "run_marks",
    METADATA,
    Column("run", NUMBER, primary_key=True, autoincrement=False),
    Column("kind", String, primary_key=True, comment="pinned, or logs-gone: what no journal tells"),
    Column("by", String, nullable=False),
    Column("at", String, nullable=False),
)

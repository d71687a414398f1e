"""What is needed to find runs again."""

import sqlalchemy as sa
from alembic import op

from homeport.store.tables.schema import NUMBER

revision = "0006"
down_revision = "0005"

_FILTERED = ("workflow", "branch", "actor", "event", "status", "conclusion", "created_at")


def upgrade() -> None:
    """Make the tables."""
    _create_runs()
    _create_jobs()
    op.create_table(
        "history_facets",
        sa.Column("repository_id", NUMBER, autoincrement=False),
        sa.Column("kind", sa.String),
        sa.Column("value", sa.String),
        sa.Column("label", sa.String, nullable=False),
        sa.Column("runs", NUMBER, nullable=False),
        sa.Column("last_run", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("repository_id", "kind", "value", name="pk_history_facets"),
    )
    op.create_index("ix_history_facets_kind", "history_facets", ["repository_id", "kind", "last_run"])
    op.create_table(
        "run_marks",
        sa.Column("run", NUMBER, autoincrement=False),
        sa.Column("kind", sa.String),
        sa.Column("by", sa.String, nullable=False),
        sa.Column("at", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("run", "kind", name="pk_run_marks"),
    )


def _create_runs() -> None:
    op.create_table(
        "history_runs",
        sa.Column("run", NUMBER, autoincrement=False),
        sa.Column("attempt", NUMBER, autoincrement=False),
        sa.Column("repository_id", NUMBER, nullable=False),
        sa.Column("repository", sa.String, nullable=False),
        sa.Column("is_latest", NUMBER, nullable=False),
        sa.Column("is_pinned", NUMBER, nullable=False),
        sa.Column("has_logs", NUMBER, nullable=False),
        sa.Column("workflow", sa.String, nullable=False),
        sa.Column("branch", sa.String, nullable=False),
        sa.Column("actor", sa.String, nullable=False),
        sa.Column("event", sa.String, nullable=False),
        sa.Column("status", sa.String, nullable=False),
        sa.Column("conclusion", sa.String, nullable=False),
        sa.Column("created_at", sa.String, nullable=False),
        sa.Column("finished_at", sa.String, nullable=False),
        sa.Column("sha", sa.String, nullable=False),
        sa.Column("pull_request", NUMBER, nullable=False),
        sa.Column("delivery", sa.String, nullable=False),
        sa.Column("text", sa.String, nullable=False),
        sa.Column("entry", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("run", "attempt", name="pk_history_runs"),
        sa.ForeignKeyConstraint(
            ["run", "attempt"],
            ["attempts.run", "attempts.attempt"],
            name="fk_history_runs_run_attempt",
            ondelete="CASCADE",
        ),
    )
    op.create_index("ix_history_runs_all", "history_runs", ["is_latest", "run", "repository_id", *_FILTERED])
    op.create_index("ix_history_runs_repository", "history_runs", ["repository_id", "is_latest", "run", *_FILTERED])
    op.create_index(
        "ix_history_runs_workflow", "history_runs", ["repository_id", "workflow", "branch", "is_latest", "run"]
    )
    op.create_index("ix_history_runs_branch", "history_runs", ["branch", "is_latest", "run", "repository_id"])
    op.create_index("ix_history_runs_actor", "history_runs", ["actor", "is_latest", "run", "repository_id"])
    op.create_index("ix_history_runs_created", "history_runs", ["is_latest", "created_at", "run"])
    op.create_index("ix_history_runs_text", "history_runs", ["is_latest", "run", "repository_id", "text"])
    op.create_index("ix_history_runs_sha", "history_runs", ["sha"])
    is_open = sa.text("status <> 'completed'")
    op.create_index(
        "ix_history_runs_open", "history_runs", ["is_latest", "run"], sqlite_where=is_open, postgresql_where=is_open
    )


def _create_jobs() -> None:
    op.create_table(
        "history_jobs",
        sa.Column("number", NUMBER, autoincrement=False),
        sa.Column("run", NUMBER, nullable=False),
        sa.Column("attempt", NUMBER, nullable=False),
        sa.Column("position", NUMBER, nullable=False),
        sa.Column("status", sa.String, nullable=False),
        sa.Column("annotations", NUMBER, nullable=False),
        sa.Column("entry", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_history_jobs"),
        sa.ForeignKeyConstraint(
            ["run", "attempt"],
            ["attempts.run", "attempts.attempt"],
            name="fk_history_jobs_run_attempt",
            ondelete="CASCADE",
        ),
    )
    op.create_index("ix_history_jobs_run", "history_jobs", ["run", "attempt", "position"])

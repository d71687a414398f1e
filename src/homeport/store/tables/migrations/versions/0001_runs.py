"""Runs, their journals, counters, concurrency groups and leases."""

import sqlalchemy as sa
from alembic import op

from homeport.store.tables.schema import NUMBER

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "attempts",
        sa.Column("run", NUMBER, autoincrement=False),
        sa.Column("attempt", NUMBER, autoincrement=False),
        sa.Column("repository", sa.String, nullable=False),
        sa.Column("workflow", sa.String, nullable=False),
        sa.Column("number", NUMBER, nullable=False),
        sa.Column("source", sa.String, nullable=False),
        sa.Column("created_at", sa.String, nullable=False),
        sa.Column("is_latest", NUMBER, nullable=False),
        sa.Column("owner", sa.String, nullable=True),
        sa.Column("record", sa.LargeBinary, nullable=False),
        sa.Column("plan", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("run", "attempt", name="pk_attempts"),
    )
    op.create_index("ix_attempts_is_latest_run", "attempts", ["is_latest", "run"])
    op.create_index("ix_attempts_repository_is_latest_run", "attempts", ["repository", "is_latest", "run"])
    op.create_index(
        "ix_attempts_repository_workflow_is_latest_run", "attempts", ["repository", "workflow", "is_latest", "run"]
    )
    op.create_index("ix_attempts_owner", "attempts", ["owner"])
    op.create_table(
        "facts",
        sa.Column("run", NUMBER, autoincrement=False),
        sa.Column("attempt", NUMBER, autoincrement=False),
        sa.Column("sequence", NUMBER, autoincrement=False),
        sa.Column("type", sa.String, nullable=False),
        sa.Column("fact", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("run", "attempt", "sequence", name="pk_facts"),
        sa.ForeignKeyConstraint(
            ["run", "attempt"], ["attempts.run", "attempts.attempt"], name="fk_facts_run_attempt", ondelete="CASCADE"
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "counters",
        sa.Column("scope", sa.String),
        sa.Column("name", sa.String),
        sa.Column("value", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("scope", "name", name="pk_counters"),
    )
    op.create_table(
        "concurrency_groups",
        sa.Column("repository", sa.String),
        sa.Column("name", sa.String),
        sa.Column("state", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("repository", "name", name="pk_concurrency_groups"),
    )
    op.create_table(
        "leases",
        sa.Column("lease", sa.String),
        sa.Column("run", NUMBER, nullable=False),
        sa.Column("attempt", NUMBER, nullable=False),
        sa.Column("job", sa.String, nullable=False),
        sa.Column("runner", sa.String, nullable=False),
        sa.Column("claim", sa.String, nullable=False),
        sa.Column("token_digest", sa.LargeBinary, nullable=False),
        sa.Column("taken_at", sa.String, nullable=False),
        sa.Column("heard", NUMBER, nullable=False),
        sa.Column("log_size", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("lease", name="pk_leases"),
        sa.ForeignKeyConstraint(
            ["run", "attempt"], ["attempts.run", "attempts.attempt"], name="fk_leases_run_attempt", ondelete="CASCADE"
        ),
    )

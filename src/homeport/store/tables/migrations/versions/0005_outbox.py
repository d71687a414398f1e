"""Statuses of commits, and what is still to be told to forges."""

import sqlalchemy as sa
from alembic import op

from homeport.store.tables.schema import NUMBER

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "statuses",
        sa.Column("id", NUMBER),
        sa.Column("repository", NUMBER, nullable=False),
        sa.Column("sha", sa.String, nullable=False),
        sa.Column("context", sa.String, nullable=False),
        sa.Column("context_key", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("description", sa.String, nullable=False),
        sa.Column("target_url", sa.String, nullable=False),
        sa.Column("creator", sa.String, nullable=False),
        sa.Column("created_at", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_statuses"),
    )
    op.create_index("ix_statuses_repository_sha_id", "statuses", ["repository", "sha", "id"])
    op.create_table(
        "made_checks",
        sa.Column("id", NUMBER),
        sa.Column("repository", NUMBER, nullable=False),
        sa.Column("sha", sa.String, nullable=False),
        sa.Column("run", NUMBER, nullable=False),
        sa.Column("attempt", NUMBER, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_made_checks"),
        sa.ForeignKeyConstraint(
            ["run", "attempt"],
            ["attempts.run", "attempts.attempt"],
            name="fk_made_checks_run_attempt",
            ondelete="CASCADE",
        ),
    )
    op.create_index("ix_made_checks_repository_sha", "made_checks", ["repository", "sha"])
    op.create_index("ix_made_checks_run", "made_checks", ["run"])
    op.create_table(
        "reporting_news",
        sa.Column("id", NUMBER),
        sa.Column("run", NUMBER, nullable=False),
        sa.Column("attempt", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_reporting_news"),
        sa.ForeignKeyConstraint(
            ["run", "attempt"],
            ["attempts.run", "attempts.attempt"],
            name="fk_reporting_news_run_attempt",
            ondelete="CASCADE",
        ),
    )
    op.create_table(
        "job_reports",
        sa.Column("repository", NUMBER, autoincrement=False),
        sa.Column("sha", sa.String),
        sa.Column("context_key", sa.String),
        sa.Column("source", sa.String),
        sa.Column("run", NUMBER, nullable=False),
        sa.Column("attempt", NUMBER, nullable=False),
        sa.Column("status", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("repository", "sha", "context_key", "source", name="pk_job_reports"),
    )
    op.create_table(
        "outbox",
        sa.Column("id", NUMBER),
        sa.Column("repository", NUMBER, nullable=False),
        sa.Column("sha", sa.String, nullable=False),
        sa.Column("context_key", sa.String, nullable=False),
        sa.Column("is_due", NUMBER, nullable=False),
        sa.Column("changed_at", sa.String, nullable=False),
        sa.Column("version", NUMBER, nullable=False),
        sa.Column("status", sa.LargeBinary, nullable=False),
        sa.Column("told", sa.LargeBinary, nullable=True),
        sa.Column("remote", sa.String, nullable=False),
        sa.Column("problem", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_outbox"),
        sa.UniqueConstraint("repository", "sha", "context_key", name="uq_outbox_repository_sha_context_key"),
    )
    op.create_index("ix_outbox_is_due_repository_changed_at", "outbox", ["is_due", "repository", "changed_at"])

"""Repositories, deliveries, events, polls and schedules."""

import sqlalchemy as sa
from alembic import op

from homeport.store.tables.schema import NUMBER

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the tables."""
    _make_directory()
    _make_events()
    _make_deliveries()
    _make_schedules()


def _make_directory() -> None:
    op.create_table(
        "repositories",
        sa.Column("id", NUMBER, autoincrement=False),
        sa.Column("key", sa.String, nullable=False),
        sa.Column("record", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_repositories"),
        sa.UniqueConstraint("key", name="uq_repositories_key"),
    )
    op.create_table(
        "workflows",
        sa.Column("id", NUMBER, autoincrement=False),
        sa.Column("repository", NUMBER, nullable=False),
        sa.Column("path", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("created_at", sa.String, nullable=False),
        sa.Column("updated_at", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_workflows"),
        sa.UniqueConstraint("repository", "path", name="uq_workflows_repository_path"),
    )


def _make_events() -> None:
    op.create_table(
        "events",
        sa.Column("id", NUMBER, autoincrement=False),
        sa.Column("repository", NUMBER, nullable=False),
        sa.Column("delivery", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("accepted_at", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("note", sa.String, nullable=False),
        sa.Column("event", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_events"),
        sa.UniqueConstraint("repository", "delivery", name="uq_events_repository_delivery"),
    )
    op.create_index("ix_events_state_repository_id", "events", ["state", "repository", "id"])
    op.create_index("ix_events_repository_id", "events", ["repository", "id"])
    op.create_table(
        "workflow_starts",
        sa.Column("event", NUMBER, autoincrement=False),
        sa.Column("workflow", sa.String),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("outcome", sa.String, nullable=False),
        sa.Column("run", NUMBER, nullable=True),
        sa.Column("number", NUMBER, nullable=False),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("diagnostics", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("event", "workflow", name="pk_workflow_starts"),
        sa.ForeignKeyConstraint(["event"], ["events.id"], name="fk_workflow_starts_event", ondelete="CASCADE"),
    )
    op.create_index("ix_workflow_starts_run", "workflow_starts", ["run"])
    op.create_table(
        "watched_runs",
        sa.Column("run", NUMBER, autoincrement=False),
        sa.Column("attempt", NUMBER, autoincrement=False),
        sa.Column("repository", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("run", "attempt", name="pk_watched_runs"),
    )


def _make_deliveries() -> None:
    op.create_table(
        "deliveries",
        sa.Column("id", NUMBER),
        sa.Column("source", sa.String, nullable=False),
        sa.Column("delivery", sa.String, nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("repository", NUMBER, nullable=False),
        sa.Column("event", sa.String, nullable=False),
        sa.Column("received_at", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("note", sa.String, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_deliveries"),
        sa.UniqueConstraint("source", "delivery", name="uq_deliveries_source_delivery"),
        sa.UniqueConstraint("repository", "digest", name="uq_deliveries_repository_digest"),
    )
    op.create_index("ix_deliveries_digest", "deliveries", ["digest"])
    op.create_index("ix_deliveries_delivery", "deliveries", ["delivery"])
    op.create_index("ix_deliveries_state_repository_id", "deliveries", ["state", "repository", "id"])
    op.create_index("ix_deliveries_repository_id", "deliveries", ["repository", "id"])
    op.create_table(
        "pushes",
        sa.Column("id", NUMBER, autoincrement=False),
        sa.Column("repository", NUMBER, nullable=False),
        sa.Column("actor", sa.String, nullable=False),
        sa.Column("is_silent", NUMBER, nullable=False),
        sa.Column("received_at", sa.String, nullable=False),
        sa.Column("commands", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_pushes"),
    )
    op.create_table(
        "seen_refs",
        sa.Column("repository", NUMBER, autoincrement=False),
        sa.Column("ref", sa.String),
        sa.Column("sha", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("repository", "ref", name="pk_seen_refs"),
    )
    op.create_table(
        "seen_pulls",
        sa.Column("repository", NUMBER, autoincrement=False),
        sa.Column("number", NUMBER, autoincrement=False),
        sa.Column("head_sha", sa.String, nullable=False),
        sa.Column("is_open", NUMBER, nullable=False),
        sa.Column("is_draft", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("repository", "number", name="pk_seen_pulls"),
    )


def _make_schedules() -> None:
    op.create_table(
        "schedules",
        sa.Column("repository", NUMBER, autoincrement=False),
        sa.Column("workflow", sa.String),
        sa.Column("cron", sa.String),
        sa.Column("timezone", sa.String),
        sa.Column("actor", sa.String, nullable=False),
        sa.Column("seen_until", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("repository", "workflow", "cron", "timezone", name="pk_schedules"),
    )

"""People, their tokens and sessions, and the audit log."""

import sqlalchemy as sa
from alembic import op

from homeport.store.tables.schema import NUMBER

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "users",
        sa.Column("id", NUMBER),
        sa.Column("login", sa.String, nullable=False),
        sa.Column("key", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("password_hash", sa.String, nullable=True),
        sa.Column("is_administrator", NUMBER, nullable=False),
        sa.Column("is_active", NUMBER, nullable=False),
        sa.Column("created_at", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
    )
    op.create_index("ix_users_key", "users", ["key"], unique=True)
    op.create_table(
        "roles",
        sa.Column("user", NUMBER, autoincrement=False),
        sa.Column("target", sa.String),
        sa.Column("role", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("user", "target", name="pk_roles"),
        sa.ForeignKeyConstraint(["user"], ["users.id"], name="fk_roles_user", ondelete="CASCADE"),
    )
    op.create_table(
        "tokens",
        sa.Column("id", NUMBER),
        sa.Column("user", NUMBER, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("scopes", sa.String, nullable=False),
        sa.Column("target", sa.String, nullable=False),
        sa.Column("created_at", sa.String, nullable=False),
        sa.Column("expires_at", sa.String, nullable=True),
        sa.Column("used_at", sa.String, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_tokens"),
        sa.ForeignKeyConstraint(["user"], ["users.id"], name="fk_tokens_user", ondelete="CASCADE"),
    )
    op.create_index("ix_tokens_digest", "tokens", ["digest"], unique=True)
    op.create_index("ix_tokens_user", "tokens", ["user"])
    op.create_table(
        "sessions",
        sa.Column("digest", sa.LargeBinary),
        sa.Column("user", NUMBER, nullable=False),
        sa.Column("created_at", sa.String, nullable=False),
        sa.Column("expires_at", sa.String, nullable=False),
        sa.Column("seen_at", sa.String, nullable=False),
        sa.Column("address", sa.String, nullable=False),
        sa.Column("agent", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_sessions"),
        sa.ForeignKeyConstraint(["user"], ["users.id"], name="fk_sessions_user", ondelete="CASCADE"),
    )
    op.create_index("ix_sessions_user", "sessions", ["user"])
    op.create_table(
        "links",
        sa.Column("digest", sa.LargeBinary),
        sa.Column("user", NUMBER, nullable=True),
        sa.Column("expires_at", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_links"),
        sa.ForeignKeyConstraint(["user"], ["users.id"], name="fk_links_user", ondelete="CASCADE"),
    )
    op.create_table(
        "job_tokens",
        sa.Column("digest", sa.LargeBinary),
        sa.Column("lease", sa.String, nullable=False),
        sa.Column("run", sa.String, nullable=False),
        sa.Column("job", sa.String, nullable=False),
        sa.Column("repository", sa.String, nullable=False),
        sa.Column("grants", sa.LargeBinary, nullable=False),
        sa.Column("claims", sa.LargeBinary, nullable=True),
        sa.PrimaryKeyConstraint("digest", name="pk_job_tokens"),
    )
    op.create_index("ix_job_tokens_lease", "job_tokens", ["lease"])
    op.create_index("ix_job_tokens_run", "job_tokens", ["run"])
    op.create_table(
        "held_runs",
        sa.Column("run", NUMBER, autoincrement=False),
        sa.Column("repository", NUMBER, nullable=False),
        sa.Column("pull_request", NUMBER, nullable=False),
        sa.Column("head_sha", sa.String, nullable=False),
        sa.Column("author", sa.String, nullable=False),
        sa.Column("held_at", sa.String, nullable=False),
        sa.Column("decision", sa.String, nullable=False),
        sa.Column("decided_by", sa.String, nullable=False),
        sa.Column("decided_at", sa.String, nullable=True),
        sa.Column("record", sa.LargeBinary, nullable=False),
        sa.Column("plan", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("run", name="pk_held_runs"),
    )
    op.create_index("ix_held_runs_repository_decision", "held_runs", ["repository", "decision"])
    op.create_index("ix_held_runs_repository_head_sha", "held_runs", ["repository", "head_sha"])
    op.create_table(
        "audit",
        sa.Column("sequence", NUMBER, autoincrement=False),
        sa.Column("at", sa.String, nullable=False),
        sa.Column("who", sa.String, nullable=False),
        sa.Column("action", sa.String, nullable=False),
        sa.Column("target", sa.String, nullable=False),
        sa.Column("address", sa.String, nullable=False),
        sa.Column("result", sa.String, nullable=False),
        sa.Column("detail", sa.String, nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("sequence", name="pk_audit"),
    )
    op.create_index("ix_audit_who_sequence", "audit", ["who", "sequence"])
    op.create_index("ix_audit_target_sequence", "audit", ["target", "sequence"])
    _forbid_changes()


def _forbid_changes() -> None:
    """What is in the audit log stays as it is, whatever Homeport's own code might do."""
    if op.get_bind().dialect.name == "sqlite":
        for change in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER audit_no_{change.lower()} BEFORE {change} ON audit "
                "BEGIN SELECT RAISE(ABORT, 'the audit log is only added to'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION refuse_audit_change() RETURNS trigger AS "
        "$$ BEGIN RAISE EXCEPTION 'the audit log is only added to'; END $$ LANGUAGE plpgsql"
    )
    op.execute(
        "CREATE TRIGGER audit_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON audit "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change()"
    )

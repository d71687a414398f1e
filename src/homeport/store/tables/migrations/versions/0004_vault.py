"""Secrets, variables and environments."""

import sqlalchemy as sa
from alembic import op

from homeport.store.tables.schema import NUMBER

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "vault_keys",
        sa.Column("id", NUMBER, autoincrement=False),
        sa.Column("master", sa.String, nullable=False),
        sa.Column("wrapped", sa.LargeBinary, nullable=False),
        sa.Column("created_at", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_vault_keys"),
    )
    op.create_table(
        "secrets",
        sa.Column("scope", sa.String),
        sa.Column("name", sa.String),
        sa.Column("key", NUMBER, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("visibility", sa.String, nullable=False),
        sa.Column("repositories", sa.LargeBinary, nullable=False),
        sa.Column("created_at", sa.String, nullable=False),
        sa.Column("updated_at", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("scope", "name", name="pk_secrets"),
    )
    op.create_table(
        "variables",
        sa.Column("scope", sa.String),
        sa.Column("name", sa.String),
        sa.Column("value", sa.String, nullable=False),
        sa.Column("visibility", sa.String, nullable=False),
        sa.Column("repositories", sa.LargeBinary, nullable=False),
        sa.Column("created_at", sa.String, nullable=False),
        sa.Column("updated_at", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("scope", "name", name="pk_variables"),
    )
    op.create_table(
        "environments",
        sa.Column("id", NUMBER),
        sa.Column("repository", NUMBER, nullable=False),
        sa.Column("key", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("created_at", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_environments"),
    )
    op.create_index("ix_environments_repository_key", "environments", ["repository", "key"], unique=True)

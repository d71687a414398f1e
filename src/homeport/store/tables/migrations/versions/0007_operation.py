"""What the operation of a server remembers."""

import sqlalchemy as sa
from alembic import op

from homeport.store.tables.schema import NUMBER

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "refused_workflows",
        sa.Column("repository", NUMBER, autoincrement=False),
        sa.Column("path", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("event", NUMBER, nullable=False),
        sa.Column("reason", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("repository", "path", name="pk_refused_workflows"),
    )
    op.create_table(
        "awaited_reruns",
        sa.Column("run", NUMBER, autoincrement=False),
        sa.Column("attempt", NUMBER, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.ForeignKeyConstraint(
            ["run", "attempt"],
            ["attempts.run", "attempts.attempt"],
            name="fk_awaited_reruns_run_attempt",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("run", name="pk_awaited_reruns"),
    )

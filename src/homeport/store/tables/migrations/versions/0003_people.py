"""People, their tokens and sessions, and the audit log."""

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the tables."""

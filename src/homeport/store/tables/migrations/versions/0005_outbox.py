"""What is still to be told to forges."""

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Make the tables."""

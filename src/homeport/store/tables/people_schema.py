"""The tables of people, of their roles, and of what they show: tokens, sessions, one-time links. All that is shown is kept as a digest."""

from sqlalchemy import Column, ForeignKey, Index, LargeBinary, String, Table

from homeport.store.tables.schema import METADATA, NUMBER

USERS = Table(
    "users",
    METADATA,
    Column("id", NUMBER, primary_key=True),
    Column("login", String, nullable=False),
    Column("key", String, nullable=False, comment="the login in lower case"),
    Column("name", String, nullable=False),
    Column("password_hash", String, nullable=True),
    Column("is_administrator", NUMBER, nullable=False),
    Column("is_active", NUMBER, nullable=False),
    Column("created_at", String, nullable=False),
    Index(None, "key", unique=True),
)

ROLES_GIVEN = Table(
    "roles",
    METADATA,
    Column("user", NUMBER, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("target", String, primary_key=True),
    Column("role", String, nullable=False),
)

TOKENS = Table(
    "tokens",
    METADATA,
    Column("id", NUMBER, primary_key=True),
    Column("user", NUMBER, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("name", String, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("scopes", String, nullable=False),
    Column("target", String, nullable=False),
    Column("created_at", String, nullable=False),
    Column("expires_at", String, nullable=True),
    Column("used_at", String, nullable=True),
    Index(None, "digest", unique=True),
    Index(None, "user"),
)

SESSIONS = Table(
    "sessions",
    METADATA,
    Column("digest", LargeBinary, primary_key=True),
    Column("user", NUMBER, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("created_at", String, nullable=False),
    Column("expires_at", String, nullable=False),
    Column("seen_at", String, nullable=False),
    Column("address", String, nullable=False),
    Column("agent", String, nullable=False),
    Index(None, "user"),
)

LINKS = Table(
    "links",
    METADATA,
    Column("digest", LargeBinary, primary_key=True),
    Column("user", NUMBER, ForeignKey("users.id", ondelete="CASCADE"), nullable=True),
    Column("expires_at", String, nullable=False),
)

"""The tables of a server's database. What they hold is written and read in the modules beside this one, one a repository.

Times are UTC, as RFC 3339 text with microseconds (they sort as text, and every database has them). Values that are only ever read
whole are MessagePack in a blob. Numbers have 64 bits: forges count beyond 32. SQLite's INTEGER has them, and counts up by itself only
where the column is called that.
"""

from sqlalchemy import BigInteger, Column, ForeignKeyConstraint, Index, Integer, LargeBinary, MetaData, String, Table

NUMBER = BigInteger().with_variant(Integer(), "sqlite")
METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    }
)

ATTEMPTS = Table(
    "attempts",
    METADATA,
    Column("run", NUMBER, primary_key=True, autoincrement=False),
    Column("attempt", NUMBER, primary_key=True, autoincrement=False),
    Column("repository", String, nullable=False),
    Column("workflow", String, nullable=False),
    Column("number", NUMBER, nullable=False),
    Column("source", String, nullable=False),
    Column("created_at", String, nullable=False),
    Column("is_latest", NUMBER, nullable=False),
    Column(
        "owner", String, nullable=True, comment="the process that writes it; NULL: completed; '': left by its writer"
    ),
    Column("record", LargeBinary, nullable=False),
    Column("plan", LargeBinary, nullable=False),
    Index(None, "is_latest", "run"),
    Index(None, "repository", "is_latest", "run"),
    Index(None, "repository", "workflow", "is_latest", "run"),
    Index(None, "owner"),
)

FACTS = Table(
    "facts",
    METADATA,
    Column("run", NUMBER, primary_key=True, autoincrement=False),
    Column("attempt", NUMBER, primary_key=True, autoincrement=False),
    Column("sequence", NUMBER, primary_key=True, autoincrement=False),
    Column("type", String, nullable=False),
    Column("fact", LargeBinary, nullable=False),
    ForeignKeyConstraint(["run", "attempt"], ["attempts.run", "attempts.attempt"], ondelete="CASCADE"),
    sqlite_with_rowid=False,
)

COUNTERS = Table(
    "counters",
    METADATA,
    Column("scope", String, primary_key=True),
    Column("name", String, primary_key=True),
    Column("value", NUMBER, nullable=False),
)

GROUPS = Table(
    "concurrency_groups",
    METADATA,
    Column("repository", String, primary_key=True),
    Column("name", String, primary_key=True),
    Column("state", LargeBinary, nullable=False),
)

LEASES = Table(
    "leases",
    METADATA,
    Column("lease", String, primary_key=True),
    Column("run", NUMBER, nullable=False),
    Column("attempt", NUMBER, nullable=False),
    Column("job", String, nullable=False),
    Column("runner", String, nullable=False),
    Column("claim", String, nullable=False),
    Column("token_digest", LargeBinary, nullable=False),
    Column("taken_at", String, nullable=False),
    Column("heard", NUMBER, nullable=False),
    Column("log_size", NUMBER, nullable=False),
    ForeignKeyConstraint(["run", "attempt"], ["attempts.run", "attempts.attempt"], ondelete="CASCADE"),
)

"""The tables of secrets, variables and environments."""

from sqlalchemy import Column, Index, LargeBinary, String, Table

from homeport.store.tables.schema import METADATA, NUMBER

VAULT_KEYS = Table(
    "vault_keys",
    METADATA,
    Column("id", NUMBER, primary_key=True, autoincrement=False),
    Column("master", String, nullable=False, comment="the id of the key that it is wrapped by"),
    Column("wrapped", LargeBinary, nullable=False),
    Column("created_at", String, nullable=False),
)

SECRETS = Table(
    "secrets",
    METADATA,
    Column("scope", String, primary_key=True),
    Column("name", String, primary_key=True),
    Column("key", NUMBER, nullable=False, comment="of vault_keys"),
    Column("sealed", LargeBinary, nullable=False),
    Column("visibility", String, nullable=False),
    Column("repositories", LargeBinary, nullable=False),
    Column("created_at", String, nullable=False),
    Column("updated_at", String, nullable=False),
)

VARIABLES = Table(
    "variables",
    METADATA,
    Column("scope", String, primary_key=True),
    Column("name", String, primary_key=True),
    Column("value", String, nullable=False),
    Column("visibility", String, nullable=False),
    Column("repositories", LargeBinary, nullable=False),
    Column("created_at", String, nullable=False),
    Column("updated_at", String, nullable=False),
)

ENVIRONMENTS = Table(
    "environments",
    METADATA,
    Column("id", NUMBER, primary_key=True),
    Column("repository", NUMBER, nullable=False),
    Column("key", String, nullable=False, comment="the name in lower case"),
    Column("name", String, nullable=False),
    Column("created_at", String, nullable=False),
    Index(None, "repository", "key", unique=True),
)

"""Brings a database's schema up to date when it is opened, and refuses one that is newer than this version of Homeport knows."""

from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.exc import DBAPIError

from homeport.ports.repositories import StoreError

NEWEST = "0007"
"""the newest of `migrations/versions`; a test compares"""


def bring_up_to_date(engine: Engine) -> None:
    """Apply the migrations that are missing, each with its mark in one transaction. Raises `StoreError`."""
    try:
        with engine.connect() as connection:
            version = find_version(connection)
        if version != NEWEST:
            _migrate(engine)
    except DBAPIError as error:
        raise StoreError(f"the database cannot be opened: {error.orig}") from error


def find_version(connection: Connection) -> str | None:
    """The version of the schema; None for an empty database."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _migrate(engine: Engine) -> None:
    # slow to import, and needed once in a version's life
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", "homeport.store.tables:migrations")
    config.set_main_option("path_separator", "os")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            raise StoreError(
                f"the database was made by a newer version of Homeport: {error}. Use that version, or restore a backup."
            ) from error

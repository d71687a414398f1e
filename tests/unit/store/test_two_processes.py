"""Two programs with one database: an administrator's command beside the server."""

import threading
from pathlib import Path

from sqlalchemy import Connection, text

from homeport.store.tables.database import Database

TIMES = 200


def add_one(connection: Connection) -> None:
    """Reads first, as most work does: what it read must still hold when it writes."""
    (number,) = connection.execute(text("SELECT number FROM counter")).one()
    connection.execute(text("UPDATE counter SET number = :number"), {"number": number + 1})


def test_a_writer_waits_for_another_program_instead_of_failing(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'homeport.db'}"
    first, second = Database(url), Database(url)
    try:
        first.write(lambda connection: connection.execute(text("CREATE TABLE counter (number INTEGER)")))
        first.write(lambda connection: connection.execute(text("INSERT INTO counter VALUES (0)")))

        def count(database: Database) -> None:
            for _ in range(TIMES):
                database.write(add_one)

        threads = [threading.Thread(target=count, args=(database,)) for database in (first, second)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with first.read() as connection:
            assert connection.execute(text("SELECT number FROM counter")).scalar_one() == 2 * TIMES
    finally:
        first.close()
        second.close()

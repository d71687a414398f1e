"""One database, many readers, one writer: what is written together is made durable together.

SQLite in WAL mode with `synchronous=FULL`: a transaction that is committed survives the machine. A commit costs one flush of the
disk, so the writer takes everything that waits, carries it out in one transaction, and answers all of it after the one commit
(group commit). Source: sqlite.org, "Write-Ahead Logging" and "PRAGMA synchronous".

PostgreSQL stands in for it behind the same methods. What SQLite has by itself is asked of it: one writer at a time, whichever process it
is in, and one server on a database, by advisory locks, which end with the connection that took them; and a text with a NUL, which
PostgreSQL cannot hold, is kept with U+FFFD in its place. Source: postgresql.org, "Explicit Locking: Advisory Locks" and "Character Types".
"""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from queue import SimpleQueue
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, func, select
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as NoConnectionLeftError

from homeport.ports.repositories import StoreError
from homeport.store.tables.versions import bring_up_to_date

Result = TypeVar("Result")
Work = Callable[[Connection], Any]

_MOST_AT_ONCE = 512
"""How many pieces of work share a commit at most: a bound on how long the first of them waits for the last."""
_WRITES = {"homeport_writes": True}
"""An option of SQLAlchemy's connections"""
_BUSY_MILLISECONDS = 10_000
_WRITER_LOCK, _SERVER_LOCK = 0x686F6D65_00000001, 0x686F6D65_00000002
"""Keys of PostgreSQL's advisory locks, which are numbers of 64 bits"""


class Database:
    """An open database. All methods may be called from any thread.

    `url` is SQLAlchemy's (`sqlite:////var/lib/homeport/homeport.db`, `postgresql+psycopg://…`). Opening brings the schema up to date.
    Who is the one server of the database says `is_server`; in SQLite the lock of its folder sees to that. Raises `StoreError`, also for a
    schema that is newer than this version knows.
    """

    def __init__(self, url: str, *, is_server: bool = False) -> None:
        self._engine = _make_engine(url)
        self._writing = self._engine.execution_options(**_WRITES)
        self._locks = is_server and self._engine.dialect.name == "postgresql"
        bring_up_to_date(self._engine)
        self._queue: SimpleQueue[tuple[Work, Future[Any]] | None] = SimpleQueue()
        self._batches = threading.local()
        self._closing = threading.Lock()
        self._is_closed = False
        self._own: Connection | None = self._connect_writer() if self._locks else None
        """the writer's"""
        self._writer = threading.Thread(target=self._write_all, name="database-writer", daemon=True)
        self._writer.start()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection that sees everything which was committed before; nothing is to be written through it."""
        try:
            with self._engine.connect() as connection:
                yield connection
        except (DBAPIError, NoConnectionLeftError) as error:
            raise _unusable(error) from error

    def write(self, work: Callable[[Connection], Result]) -> Result:
        """Carry out a piece of work in the order of the calls; durable when it returns. What the work raises is raised here, and
        nothing of it is kept. Raises `StoreError` where the database fails.
        """
        return self.submit(work).result()

    def write_soon(self, work: Work) -> None:
        """The same, but inside of `batch` it is carried out, and durable, when the batch ends."""
        batch: list[Work] | None = getattr(self._batches, "pending", None)
        if batch is None:
            self.write(work)
        else:
            batch.append(work)

    def submit(self, work: Callable[[Connection], Result]) -> "Future[Result]":
        """The same without waiting: the future is done when the work is durable, or has failed. It cannot be cancelled."""
        future: Future[Result] = Future()
        future.set_running_or_notify_cancel()
        with self._closing:  # what is put behind the end would never be answered
            if self._is_closed:
                raise StoreError("the database is closed")
            self._queue.put((work, future))
        return future

    @property
    def waiting(self) -> int:
        """How many pieces of work wait for the writer, roughly."""
        return self._queue.qsize()

    @contextmanager
    def batch(self) -> Iterator[None]:
        """What the calling thread writes by `write_soon` inside is durable when this ends: all of it, in its order, or (where this
        raises) none.
        """
        pending: list[Work] = []
        self._batches.pending = pending
        try:
            yield
        finally:
            self._batches.pending = None
        if pending:
            self.write(lambda connection: [work(connection) for work in pending])

    def close(self) -> None:
        """Finish what was asked for, and let go. Closing twice is no error."""
        with self._closing:
            if self._is_closed:
                return
            self._is_closed = True
            self._queue.put(None)
        self._writer.join()
        self._engine.dispose()

    # --- the writer's thread -------------------------------------------------------------------------------------------

    def _write_all(self) -> None:
        while (first := self._queue.get()) is not None:
            tasks = [first]
            is_last = False
            while len(tasks) < _MOST_AT_ONCE and not self._queue.empty():
                following = self._queue.get()
                if following is None:
                    is_last = True
                    break
                tasks.append(following)
            if len(tasks) == 1:
                self._carry_out_one(*first)
            else:
                self._carry_out(tasks)
            if is_last:
                break
        if self._own is not None:
            self._own.close()

    def _carry_out_one(self, work: Work, future: Future[Any]) -> None:
        """The same without a savepoint: the transaction is enough."""
        try:
            with self._transaction() as connection:
                answer = work(connection)
        except BaseException as error:
            future.set_exception(_explain(error))
        else:
            future.set_result(answer)

    def _carry_out(self, tasks: list[tuple[Work, Future[Any]]]) -> None:
        """One transaction; each task within a savepoint, so that one that fails takes nothing of the others along."""
        answers: list[tuple[Future[Any], Any]] = []
        try:
            with self._transaction() as connection:
                for work, future in tasks:
                    connection.exec_driver_sql("SAVEPOINT task")  # SQLAlchemy's own way costs four times as much
                    try:
                        answer = work(connection)
                    except BaseException as error:
                        connection.exec_driver_sql("ROLLBACK TO SAVEPOINT task")
                        future.set_exception(_explain(error))
                    else:
                        answers.append((future, answer))
                    connection.exec_driver_sql("RELEASE SAVEPOINT task")
        except BaseException as error:
            for _, future in tasks:
                if not future.done():
                    future.set_exception(_explain(error))
            return
        for future, answer in answers:
            future.set_result(answer)

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        """On the writer's own connection, which is let go after a failure: the next one is as the first."""
        if self._own is None:
            self._own = self._connect_writer()
        try:
            with self._own.begin():
                yield self._own
        except BaseException:
            own, self._own = self._own, None
            own.close()
            raise

    def _connect_writer(self) -> Connection:
        """Where the connection was lost, so was the lock: another server may have the database by now."""
        own = self._writing.connect()
        try:
            if self._locks:
                with own.begin():
                    is_ours = own.scalar(select(func.pg_try_advisory_lock(_SERVER_LOCK)))
                if not is_ours:
                    raise StoreError("another server works on this database")
        except BaseException:
            own.close()
            raise
        return own


def _make_engine(url: str) -> Engine:
    try:
        engine = create_engine(url)
    except (ArgumentError, NoSuchModuleError) as error:  # the address may hold a password: it is not repeated
        raise StoreError(
            "the address of the database cannot be read, expected sqlite:////path or postgresql+psycopg://…"
        ) from error
    except ModuleNotFoundError as error:
        raise StoreError(f"the database needs the package '{error.name}', which is not installed") from error
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    elif engine.dialect.name == "postgresql":
        event.listen(engine, "connect", _prepare_postgresql)
        event.listen(engine, "begin", _begin_postgresql)
    return engine


def _prepare_sqlite(connection: Any, _: object) -> None:
    connection.isolation_level = None  # the driver's own idea of transactions begins them too late
    for setting in (
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
        f"busy_timeout = {_BUSY_MILLISECONDS}",
    ):
        connection.execute(f"PRAGMA {setting}")


def _begin_sqlite(connection: Connection) -> None:
    # a transaction that reads first and writes then cannot wait for another process that wrote in between
    writes = connection.get_execution_options().get("homeport_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _explain(error: BaseException) -> BaseException:
    """What is raised where the work was asked for."""
    return _unusable(error) if isinstance(error, SQLAlchemyError) else error


def _prepare_postgresql(connection: Any, _: object) -> None:
    from psycopg.types.string import StrDumper  # noqa: PLC0415 - an extra

    class WithoutNul(StrDumper):
        def dump(self, obj: str) -> Any:
            return super().dump(obj.replace("\0", "\ufffd"))

    connection.adapters.register_dumper(str, WithoutNul)


def _begin_postgresql(connection: Connection) -> None:
    if connection.get_execution_options().get("homeport_writes", False):
        connection.execute(select(func.pg_advisory_xact_lock(_WRITER_LOCK)))


def _unusable(error: BaseException) -> StoreError:
    cause = getattr(error, "orig", None) or error
    diagnosis = getattr(cause, "diag", None)  # PostgreSQL's: what else it says may repeat what was to be written
    return StoreError(f"the database cannot be used: {getattr(diagnosis, 'message_primary', None) or cause}")

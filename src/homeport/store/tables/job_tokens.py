"""Keeps in a database the digests of the tokens that jobs have, from their offer to their end: to call the server with, and to ask it for
identity tokens.
"""

from collections.abc import Collection, Mapping, Sequence

import msgspec
from sqlalchemy import Column, Connection, Index, LargeBinary, String, Table, delete, insert, select

from homeport.run.facts import JobFinished, RunFact, RunFinished
from homeport.store.tables.database import Database
from homeport.store.tables.prepared import given, of
from homeport.store.tables.schema import METADATA

JOB_TOKENS = Table(
    "job_tokens",
    METADATA,
    Column("digest", LargeBinary, primary_key=True),
    Column("lease", String, nullable=False),
    Column("run", String, nullable=False),
    Column("job", String, nullable=False),
    Column("repository", String, nullable=False),
    Column("grants", LargeBinary, nullable=False),
    Column(
        "claims",
        LargeBinary,
        nullable=True,
        comment="of identity tokens, which this token asks for: it is good for nothing else",
    ),
    Index(None, "lease"),
    Index(None, "run"),
)

_ADD = insert(JOB_TOKENS)
_FIND = select(JOB_TOKENS).where(given(JOB_TOKENS, "digest"))
_END_JOB = delete(JOB_TOKENS).where(given(JOB_TOKENS, "run", "job"))
_END_RUN = delete(JOB_TOKENS).where(given(JOB_TOKENS, "run"))


class JobToken(msgspec.Struct, frozen=True, kw_only=True):
    """Whose a job's token is. `repository` is `owner/name`."""

    lease: str
    run: str
    job: str
    repository: str
    grants: Mapping[str, str]
    claims: Mapping[str, str] | None = None
    """of the identity tokens that it asks for; None: it is a `GITHUB_TOKEN`"""


def end_tokens(connection: Connection, run: int, _: int, facts: Sequence[RunFact]) -> None:
    """To be called in the transaction that adds these facts to a journal: no token outlives the fact that its job has ended."""
    for fact in facts:
        if isinstance(fact, JobFinished):
            connection.execute(_END_JOB, of(run=str(run), job=fact.job))
        elif isinstance(fact, RunFinished):
            connection.execute(_END_RUN, of(run=str(run)))


class TableJobTokens:
    """Safe from any thread. May raise `StoreError`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, digest: bytes, token: JobToken) -> None:
        """Durable when it returns, or at the end of the batch that it is in."""
        values = {
            "digest": digest,
            "lease": token.lease,
            "run": token.run,
            "job": token.job,
            "repository": token.repository,
            "grants": msgspec.msgpack.encode(dict(token.grants)),
            "claims": None if token.claims is None else msgspec.msgpack.encode(dict(token.claims)),
        }
        self._database.write_soon(lambda connection: connection.execute(_ADD, values))

    def find(self, digest: bytes) -> JobToken | None:
        """By the primary key."""
        with self._database.read() as connection:
            row = connection.execute(_FIND, of(digest=digest)).first()
        if row is None:
            return None
        return JobToken(
            lease=row.lease,
            run=row.run,
            job=row.job,
            repository=row.repository,
            grants=msgspec.msgpack.decode(row.grants, type=dict[str, str]),
            claims=None if row.claims is None else msgspec.msgpack.decode(row.claims, type=dict[str, str]),
        )

    def keep_only(self, leases: Collection[str]) -> None:
        """Of a server that died: jobs that have ended meanwhile, or were never given out."""
        with self._database.read() as connection:
            known = {row.lease for row in connection.execute(select(JOB_TOKENS.c.lease).distinct())}
        for lease in known.difference(leases):
            ended = delete(JOB_TOKENS).where(JOB_TOKENS.c.lease == lease)
            self._database.write(lambda connection, ended=ended: connection.execute(ended))  # type: ignore[misc]

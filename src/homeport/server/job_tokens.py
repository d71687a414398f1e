"""The tokens of a job: made when it is offered, dead when it ends. Its `GITHUB_TOKEN` is good for its `permissions` in its one
repository; by the other one, which few jobs have, it asks for identity tokens.

Source: GitHub docs, "Use GITHUB_TOKEN for authentication in workflows" and "Automatic token authentication".
"""

from collections.abc import Collection, Mapping
from typing import Literal, cast

from homeport.ports.access import Caller
from homeport.server.credentials import IDENTITY, JOB, digest_of, make_credential
from homeport.store.tables.job_tokens import JobToken, TableJobTokens

Level = Literal["read", "write", "none"]


class JobTokens:
    """Safe from any thread. All may raise `StoreError`.

    The order for one job: `issue` (once or more often: every token that was given out is good) → the fact of its end, in whose own
    transaction all of them die (`store.tables.job_tokens.end_tokens`).
    A job outlives a restart of the server with its token; `keep_only` at the start ends those whose job ended meanwhile.
    """

    def __init__(self, store: TableJobTokens) -> None:
        self._store = store

    def issue(
        self, *, lease: str, run: str, job: str, repository: str, grants: Mapping[str, str], is_trusted: bool
    ) -> str:
        """A new token. `grants` are the leg's `permissions`; what is not trusted (a pull request from a fork) gets to read at most."""
        given = {
            permission: _limit(level, is_trusted=is_trusted) for permission, level in grants.items() if level != "none"
        }
        token = make_credential(JOB)
        self._store.add(digest_of(token), JobToken(lease=lease, run=run, job=job, repository=repository, grants=given))
        return token

    def issue_identity(self, *, lease: str, run: str, job: str, repository: str, claims: Mapping[str, str]) -> str:
        """A new token that is good for asking for identity tokens with these claims, and for nothing else."""
        token = make_credential(IDENTITY)
        known = JobToken(lease=lease, run=run, job=job, repository=repository, grants={}, claims=claims)
        self._store.add(digest_of(token), known)
        return token

    def find_claims(self, digest: bytes) -> Mapping[str, str] | None:
        """What an identity token for whoever shows this token says; None for any other token, and for a dead one."""
        token = self._store.find(digest)
        return None if token is None else token.claims

    def find(self, digest: bytes) -> Caller | None:
        """Whose a token is; None for one that is dead, or never was."""
        token = self._store.find(digest)
        if token is None or token.claims is not None:
            return None
        return Caller(
            kind="job",
            login="github-actions[bot]",
            run=token.run,
            repository=token.repository,
            grants=cast("Mapping[str, Level]", token.grants),
        )

    def keep_only(self, leases: Collection[str]) -> None:
        """At the start, before anybody is let in: only these jobs go on."""
        self._store.keep_only(leases)


def _limit(level: str, *, is_trusted: bool) -> str:
    return level if is_trusted or level != "write" else "read"

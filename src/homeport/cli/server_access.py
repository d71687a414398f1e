"""Puts together who may do what on a server: its people, its tokens, its audit log, with the keys that are kept beside the database."""

import os
from collections.abc import Mapping

from homeport.ports.clock import Clock
from homeport.server.access import Access
from homeport.server.audit import Audit
from homeport.server.auth import Identities
from homeport.server.job_tokens import JobTokens
from homeport.server.limits import Limits
from homeport.server.people import Administration
from homeport.server.sealed_values import SealedValues
from homeport.server.sessions import Sessions
from homeport.store.data_folder import DataFolder
from homeport.store.key_files import load_or_make_key
from homeport.store.key_ring import KeyRing
from homeport.store.tables.audit import TableAudit
from homeport.store.tables.database import Database
from homeport.store.tables.job_tokens import TableJobTokens
from homeport.store.tables.people import TablePeople
from homeport.store.vault import TableVault


def open_access(
    folder: DataFolder, database: Database, clock: Clock, public_url: str, environment: Mapping[str, str]
) -> Access:
    """Raises `StoreError`. Also for commands that look after a server's folder from outside: nothing here needs its lock."""
    people, limits = TablePeople(database), Limits(clock)
    audit = Audit(TableAudit(database, load_or_make_key(os.path.join(folder.keys, "audit.key"))), clock, limits)
    vault = open_vault(folder, database, environment)
    job_tokens = JobTokens(TableJobTokens(database))
    sessions = Sessions(people, audit, limits, clock)
    return Access(
        people=people,
        audit=audit,
        limits=limits,
        identities=Identities(people, job_tokens, clock),
        sessions=sessions,
        administration=Administration(people, sessions, audit, clock),
        job_tokens=job_tokens,
        vault=vault,
        sealed_values=SealedValues(vault, clock),
        public_url=public_url,
    )


def open_vault(folder: DataFolder, database: Database, environment: Mapping[str, str]) -> TableVault:
    """`HOMEPORT_MASTER_KEY` names files of master keys, the first being the one to encrypt with; else they are in the data folder."""
    given = [path for path in environment.get("HOMEPORT_MASTER_KEY", "").split(os.pathsep) if path]
    return TableVault(database, KeyRing(folder.keys, given))


def setup_url(public_url: str, token: str) -> str:
    """The one-time link with what `Sessions.make_link` gave."""
    return f"{public_url}/setup?token={token}"

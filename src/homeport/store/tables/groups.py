"""Keeps concurrency groups in a database: one row a group. A change is durable together with the facts that led to it."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import msgspec
from sqlalchemy import ColumnElement, Connection, delete, insert, select, update

from homeport.plan.model import ConcurrencyClaim
from homeport.ports.concurrency import ClaimAnswer, Holder
from homeport.store import group_rules
from homeport.store.group_rules import Group
from homeport.store.tables.database import Database
from homeport.store.tables.schema import GROUPS

Answer = TypeVar("Answer")


class TableConcurrencyGroups:
    """A `ConcurrencyGroups` for one repository. `is_open` tells whether a run is still carried out (`RunRepository.is_open`).

    For one thread. What is changed inside of `Database.batch` is seen here at once, and by others when the batch ends; where a batch
    fails, this is ahead of what is remembered, and is to be made anew.
    """

    def __init__(self, database: Database, repository: str, is_open: Callable[[str], bool]) -> None:
        self._database = database
        self._repository = repository.lower()
        self._is_open = is_open
        self._waiting: dict[Holder, set[str]] = {}
        self._unwritten: dict[str, Group] = {}
        self._written: list[tuple[str, Group]] = []
        """filled by the database's writer"""

    def claim(self, holder: Holder, claim: ConcurrencyClaim) -> ClaimAnswer:
        """Durable when it returns, or at the end of the batch."""
        answer = self._change(claim.group, holder, lambda group: group_rules.claim(group, holder, claim))
        if answer.status == "waiting":
            self._waiting.setdefault(holder, set()).add(claim.group)
        return answer

    def release(self, holder: Holder, group: str) -> Holder | None:
        """Passes the group on at once, so that nobody can come between."""
        self._waiting.get(holder, set()).discard(group)
        return self._change(group, holder, lambda state: group_rules.release(state, holder))

    def poll(self, holders: Sequence[Holder]) -> Sequence[tuple[Holder, str]]:
        """Only knows of claims that were made through this instance."""
        granted = []
        for holder in holders:
            for name in sorted(self._waiting.get(holder, ())):
                if self._change(name, holder, lambda group: (group, group.holder)) == holder:
                    self._waiting[holder].discard(name)
                    granted.append((holder, name))
        return granted

    def _change(self, name: str, asking: Holder, rule: Callable[[Group], tuple[Group, Answer]]) -> Answer:
        key = name.lower()
        before = self._find(key)
        after, answer = rule(self._without_dead(before, asking))
        if after != before:
            self._unwritten[key] = after
            self._database.write_soon(lambda connection: self._write(connection, key, after))
        return answer

    def _find(self, key: str) -> Group:
        """As the last change left it, written or not."""
        while self._written:  # whoever comes here after a batch finds it committed
            written, group = self._written.pop()
            if self._unwritten.get(written) is group:
                del self._unwritten[written]
        if key in self._unwritten:
            return self._unwritten[key]
        with self._database.read() as connection:
            state = connection.execute(select(GROUPS.c.state).where(self._is(key))).scalar()
        return Group() if state is None else msgspec.msgpack.decode(state, type=Group)

    def _write(self, connection: Connection, key: str, group: Group) -> None:
        state = msgspec.msgpack.encode(group)
        if group == Group():
            connection.execute(delete(GROUPS).where(self._is(key)))
        elif not connection.execute(update(GROUPS).where(self._is(key)).values(state=state)).rowcount:
            connection.execute(insert(GROUPS).values(repository=self._repository, name=key, state=state))
        self._written.append((key, group))

    def _is(self, key: str) -> ColumnElement[bool]:
        return (GROUPS.c.repository == self._repository) & (GROUPS.c.name == key)

    def _without_dead(self, group: Group, asking: Holder) -> Group:
        return group_rules.without_dead(group, lambda other: other.run == asking.run or self._is_open(other.run))

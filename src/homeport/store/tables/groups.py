"""Keeps concurrency groups in a database: one row a group, changed by the one writer."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import msgspec
from sqlalchemy import Connection, delete, insert, select, update

from homeport.plan.model import ConcurrencyClaim
from homeport.ports.concurrency import ClaimAnswer, Holder
from homeport.store import group_rules
from homeport.store.group_rules import Group
from homeport.store.tables.database import Database
from homeport.store.tables.schema import GROUPS

Answer = TypeVar("Answer")


class TableConcurrencyGroups:
    """A `ConcurrencyGroups` for one repository. `is_open` tells whether a run is still carried out (`RunRepository.is_open`)."""

    def __init__(self, database: Database, repository: str, is_open: Callable[[str], bool]) -> None:
        self._database = database
        self._repository = repository.lower()
        self._is_open = is_open
        self._waiting: dict[Holder, set[str]] = {}

    def claim(self, holder: Holder, claim: ConcurrencyClaim) -> ClaimAnswer:
        """Durable when it returns."""
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
        row = (GROUPS.c.repository == self._repository) & (GROUPS.c.name == name.lower())

        def work(connection: Connection) -> Answer:
            state = connection.execute(select(GROUPS.c.state).where(row)).scalar()
            before = Group() if state is None else msgspec.msgpack.decode(state, type=Group)
            after, answer = rule(self._without_dead(before, asking))
            if after == Group():
                connection.execute(delete(GROUPS).where(row))
            elif state is None:
                values = {"repository": self._repository, "name": name.lower(), "state": msgspec.msgpack.encode(after)}
                connection.execute(insert(GROUPS).values(values))
            elif after != before:
                connection.execute(update(GROUPS).where(row).values(state=msgspec.msgpack.encode(after)))
            return answer

        return self._database.write(work)

    def _without_dead(self, group: Group, asking: Holder) -> Group:
        return group_rules.without_dead(group, lambda other: other.run == asking.run or self._is_open(other.run))

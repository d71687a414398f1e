"""Keeps concurrency groups in the folder store: one small file a group, changed under its lock."""

import os
from collections.abc import Callable, Sequence

import msgspec

from homeport.plan.model import ConcurrencyClaim
from homeport.ports.concurrency import ClaimAnswer, Holder
from homeport.store import group_rules
from homeport.store.folder import file_name, locked_file, reporting, write_all
from homeport.store.group_rules import Group


class FolderConcurrencyGroups:
    """A `ConcurrencyGroups` for one repository. `is_open` tells whether a run is still carried out (`RunRepository.is_open`)."""

    def __init__(self, home: str, repository: str, is_open: Callable[[str], bool]) -> None:
        self._folder = os.path.join(home, "groups", file_name(repository.lower()))
        self._is_open = is_open
        self._waiting: dict[Holder, set[str]] = {}

    def claim(self, holder: Holder, claim: ConcurrencyClaim) -> ClaimAnswer:
        """Reads and writes the group's file under its lock."""
        path = self._path(claim.group)
        with locked_file(path) as descriptor, reporting(path):
            group, answer = group_rules.claim(self._load(descriptor, holder), holder, claim)
            _store(descriptor, group)
        if answer.status == "waiting":
            self._waiting.setdefault(holder, set()).add(claim.group)
        return answer

    def release(self, holder: Holder, group: str) -> Holder | None:
        """Passes the group on at once, so that nobody can come between."""
        self._waiting.get(holder, set()).discard(group)
        path = self._path(group)
        with locked_file(path) as descriptor, reporting(path):
            after, heir = group_rules.release(self._load(descriptor, holder), holder)
            _store(descriptor, after)
        return heir

    def poll(self, holders: Sequence[Holder]) -> Sequence[tuple[Holder, str]]:
        """Only knows of claims that were made through this instance."""
        granted = []
        for holder in holders:
            for name in sorted(self._waiting.get(holder, ())):
                path = self._path(name)
                with locked_file(path) as descriptor, reporting(path):
                    group = self._load(descriptor, holder)
                    _store(descriptor, group)
                if group.holder == holder:
                    self._waiting[holder].discard(name)
                    granted.append((holder, name))
        return granted

    def _load(self, descriptor: int, asking: Holder) -> Group:
        size = os.fstat(descriptor).st_size
        line = os.pread(descriptor, size, 0).partition(b"\n")[0]
        group = msgspec.json.decode(line, type=Group) if line else Group()
        return group_rules.without_dead(group, lambda other: other.run == asking.run or self._is_open(other.run))

    def _path(self, group: str) -> str:
        return os.path.join(self._folder, file_name(group.lower()))


def _store(descriptor: int, group: Group) -> None:
    """In place and in one write, cut to length afterwards: what is read ends at the first newline."""
    data = msgspec.json.encode(group) + b"\n"
    os.lseek(descriptor, 0, os.SEEK_SET)
    write_all(descriptor, data)
    os.ftruncate(descriptor, len(data))

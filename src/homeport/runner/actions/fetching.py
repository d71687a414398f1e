"""Finds several actions at the same time, where finding them takes a while: a repository is fetched once, all of them beside each other."""

import threading
from collections import deque
from collections.abc import Callable, Iterable

from homeport.language.remote_reference import parse_remote_reference
from homeport.language.tokens import StringToken
from homeport.runner.actions.model import ActionUnavailableError, FailedUse, ResolveAction, ResolvedAction, Surroundings
from homeport.runner.actions.resolve import is_fetched

_MOST_THREADS = 8


def fetch_level(
    wanted: Iterable[StringToken],
    resolve: ResolveAction,
    surroundings: Surroundings,
    *,
    begin: Callable[[], None] = lambda: None,
) -> tuple[dict[str, ResolvedAction], dict[str, FailedUse]]:
    """The actions that have to be fetched, and those that cannot be had, by `uses`. What is quickly found is left out; `begin` is called
    before anything else is begun.
    """
    work = _Work(resolve, surroundings)
    for uses in wanted:
        reference = parse_remote_reference(uses.value)
        if reference is not None and is_fetched(uses.value, surroundings):
            work.add(reference.key, uses)
    if work.is_any:
        begin()
        work.carry_out()
    return work.found, work.failed


class _Work:
    """What is to be found, by repository and ref: one thread puts the files of each into the job's folder."""

    def __init__(self, resolve: ResolveAction, surroundings: Surroundings) -> None:
        self.found: dict[str, ResolvedAction] = {}
        self.failed: dict[str, FailedUse] = {}
        self._resolve = resolve
        self._surroundings = surroundings
        self._groups: dict[str, dict[str, StringToken]] = {}
        self._faults: list[BaseException] = []
        self._queue: deque[dict[str, StringToken]] = deque()

    def add(self, key: str, uses: StringToken) -> None:
        self._groups.setdefault(key, {}).setdefault(uses.value, uses)

    @property
    def is_any(self) -> bool:
        return bool(self._groups)

    def carry_out(self) -> None:
        self._queue.extend(self._groups.values())
        helpers = [threading.Thread(target=self._run) for _ in range(min(len(self._queue), _MOST_THREADS) - 1)]
        for helper in helpers:
            helper.start()
        self._run()
        for helper in helpers:
            helper.join()
        if self._faults:
            raise self._faults[0]

    def _run(self) -> None:
        """In each of the threads: one group after the other."""
        while True:
            try:
                group = self._queue.popleft()
            except IndexError:
                return
            for uses in group.values():
                self._find(uses)

    def _find(self, uses: StringToken) -> None:
        try:
            self.found[uses.value] = self._resolve(uses, self._surroundings)
        except ActionUnavailableError as error:
            self.failed[uses.value] = FailedUse(uses, error)
        except BaseException as fault:  # a fault of ours: raised again in the job's own thread
            self._faults.append(fault)

"""What every `ConcurrencyGroups` promises. Source: GitHub docs, "Control the concurrency of workflows and jobs"."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from homeport.plan.model import ConcurrencyClaim
from homeport.ports.concurrency import ConcurrencyGroups, Holder
from homeport.store.groups_folder import FolderConcurrencyGroups
from homeport.store.memory import MemoryConcurrencyGroups
from homeport.store.tables.groups import TableConcurrencyGroups
from tests.support.databases import KINDS, open_database

A, B, C = Holder("1", None), Holder("2", None), Holder("3", None)
SINGLE = ConcurrencyClaim("deploy")
CANCEL = ConcurrencyClaim("deploy", cancel_in_progress=True)
QUEUE = ConcurrencyClaim("deploy", queue="max")

Kill = Callable[[str], None]


@pytest.fixture(params=["memory", "folder", *KINDS])
def both(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[ConcurrencyGroups, Kill]]:
    if request.param == "memory":
        memory = MemoryConcurrencyGroups()
        yield memory, memory.dead.add
        return
    dead: set[str] = set()
    if request.param == "folder":
        yield FolderConcurrencyGroups(str(tmp_path), "octo/app", lambda run: run not in dead), dead.add
        return
    with open_database(tmp_path, request.param) as database:
        yield TableConcurrencyGroups(database, "octo/app", lambda run: run not in dead), dead.add


@pytest.fixture
def groups(both: tuple[ConcurrencyGroups, Kill]) -> ConcurrencyGroups:
    return both[0]


@pytest.fixture
def kill(both: tuple[ConcurrencyGroups, Kill]) -> Kill:
    return both[1]


def test_a_free_group_is_granted(groups: ConcurrencyGroups) -> None:
    assert groups.claim(A, SINGLE).status == "granted"


def test_asking_again_gives_the_same_answer(groups: ConcurrencyGroups) -> None:
    groups.claim(A, SINGLE)
    groups.claim(B, SINGLE)
    assert groups.claim(A, SINGLE).status == "granted"
    again = groups.claim(B, SINGLE)
    assert (again.status, again.holder, again.replaced, again.interrupt) == ("waiting", A, (), None)


def test_a_taken_group_makes_wait_and_names_its_holder(groups: ConcurrencyGroups) -> None:
    groups.claim(A, SINGLE)
    answer = groups.claim(B, SINGLE)
    assert (answer.status, answer.holder, answer.replaced, answer.interrupt) == ("waiting", A, (), None)
    assert groups.poll([B]) == []


def test_group_names_ignore_case(groups: ConcurrencyGroups) -> None:
    groups.claim(A, ConcurrencyClaim("Deploy"))
    assert groups.claim(B, ConcurrencyClaim("dEPLOY")).status == "waiting"
    groups.release(A, "Deploy")
    assert list(groups.poll([B])) == [(B, "dEPLOY")]


def test_a_newer_claim_replaces_the_one_that_waits(groups: ConcurrencyGroups) -> None:
    groups.claim(A, SINGLE)
    groups.claim(B, SINGLE)
    answer = groups.claim(C, SINGLE)
    assert (answer.status, answer.holder, answer.replaced) == ("waiting", A, (B,))
    assert groups.release(A, "deploy") == C


def test_cancel_in_progress_names_whom_to_interrupt_and_still_waits(groups: ConcurrencyGroups) -> None:
    groups.claim(A, SINGLE)
    groups.claim(B, SINGLE)
    answer = groups.claim(C, CANCEL)
    assert (answer.status, answer.interrupt, answer.replaced) == ("waiting", A, (B,))
    assert groups.release(A, "deploy") == C


def test_a_released_group_passes_to_who_waits(groups: ConcurrencyGroups) -> None:
    groups.claim(A, SINGLE)
    groups.claim(B, SINGLE)
    assert groups.release(A, "deploy") == B
    assert list(groups.poll([B, C])) == [(B, "deploy")]
    assert groups.release(B, "deploy") is None
    assert groups.claim(C, SINGLE).status == "granted"


def test_who_waits_may_leave_the_queue(groups: ConcurrencyGroups) -> None:
    groups.claim(A, SINGLE)
    groups.claim(B, SINGLE)
    assert groups.release(B, "deploy") is None
    assert groups.release(A, "deploy") is None
    assert groups.claim(C, SINGLE).status == "granted"


def test_a_queue_keeps_its_order(groups: ConcurrencyGroups) -> None:
    groups.claim(A, QUEUE)
    assert groups.claim(B, QUEUE).replaced == ()
    assert groups.claim(C, QUEUE).replaced == ()
    assert groups.release(A, "deploy") == B
    assert groups.release(B, "deploy") == C


def test_a_full_queue_refuses(groups: ConcurrencyGroups) -> None:
    groups.claim(A, QUEUE)
    for number in range(100):
        assert groups.claim(Holder(f"1{number:03}", None), QUEUE).status == "waiting"
    assert groups.claim(B, QUEUE).status == "refused"


def test_legs_of_one_run_are_holders_of_their_own(groups: ConcurrencyGroups) -> None:
    one, two = Holder("1", "deploy (eu)"), Holder("1", "deploy (us)")
    assert groups.claim(one, SINGLE).status == "granted"
    assert groups.claim(two, SINGLE).holder == one


def test_a_dead_holder_loses_its_place_to_who_waits(groups: ConcurrencyGroups, kill: Kill) -> None:
    groups.claim(A, SINGLE)
    groups.claim(B, SINGLE)
    kill("1")
    assert list(groups.poll([B])) == [(B, "deploy")]


def test_a_dead_holder_is_nobody_to_wait_for(groups: ConcurrencyGroups, kill: Kill) -> None:
    groups.claim(A, SINGLE)
    kill("1")
    assert groups.claim(B, SINGLE).status == "granted"


def test_the_dead_do_not_inherit(groups: ConcurrencyGroups, kill: Kill) -> None:
    groups.claim(A, QUEUE)
    groups.claim(B, QUEUE)
    groups.claim(C, QUEUE)
    kill("2")
    assert groups.release(A, "deploy") == C

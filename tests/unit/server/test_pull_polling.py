"""How pull requests are seen by asking a forge for them, against a stand-in of each."""

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from homeport.ports.directory import HostedRepository
from homeport.ports.forge import ForgeAwayError, ListedPull
from homeport.server.pull_polling import PullPolling, find_actions, find_different
from homeport.store.tables.deliveries import TableDeliveries
from homeport.store.tables.seen_pulls import SeenPull, TableSeenPulls
from tests.support.forges.bench import ReportingBench, token
from tests.support.forges.gitea import GiteaStandIn
from tests.support.forges.github import GitHubStandIn
from tests.support.forges.stand_in import Answer

StandIns = GitHubStandIn | GiteaStandIn


class Poller:
    """One life of a server: what it remembers is in the database, but for what forges have answered last."""

    def __init__(self, bench: ReportingBench, repository: HostedRepository) -> None:
        self.seen = TableSeenPulls(bench.database)
        self.deliveries = TableDeliveries(bench.database)
        self.woken: list[int] = []
        self._polling = PullPolling(self.seen, bench.forges, self.woken.append, bench.clock)
        self._repository = repository
        self._known = 0

    def look(self) -> list[str]:
        """What was found to have happened."""
        self._polling.look(self._repository)
        found = self._pending()
        new, self._known = found[self._known :], len(found)
        return [f"{each['number']} {each['action']}" for each in new]

    def last(self) -> dict[str, Any]:
        """The body of the last delivery."""
        return self._pending()[-1]

    def _pending(self) -> list[dict[str, Any]]:
        kept = self.deliveries.pending(self._repository.id, 1000)
        assert all(each.source == self._repository.origin and each.event == "pull_request" for each in kept)
        return [msgspec.json.decode(each.body) for each in kept]


def pull(number: int, head: str = "a", **more: Any) -> dict[str, Any]:
    return {
        "number": number,
        "state": "open",
        "draft": False,
        "head": {"ref": "topic", "sha": head * 40},
        "base": {"ref": "main", "sha": "f" * 40, "repo": {"full_name": "octo/app", "default_branch": "main"}},
        "user": {"login": "ada"},
        "merged_by": None,
        **more,
    }


@pytest.fixture
def poller(bench: ReportingBench, forge: StandIns) -> Poller:
    return Poller(bench, bench.add(forge, token()))


def test_the_first_look_only_notes_what_is_there(poller: Poller, forge: StandIns) -> None:
    forge.pulls[3] = pull(3)
    assert poller.look() == []
    forge.pulls[4] = pull(4)
    assert poller.look() == ["4 opened"]
    assert poller.look() == []
    assert len(poller.woken) == 2


def test_a_first_look_that_finds_nothing_was_one(poller: Poller, forge: StandIns) -> None:
    assert poller.look() == []
    forge.pulls[1] = pull(1)
    assert poller.look() == ["1 opened"]


def test_what_is_done_to_a_pull_request_is_told_in_githubs_words(poller: Poller, forge: StandIns) -> None:
    poller.look()
    forge.pulls[1] = pull(1, draft=True)
    assert poller.look() == ["1 opened"]
    forge.pulls[1] = pull(1, "b", draft=True)
    assert poller.look() == ["1 synchronize"]
    assert (poller.last()["before"], poller.last()["after"]) == ("a" * 40, "b" * 40)
    forge.pulls[1] = pull(1, "b")
    assert poller.look() == ["1 ready_for_review"]
    forge.pulls[1] = pull(1, "b", state="closed")
    assert poller.look() == ["1 closed"]
    forge.pulls[1] = pull(1, "c")
    assert poller.look() == ["1 reopened"]
    forge.pulls[1] = pull(1, "c", state="closed", merged=True, merged_by={"login": "grace"})
    assert poller.look() == ["1 closed"]
    told = poller.last()
    assert (told["sender"]["login"], told["pull_request"]["merged"]) == ("grace", True)
    assert told["repository"]["full_name"] == "octo/app"


def test_one_that_was_closed_before_the_first_look_is_not_new(poller: Poller, forge: StandIns) -> None:
    forge.pulls[5] = pull(5)
    poller.look()
    forge.pulls[2] = pull(2)
    assert poller.look() == ["2 reopened"]


def test_a_long_list_is_read_to_its_end(poller: Poller, forge: StandIns) -> None:
    forge.pulls |= {number: pull(number) for number in range(1, 206)}
    poller.look()
    forge.pulls[205] = pull(205, "b")
    forge.pulls[1]["state"] = "closed"
    assert poller.look() == ["1 closed", "205 synchronize"]


def test_a_full_page_that_stays_the_same_does_not_hide_the_next_one(poller: Poller, forge: StandIns) -> None:
    forge.pulls |= {number: pull(number) for number in range(1, 101)}
    poller.look()
    forge.pulls[101] = pull(101)
    assert poller.look() == ["101 opened"]


def test_github_is_not_made_to_say_again_what_has_not_changed(bench: ReportingBench, github: GitHubStandIn) -> None:
    poller = Poller(bench, bench.add(github, token()))
    github.pulls |= {number: pull(number) for number in range(1, 206)}
    poller.look()
    assert github.unchanged == 0
    assert poller.look() == []
    assert github.unchanged == 3
    github.pulls[1] = pull(1, "b")
    assert poller.look() == ["1 synchronize"]
    assert github.unchanged == 5


def test_another_life_goes_on_where_the_last_one_was(bench: ReportingBench, forge: StandIns) -> None:
    repository = bench.add(forge, token())
    Poller(bench, repository).look()
    forge.pulls[1] = pull(1)
    assert Poller(bench.again(), repository).look() == ["1 opened"]
    following = Poller(bench.again(), repository)
    forge.pulls[1] = pull(1, "b")
    assert following.look() == ["1 opened", "1 synchronize"]  # all that wait in the database


def test_what_could_not_be_asked_is_found_by_the_next_look(poller: Poller, forge: StandIns) -> None:
    poller.look()
    forge.pulls |= {1: pull(1), 2: pull(2)}
    forge.troubles.extend([Answer(429, {"message": "slow down"}, {"retry-after": "60"})])
    with pytest.raises(ForgeAwayError) as caught:
        poller.look()
    assert caught.value.retry_seconds == 60
    assert poller.look() == ["1 opened", "2 opened"]


def test_one_that_was_deleted_at_the_forge_is_in_nobodys_way(poller: Poller, forge: StandIns) -> None:
    forge.pulls |= {1: pull(1), 2: pull(2)}
    poller.look()
    del forge.pulls[1]
    forge.pulls[2] = pull(2, "b")
    assert poller.look() == ["2 synchronize"]
    heard = len(forge.heard)
    assert poller.look() == []
    assert len(forge.heard) == heard + 1  # the list: the deleted one is not asked for again
    forge.pulls[1] = pull(1)
    assert poller.look() == ["1 reopened"]


def test_one_that_is_listed_and_not_there_yet_is_told_when_it_is(poller: Poller, forge: StandIns) -> None:
    poller.look()
    forge.pulls[1] = pull(1)
    forge.troubles.extend([Answer(200, [forge.pulls[1]]), Answer(404, {"message": "Not Found"})])
    assert poller.look() == []
    assert poller.look() == ["1 opened"]


@pytest.mark.parametrize("body", [[], {"number": 1}, {**pull(1), "head": None}, "text"])
def test_a_pull_request_that_makes_no_sense_is_an_error_of_the_forge(
    poller: Poller, forge: StandIns, body: object
) -> None:
    poller.look()
    forge.pulls[1] = pull(1)
    listed = Answer(200, [forge.pulls[1]])
    forge.troubles.extend([listed, Answer(200, body)])
    with pytest.raises(ForgeAwayError, match="unexpected"):
        poller.look()
    assert poller.look() == ["1 opened"]


def test_nothing_is_asked_without_a_token(bench: ReportingBench, forge: StandIns) -> None:
    poller = Poller(bench, bench.add(forge))
    assert poller.look() == []
    assert forge.heard == []


def seen(head: str = "a", *, is_open: bool = True, is_draft: bool = False) -> SeenPull:
    return SeenPull(head_sha=head, is_open=is_open, is_draft=is_draft)


@pytest.mark.parametrize(
    ("before", "now", "actions"),
    [
        (seen(), seen("b", is_draft=True), ["synchronize", "converted_to_draft"]),
        (seen(is_open=False), seen("b", is_draft=True), ["reopened"]),
        (seen(is_open=False), seen("b", is_open=False), []),
        (seen(), seen("b", is_open=False), ["closed"]),
        (None, seen(is_open=False), []),  # opened and closed while it was asked for
        (seen(), seen(), []),
    ],
)
def test_actions_are_what_differs(before: SeenPull | None, now: SeenPull, actions: Sequence[str]) -> None:
    assert find_actions(before, now, is_new=True) == actions


def test_those_that_differ_are_looked_at_in_their_order() -> None:
    before = {1: seen(), 2: seen(is_open=False), 3: seen(), 4: seen()}
    listed = {number: ListedPull(number=number, head_sha="b" if number == 4 else "a") for number in (9, 4, 3)}
    assert find_different(before, listed) == [1, 4, 9]

"""What the event says that a run's end becomes."""

from homeport.server.chains import list_pull_requests
from tests.support.planning import make_event

ADDRESS = "https://ci.example.com/api/v3/repos/octo/app"


def payload(head: str | None) -> dict[str, object]:
    ends = {
        "head": {"ref": "topic", "sha": "b" * 40, "repo": None if head is None else {"full_name": head}},
        "base": {"ref": "main", "sha": "c" * 40},
    }
    return {"pull_request": {"id": 70, "number": 7, **ends}}


def test_a_pull_request_of_the_repository_itself_is_named() -> None:
    own = make_event()
    pulled = make_event(
        "pull_request", payload=payload(own.repository.full_name), base_ref="main", head_ref="topic", action="opened"
    )
    (found,) = list_pull_requests(pulled, ADDRESS)
    assert (found["id"], found["number"], found["url"]) == (70, 7, f"{ADDRESS}/pulls/7")
    assert (found["head"]["ref"], found["head"]["sha"]) == ("topic", "b" * 40)
    assert (found["base"]["ref"], found["base"]["sha"]) == ("main", "c" * 40)
    assert found["head"]["repo"] == found["base"]["repo"]
    assert found["base"]["repo"]["url"] == ADDRESS


def test_one_of_a_fork_is_not_named_and_a_push_has_none() -> None:
    for head in ("mallory/app", None):
        assert list_pull_requests(make_event("pull_request", payload=payload(head), base_ref="main"), ADDRESS) == []
    assert list_pull_requests(make_event(), ADDRESS) == []

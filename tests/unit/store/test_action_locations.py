"""What `--action-source` may say, and where it leads."""

from pathlib import Path

import pytest

from homeport.store.action_locations import Location, SourceSyntaxError, parse_sources


def test_without_any_source_it_is_github() -> None:
    assert parse_sources([], "/here").list("o/r", "v1") == [Location("https://github.com/o/r", is_folder=False)]


@pytest.mark.parametrize(
    ("source", "address"),
    [
        ("https://git.example.org", "https://git.example.org/o/r"),
        ("https://git.example.org/mirror/", "https://git.example.org/mirror/o/r"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080/o/r"),
        ("https://git.example.org/{owner}/{repo}.git", "https://git.example.org/o/r.git"),
        ("https://git.example.org/{owner}-{repo}", "https://git.example.org/o-r"),
        ("o/r=https://git.example.org/other", "https://git.example.org/other"),
    ],
)
def test_an_address_is_completed(source: str, address: str) -> None:
    assert parse_sources([source], "/").list("o/r", "v1") == [Location(address, is_folder=False)]


def test_folders_have_working_trees_bare_repositories_and_snapshots(tmp_path: Path) -> None:
    locations = parse_sources([tmp_path.as_uri()], "/")
    assert locations.list("o/r", "v1") == []
    (tmp_path / "o" / "r.git").mkdir(parents=True)
    assert locations.list("o/r", "v1") == [Location(f"{tmp_path}/o/r.git", is_folder=True)]
    (tmp_path / "o" / "r").mkdir()
    assert locations.list("o/r", "v1") == [Location(f"{tmp_path}/o/r", is_folder=True)]
    (tmp_path / "o" / "r@v1").mkdir()
    assert locations.list("o/r", "v1") == [Location(f"{tmp_path}/o/r@v1", is_folder=True, is_snapshot=True)]
    assert locations.list("o/r", "v2") == [Location(f"{tmp_path}/o/r", is_folder=True)]


def test_a_folder_is_relative_to_where_homeport_was_called() -> None:
    assert parse_sources(["o/r=../actions"], "/home/ada/project").list("o/r", "v1") == [
        Location("/home/ada/actions", is_folder=True)
    ]


def test_sources_are_asked_in_their_order_and_github_only_where_it_is_named() -> None:
    addresses = [one.address for one in parse_sources(["https://a", "https://b"], "/").list("o/r", "v1")]
    assert addresses == ["https://a/o/r", "https://b/o/r"]


def test_a_single_repositorys_place_comes_first_and_leaves_the_others_where_they_are() -> None:
    locations = parse_sources(["O/R=/one", "o/r@v2=/two"], "/")
    assert locations.list("o/r", "v1") == [Location("/one", is_folder=True)]
    assert locations.list("o/r", "v2")[0] == Location("/two", is_folder=True, is_snapshot=True)
    assert locations.list("o/other", "v1") == [Location("https://github.com/o/other", is_folder=False)]


@pytest.mark.parametrize(
    "source",
    [
        "ext::sh -c 'touch /tmp/proof'",
        "ssh://git@example.org",
        "git://example.org",
        "file://host/share",
        "https://ada:secret@example.org",
        "o/r=ext://x",
        "o/r=",
        "",
    ],
)
def test_what_is_no_source_is_refused_without_repeating_a_password(source: str, tmp_path: Path) -> None:
    if source.startswith("ext::"):
        assert parse_sources([source], str(tmp_path)).list("o/r", "v1") == [], (
            "a folder of that name, which is not there"
        )
        return
    with pytest.raises(SourceSyntaxError) as caught:
        parse_sources([source], "/")
    assert "secret" not in str(caught.value)

"""actions/checkout of other repositories: fetched over HTTP or from a folder, whole or not at all."""

import base64
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from homeport.runner.actions.native import checkout
from homeport.runner.host import ActionError
from tests.support.action_host import FolderHost
from tests.support.git_folders import commit, git, init, write
from tests.support.git_http import GitServer, git_server

TOKEN = "ghp_of_the_user"


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """A repository of somebody else, with branches, tags and a pull request."""
    folder = init(tmp_path / "srv" / "them" / "other", "trunk")
    write(folder, a_dot_txt="one\n", docs__index_dot_md="docs\n", src__b_dot_txt="b\n")
    commit(folder, "first")
    git(folder, "tag", "v1")
    write(folder, a_dot_txt="two\n")
    commit(folder, "second")
    git(folder, "tag", "-a", "v2", "-m", "annotated")
    git(folder, "checkout", "-q", "-b", "feature")
    write(folder, feature_dot_txt="x\n")
    git(folder, "update-ref", "refs/pull/7/merge", commit(folder, "on feature"))
    git(folder, "checkout", "-q", "trunk")
    write(folder, a_dot_txt="three\n")
    commit(folder, "third")
    return folder


@pytest.fixture
def server(other: Path, tmp_path: Path) -> Iterator[GitServer]:
    with git_server(tmp_path / "srv") as running:
        yield running


def make_host(tmp_path: Path, server: GitServer, **options: Any) -> FolderHost:
    github = {"server_url": server.address, **options.pop("github", {})}
    return FolderHost(tmp_path / "job", github=github, **options)


@pytest.fixture
def host(tmp_path: Path, server: GitServer) -> FolderHost:
    return make_host(tmp_path, server)


def head(host: FolderHost, path: str = ".") -> str:
    return git(host.workspace / path, "rev-parse", "HEAD")


def leftovers(host: FolderHost) -> list[str]:
    return sorted(path.name for path in Path(host.paths.temp).iterdir())


# --- refs ------------------------------------------------------------------------------------------------------------


def test_the_default_branch_is_the_servers(host: FolderHost, other: Path) -> None:
    host.use(checkout, repository="them/other", path="deps/other")
    assert (host.workspace / "deps/other/a.txt").read_text() == "three\n"
    assert head(host, "deps/other") == git(other, "rev-parse", "trunk")
    assert git(host.workspace / "deps/other", "symbolic-ref", "HEAD") == "refs/heads/trunk"
    assert git(host.workspace / "deps/other", "rev-list", "--count", "HEAD") == "1"
    assert host.outputs == {"ref": "refs/heads/trunk", "commit": git(other, "rev-parse", "trunk")}
    assert "Syncing repository: them/other" in host.lines
    assert leftovers(host) == []


@pytest.mark.parametrize(
    ("ref", "wanted", "shown"),
    [
        ("feature", "feature", "feature"),
        ("refs/heads/feature", "feature", "refs/heads/feature"),
        ("v1", "v1", "v1"),
        ("v2", "v2^{commit}", "v2"),
        ("refs/tags/v1", "v1", "refs/tags/v1"),
        ("refs/pull/7/merge", "refs/pull/7/merge", "refs/pull/7/merge"),
    ],
)
@pytest.mark.parametrize("depth", ["1", "0"])
def test_any_ref_can_be_had(host: FolderHost, other: Path, ref: str, wanted: str, shown: str, depth: str) -> None:
    host.use(checkout, repository="them/other", ref=ref, fetch_depth=depth)
    assert head(host) == git(other, "rev-parse", wanted)
    assert host.outputs["ref"] == shown
    assert git(host.workspace, "status", "--porcelain") == ""


@pytest.mark.parametrize("depth", ["1", "2", "0"])
def test_a_commit_can_be_had_by_its_id(host: FolderHost, other: Path, depth: str) -> None:
    sha = git(other, "rev-parse", "trunk~1")
    host.use(checkout, repository="them/other", ref=sha, fetch_depth=depth)
    assert head(host) == sha
    assert host.outputs == {"ref": "", "commit": sha}


def test_the_whole_history_has_all_branches_and_tags(host: FolderHost) -> None:
    host.use(checkout, repository="them/other", fetch_depth="0")
    assert git(host.workspace, "tag").split() == ["v1", "v2"]
    branches = git(host.workspace, "branch", "-r", "--format=%(refname:short)").split()
    assert branches == ["origin/feature", "origin/trunk"]
    assert git(host.workspace, "rev-list", "--count", "HEAD") == "3"


def test_tags_can_be_had_without_history(host: FolderHost) -> None:
    host.use(checkout, repository="them/other", fetch_tags="true")
    assert git(host.workspace, "tag").split() == ["v1", "v2"]


# --- what goes wrong -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ref", ["gone", "refs/heads/gone", "refs/pull/8/merge", "--upload-pack=touch x"])
def test_a_ref_that_does_not_exist_leaves_the_job_as_it_was(host: FolderHost, ref: str) -> None:
    (host.workspace / "mine").write_text("x")
    with pytest.raises(ActionError, match=f"A branch or tag with the name '{ref}' could not be found"):
        host.use(checkout, repository="them/other", ref=ref)
    assert [path.name for path in host.workspace.iterdir()] == ["mine"]
    assert leftovers(host) == []


def test_a_commit_that_does_not_exist_is_gits_own_error(host: FolderHost) -> None:
    with pytest.raises(ActionError, match="failed with exit code 128"):
        host.use(checkout, repository="them/other", ref="1" * 40)
    assert list(host.workspace.iterdir()) == []


def test_a_repository_that_is_not_there_is_named(host: FolderHost, server: GitServer) -> None:
    with pytest.raises(
        ActionError, match=r"repository 'them/gone' is not at http://127.0.0.1:.*'token' may not read it"
    ):
        host.use(checkout, repository="them/gone")
    assert list(host.workspace.iterdir()) == []


def test_a_server_that_does_not_answer_is_an_error(tmp_path: Path) -> None:
    host = FolderHost(tmp_path / "job", github={"server_url": "http://127.0.0.1:1"})
    with pytest.raises(ActionError, match=r"(?i)unable to access 'http://127.0.0.1:1/them/other/'"):
        host.use(checkout, repository="them/other")
    assert list(host.workspace.iterdir()) == []


def test_an_empty_repository_has_no_default_branch(host: FolderHost, server: GitServer) -> None:
    init(server.root / "them" / "empty")
    with pytest.raises(ActionError, match="no commits"):
        host.use(checkout, repository="them/empty")


@pytest.mark.parametrize("name", ["one", "a/b/c", "/x", "a/", "a/..", "a/b c", "-a/b", "a/b?x=1", "u:p@h/x"])
def test_what_is_no_repository_is_refused(host: FolderHost, name: str) -> None:
    with pytest.raises(ActionError, match=r"Invalid repository '.*'\. Expected format \{owner\}/\{repo\}\."):
        host.use(checkout, repository=name)


# --- credentials -----------------------------------------------------------------------------------------------------


def basic(token: str) -> str:
    return base64.b64encode(f"x-access-token:{token}".encode()).decode()


def test_the_users_token_opens_a_private_repository_and_is_never_printed(host: FolderHost, server: GitServer) -> None:
    server.token = TOKEN
    host.use(checkout, repository="them/other", token=TOKEN)
    assert (host.workspace / "a.txt").exists()
    assert TOKEN not in host.log_text
    assert basic(TOKEN) not in host.log_text
    assert basic(TOKEN) in host.masked


@pytest.mark.parametrize("token", ["", "wrong", "homeport_stand-in"])
def test_a_wrong_token_is_a_clear_error_without_a_prompt(host: FolderHost, server: GitServer, token: str) -> None:
    server.token = TOKEN
    with pytest.raises(ActionError, match="'token' may not read it"):
        host.use(checkout, repository="them/other", token=token)
    assert list(host.workspace.iterdir()) == []


def test_what_stands_in_for_a_token_is_sent_to_nobody(host: FolderHost, server: GitServer) -> None:
    host.use(checkout, repository="them/other", token="homeport_stand-in")
    assert {authorization for _, authorization in server.requests} == {""}
    assert "extraheader" not in (host.workspace / ".git" / "config").read_text()


def test_a_token_is_not_sent_to_a_mirror(tmp_path: Path, server: GitServer) -> None:
    host = FolderHost(tmp_path / "job", github={"server_url": "https://forge.example"})
    host.sources.repositories["them/other"] = f"{server.address}/them/other"
    host.use(checkout, repository="them/other", token=TOKEN)
    assert {authorization for _, authorization in server.requests} == {""}
    assert git(host.workspace, "config", "--get", "remote.origin.url") == "https://forge.example/them/other"
    assert git(host.workspace, "remote", "get-url", "--push", "origin") == "https://forge.example/them/other"


@pytest.mark.parametrize("version", ["v4", "v6"])
def test_credentials_last_as_long_as_the_job(tmp_path: Path, server: GitServer, version: str) -> None:
    server.token = TOKEN
    host = make_host(tmp_path, server, github={"action_ref": version})
    host.use(checkout, repository="them/other", token=TOKEN)
    git(host.workspace, "fetch", "-q", "origin", "feature")
    kept_in_config = basic(TOKEN) in (host.workspace / ".git" / "config").read_text()
    assert kept_in_config is (version == "v4")
    assert len(leftovers(host)) == (0 if version == "v4" else 1)
    checkout.post(host)
    with pytest.raises(AssertionError, match="could not read Username"):
        git(host.workspace, "-c", "core.askPass=", "fetch", "-q", "origin", "feature")
    assert basic(TOKEN) not in (host.workspace / ".git" / "config").read_text()
    assert leftovers(host) == []


def test_credentials_that_are_not_to_persist_do_not(host: FolderHost, server: GitServer) -> None:
    server.token = TOKEN
    host.use(checkout, repository="them/other", token=TOKEN, persist_credentials="false")
    assert basic(TOKEN) not in (host.workspace / ".git" / "config").read_text()
    assert leftovers(host) == []


def test_an_ssh_key_is_refused(host: FolderHost) -> None:
    with pytest.raises(ActionError, match="ssh-key"):
        host.use(checkout, repository="them/other", ssh_key="-----BEGIN")


# --- what is in the working copy -------------------------------------------------------------------------------------


def test_sparse_patterns_choose_what_is_there(host: FolderHost) -> None:
    host.use(checkout, repository="them/other", sparse_checkout="docs")
    assert sorted(path.name for path in host.workspace.iterdir()) == [".git", "a.txt", "docs"]
    host.use(checkout, repository="them/other", path="two", sparse_checkout="/src/*", sparse_checkout_cone_mode="false")
    assert sorted(path.name for path in (host.workspace / "two").iterdir()) == [".git", "src"]


def test_a_filter_leaves_out_what_is_not_needed(host: FolderHost) -> None:
    host.use(checkout, repository="them/other", fetch_depth="0", filter="blob:none", sparse_checkout="docs")
    assert (host.workspace / "src" / "b.txt").exists()
    missing = git(host.workspace, "rev-list", "--objects", "--missing=print", "--all")
    assert any(line.startswith("?") for line in missing.splitlines())


def test_submodules_are_fetched_from_the_same_server(host: FolderHost, server: GitServer, other: Path) -> None:
    inner = init(server.root / "them" / "inner")
    write(inner, deep_dot_txt="deep\n")
    commit(inner)
    middle = init(server.root / "them" / "middle")
    write(middle, middle_dot_txt="middle\n", _dot_gitmodules='[submodule "in"]\n\tpath = in\n\turl = ../inner\n')
    git(middle, "update-index", "--add", "--cacheinfo", f"160000,{git(inner, 'rev-parse', 'HEAD')},in")
    git(middle, "add", ".gitmodules", "middle.txt")
    git(middle, "commit", "-q", "-m", "a submodule")
    host.use(checkout, repository="them/middle", submodules="false")
    assert list((host.workspace / "in").iterdir()) == []
    server.token = TOKEN
    host.use(checkout, repository="them/middle", submodules="recursive", path="again", token=TOKEN)
    assert (host.workspace / "again" / "in" / "deep.txt").read_text() == "deep\n"


def test_large_files_are_fetched_on_request(host: FolderHost, server: GitServer) -> None:
    content = b"a large file\n"
    identity = hashlib.sha256(content).hexdigest()
    server.large[identity] = content
    folder = init(server.root / "them" / "large")
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{identity}\nsize {len(content)}\n"
    write(folder, _dot_gitattributes="*.bin filter=lfs diff=lfs merge=lfs -text\n", x_dot_bin=pointer)
    git(
        folder,
        "-c",
        "filter.lfs.process=",
        "-c",
        "filter.lfs.clean=cat",
        "-c",
        "filter.lfs.required=false",
        "add",
        "-A",
    )
    git(folder, "commit", "-q", "-m", "a pointer")
    host.use(checkout, repository="them/large")
    assert (host.workspace / "x.bin").read_text() == pointer
    host.use(checkout, repository="them/large", lfs="true", path="with")
    assert (host.workspace / "with" / "x.bin").read_bytes() == content
    server.large.clear()
    with pytest.raises(ActionError, match="git lfs"):
        host.use(checkout, repository="them/large", lfs="true", path="without")
    assert list((host.workspace / "without").iterdir()) == []


def test_a_second_checkout_brings_the_first_up_to_date(host: FolderHost, other: Path) -> None:
    host.use(checkout, repository="them/other")
    (host.workspace / "a.txt").write_text("changed")
    (host.workspace / "new.txt").write_text("new")
    write(other, a_dot_txt="four\n")
    commit(other, "fourth")
    host.use(checkout, repository="them/other", clean="false")
    assert (host.workspace / "a.txt").read_text() == "four\n"
    assert (host.workspace / "new.txt").exists()
    host.use(checkout, repository="them/other")
    assert not (host.workspace / "new.txt").exists()
    assert git(host.workspace, "status", "--porcelain") == ""


def test_what_another_repository_left_gives_way(host: FolderHost, server: GitServer) -> None:
    (host.workspace / "junk").write_text("x")
    host.use(checkout, repository="them/other")
    assert not (host.workspace / "junk").exists()


# --- folders ---------------------------------------------------------------------------------------------------------


def test_a_mirror_in_a_folder_needs_no_network(tmp_path: Path, other: Path) -> None:
    host = FolderHost(tmp_path / "job", github={"server_url": "https://forge.example"})
    host.sources.repositories["them/other"] = str(other)
    host.use(checkout, repository="them/other", ref="v1")
    assert (host.workspace / "a.txt").read_text() == "one\n"
    git(host.workspace, "fetch", "-q", "origin", "feature")


def test_a_plain_folder_is_copied_as_it_stands(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    write(plain, a_dot_txt="plain\n")
    host = FolderHost(tmp_path / "job")
    host.sources.repositories["them/plain"] = str(plain)
    host.use(checkout, repository="them/plain", path="x")
    assert os.listdir(host.workspace / "x") == ["a.txt"]


def test_hooks_of_the_machine_are_not_run(tmp_path: Path, server: GitServer, monkeypatch: pytest.MonkeyPatch) -> None:
    hooks = tmp_path / "hooks"
    write(hooks, post_checkout="x")
    hook = hooks / "post-checkout"
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    hook.chmod(0o755)
    host = make_host(tmp_path, server, environment={"GIT_TEMPLATE_DIR": str(tmp_path)})
    (Path(host.paths.home) / ".gitconfig").write_text(f"[core]\n\thooksPath = {hooks}\n")
    host.use(checkout, repository="them/other")
    assert not (tmp_path / "ran").exists()


def test_in_place_nothing_of_the_users_tree_gives_way(tmp_path: Path, server: GitServer) -> None:
    host = make_host(tmp_path, server, in_place=True)
    (host.workspace / "vendor").mkdir()
    for path in (".", "vendor"):
        with pytest.raises(ActionError, match="works in place"):
            host.use(checkout, repository="them/other", path=path)
    host.use(checkout, repository="them/other", path="fresh")
    host.use(checkout, repository="them/other", path="fresh", ref="v1")
    assert (host.workspace / "fresh" / "a.txt").read_text() == "one\n"

"""Published actions in the folder store: what happens without a network, with plain folders, with credentials, and at a full disk."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from homeport.ports.action_sources import Resolution, SourceError, SourceStoppedError
from homeport.store.action_locations import parse_sources
from homeport.store.actions_folder import FolderActions
from tests.support.git_folders import commit, git, init, write
from tests.support.git_http import git_server
from tests.support.jobs import SystemClock

NOBODY = "http://127.0.0.1:9"
"""The port of a service that no machine runs"""


def never() -> bool:
    return False


def make_action(root: Path, name: str = "o/a") -> Path:
    folder = init(root / name)
    write(folder, action_dot_yml="one")
    commit(folder)
    git(folder, "tag", "v1")
    return folder


def open_actions(home: Path, *sources: str, **environment: str) -> FolderActions:
    given = {"PATH": os.environ["PATH"], "HOME": str(home), **environment}
    return FolderActions(str(home), parse_sources(sources, "/"), given, SystemClock())


def resolve(actions: FolderActions, ref: str = "v1", repository: str = "o/a", run: str = "1") -> Resolution:
    return actions.resolve(repository, ref, run=run, is_stopped=never)


# --- without a network ---------------------------------------------------------------------------------------------------


def test_what_was_seen_last_is_used_and_said_where_nobody_answers(tmp_path: Path) -> None:
    folder = make_action(tmp_path / "published")
    sha = git(folder, "rev-parse", "HEAD")
    with git_server(tmp_path / "published") as server:
        source = server.address
        resolve(open_actions(tmp_path / "home", source))
    again = resolve(open_actions(tmp_path / "home", source))
    assert again.commit == sha
    assert again.full_ref == "refs/tags/v1"
    assert f"{source}/o/a cannot be reached; o/a@v1 is used as it was last seen: {sha}" in again.remark


def test_a_commit_that_is_here_is_never_asked_for(tmp_path: Path) -> None:
    sha = git(make_action(tmp_path / "published"), "rev-parse", "HEAD")
    with git_server(tmp_path / "published") as server:
        actions = open_actions(tmp_path / "home", server.address)
        resolve(actions, sha)
        asked = len(server.requests)
        assert resolve(open_actions(tmp_path / "home", server.address), sha).remark == ""
        assert len(server.requests) == asked


def test_a_commit_of_one_repository_does_not_count_for_another(tmp_path: Path) -> None:
    sha = git(make_action(tmp_path / "published"), "rev-parse", "HEAD")
    make_action(tmp_path / "published", "actions/b")
    write(tmp_path / "published" / "actions" / "b", other="")
    commit(tmp_path / "published" / "actions" / "b")
    git(tmp_path / "published" / "actions" / "b", "update-ref", "-d", "refs/tags/v1")
    with git_server(tmp_path / "published") as server:
        actions = open_actions(tmp_path / "home", server.address)
        write(tmp_path / "published" / "o" / "a", only="here")
        own = commit(tmp_path / "published" / "o" / "a")
        resolve(actions, own)
        assert own != sha
        with pytest.raises(SourceError, match="unable to find version"):
            resolve(actions, own, "actions/b")


def test_what_was_never_seen_cannot_be_had_and_says_how_to_go_on(tmp_path: Path) -> None:
    with pytest.raises(SourceError) as caught:
        resolve(open_actions(tmp_path / "home", NOBODY))
    assert caught.value.message.startswith(f"{NOBODY}/o/a cannot be reached, and o/a@v1 is not here: ")
    assert "--action-source" in (caught.value.hint or "")
    assert not caught.value.is_final


def test_who_does_not_answer_is_not_asked_again_in_the_same_run(tmp_path: Path) -> None:
    """The time that a dead network costs is paid once."""
    folder = make_action(tmp_path / "published")
    git(folder, "tag", "v2")
    with git_server(tmp_path / "published") as server:
        source = server.address
        actions = open_actions(tmp_path / "home", source)
        resolve(actions, "v1")
        resolve(actions, "v2")
        calls = tmp_path / "calls"
        fake = tmp_path / "bin" / "git"
        fake.parent.mkdir()
        fake.write_text(f'#!/bin/sh\necho "$*" >> {calls}\nexec git "$@"\n'.replace("exec git", f"exec {which('git')}"))
        fake.chmod(0o755)
    later = open_actions(tmp_path / "home", source, PATH=f"{fake.parent}:{os.environ['PATH']}")
    assert resolve(later, "v1").remark
    assert resolve(later, "v2").remark
    assert len(calls.read_text().splitlines()) == 1


def which(name: str) -> str:
    return next(
        path for folder in os.environ["PATH"].split(":") if os.access(path := os.path.join(folder, name), os.X_OK)
    )


# --- credentials -----------------------------------------------------------------------------------------------------------


def test_a_private_repository_is_read_with_what_netrc_says_and_not_without(tmp_path: Path) -> None:
    make_action(tmp_path / "published")
    (tmp_path / "home").mkdir()
    with git_server(tmp_path / "published") as server:
        server.token = "t0ps3cret"
        with pytest.raises(SourceError, match="Repository not found: o/a") as caught:
            resolve(open_actions(tmp_path / "home", server.address))
        assert "~/.netrc" in (caught.value.hint or "")
        netrc = tmp_path / "home" / ".netrc"
        netrc.write_text("machine 127.0.0.1 login x-access-token password t0ps3cret\n")
        netrc.chmod(0o600)
        assert resolve(open_actions(tmp_path / "home", server.address)).full_ref == "refs/tags/v1"


def test_nobodys_configuration_of_git_is_heeded(tmp_path: Path) -> None:
    """It may name programs: helpers for credentials, hooks, other protocols."""
    make_action(tmp_path / "published")
    home = tmp_path / "home"
    home.mkdir()
    proof = tmp_path / "proof"
    (home / ".gitconfig").write_text(
        f'[credential]\nhelper = "!touch {proof}"\n[url "ext::touch {proof}"]\ninsteadOf = http://\n[protocol]\nallow = always\n'
    )
    with git_server(tmp_path / "published") as server:
        server.token = "wanted"
        hostile = {
            "GIT_ASKPASS": f"touch {proof}",
            "GIT_CONFIG_GLOBAL": str(home / ".gitconfig"),
            "GIT_SSH_COMMAND": "x",
        }
        with pytest.raises(SourceError):
            resolve(open_actions(home, server.address, **hostile))
    assert not proof.exists()


# --- plain folders ---------------------------------------------------------------------------------------------------------


def test_a_plain_folder_stands_for_every_ref(tmp_path: Path) -> None:
    folder = tmp_path / "plain" / "o" / "a"
    write(folder, action_dot_yml="plain")
    actions = open_actions(tmp_path / "home", str(tmp_path / "plain"))
    first = resolve(actions, "v1")
    assert first.commit.startswith("tree-")
    assert resolve(actions, "main").commit == first.commit
    assert actions.read(first, "action.yml", is_stopped=never) == b"plain"


def test_a_folder_that_changes_is_another_version_and_the_old_one_stays(tmp_path: Path) -> None:
    folder = tmp_path / "plain" / "o" / "a"
    write(folder, action_dot_yml="old")
    actions = open_actions(tmp_path / "home", str(tmp_path / "plain"))
    old = resolve(actions)
    write(folder, action_dot_yml="new")
    new = resolve(actions, run="2")
    assert new.commit != old.commit
    assert actions.read(old, "action.yml", is_stopped=never) == b"old"
    assert actions.resolve("o/a", "v1", run="3", commit=old.commit, is_stopped=never).commit == old.commit


def test_a_mapped_ref_is_the_folder_as_it_stands_uncommitted_files_too(tmp_path: Path) -> None:
    folder = make_action(tmp_path)
    write(folder, action_dot_yml="not committed")
    actions = open_actions(tmp_path / "home", f"o/a@v1={folder}", f"o/a={folder}")
    assert actions.read(resolve(actions, "v1"), "action.yml", is_stopped=never) == b"not committed"
    assert actions.read(resolve(actions, "main"), "action.yml", is_stopped=never) == b"one"


def test_the_next_source_is_asked_where_one_has_no_such_repository_or_ref(tmp_path: Path) -> None:
    make_action(tmp_path / "first")
    newer = make_action(tmp_path / "second")
    git(newer, "tag", "v2")
    actions = open_actions(tmp_path / "home", str(tmp_path / "first"), str(tmp_path / "second"))
    assert resolve(actions, "v2").commit == git(newer, "rev-parse", "HEAD")


def test_a_repository_with_ids_of_sha_256_is_read_too(tmp_path: Path) -> None:
    folder = tmp_path / "published" / "o" / "a"
    folder.mkdir(parents=True)
    git(folder, "init", "-q", "-b", "main", "--object-format=sha256")
    write(folder, action_dot_yml="one")
    sha = commit(folder)
    with git_server(tmp_path / "published") as server:
        for source in (server.address, str(tmp_path / "published")):
            for ref in ("main", sha):
                actions = open_actions(tmp_path / f"home {source[:4]} {ref[:4]}", source)
                assert actions.read(resolve(actions, ref), "action.yml", is_stopped=never) == b"one"


# --- what is forgotten --------------------------------------------------------------------------------------------------------


def test_a_commit_that_no_job_has_used_for_long_is_forgotten_when_another_comes(tmp_path: Path) -> None:
    folder = make_action(tmp_path / "published")
    actions = open_actions(tmp_path / "home", str(tmp_path / "published"))
    kept: list[Resolution] = []
    for number in range(3):
        write(folder, action_dot_yml=str(number))
        commit(folder)
        kept.append(resolve(actions, "main", run=str(number)))
    trees = tmp_path / "home" / "actions" / "trees"
    for old in kept:
        os.utime(trees / old.commit / "manifest", (0, 0))
    killed = tmp_path / "home" / "actions" / "new" / "1-left"
    killed.mkdir(parents=True)
    os.utime(killed, (0, 0))
    actions.read(kept[0], "action.yml", is_stopped=never)
    write(folder, action_dot_yml="new")
    commit(folder)
    last = resolve(actions, "main", run="last")
    assert {path.name for path in trees.iterdir()} == {kept[0].commit, last.commit}
    assert not killed.exists()


# --- stopping, dying, a full disk --------------------------------------------------------------------------------------------


def test_a_server_that_hangs_is_left_when_the_job_is_stopped(tmp_path: Path) -> None:
    import socket  # noqa: PLC0415 - for this one

    with socket.create_server(("127.0.0.1", 0)) as silent:
        accepted = threading.Event()

        def accept() -> None:
            connection, _ = silent.accept()
            connection.recv(1)
            accepted.set()
            held.append(connection)

        held: list[socket.socket] = []
        thread = threading.Thread(target=accept)
        thread.start()
        actions = open_actions(tmp_path, f"http://127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(SourceStoppedError):
            actions.resolve("o/a", "v1", run="1", is_stopped=accepted.is_set)
        thread.join()
        for connection in held:
            connection.close()
    assert list((tmp_path / "actions" / "new").glob("*")) == []


def test_several_processes_fetch_beside_each_other(tmp_path: Path) -> None:
    sha = git(make_action(tmp_path / "published"), "rev-parse", "HEAD")
    program = (
        "import os,sys\n"
        "from homeport.store.actions_folder import FolderActions\n"
        "from homeport.store.action_locations import parse_sources\n"
        "from homeport.cli.clock import SystemClock\n"
        "actions = FolderActions(sys.argv[1], parse_sources([sys.argv[2]], '/'), os.environ, SystemClock())\n"
        "found = actions.resolve('o/a', 'v1', run='1', is_stopped=lambda: False)\n"
        "actions.copy(found, *os.path.split(sys.argv[3]), is_stopped=lambda: False)\n"
        "print(found.commit)\n"
    )
    home = str(tmp_path / "home")
    with git_server(tmp_path / "published") as server:
        processes = [
            subprocess.Popen(
                [sys.executable, "-c", program, home, server.address, str(tmp_path / f"copy {number}")],
                stdout=subprocess.PIPE,
                text=True,
            )
            for number in range(4)
        ]
        answers = [process.communicate()[0].strip() for process in processes]
        fetched = [path for path, _ in server.requests if "info/refs" in path]
    assert answers == [sha] * 4
    assert len(fetched) == 5, "four ask, one fetches"
    assert all((tmp_path / f"copy {number}" / "action.yml").read_text() == "one" for number in range(4))


def test_a_disk_that_is_full_leaves_nothing_half_written(tmp_path: Path) -> None:
    """A limit on the size of files is how a test fills a disk."""
    folder = make_action(tmp_path / "published")
    (folder / "large").write_bytes(os.urandom(3 << 20))
    commit(folder)
    program = (
        "import os,resource,signal,sys\n"
        "from homeport.store.actions_folder import FolderActions\n"
        "from homeport.store.action_locations import parse_sources\n"
        "from homeport.cli.clock import SystemClock\n"
        "from homeport.ports.action_sources import SourceError\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "actions = FolderActions(sys.argv[1], parse_sources([sys.argv[2]], '/'), os.environ, SystemClock())\n"
        "try:\n"
        "    actions.resolve('o/a', 'main', run='1', is_stopped=lambda: False)\n"
        "except (SourceError, OSError) as error:\n"
        "    print(type(error).__name__, error)\n"
    )
    with git_server(tmp_path / "published") as server:
        for source in (server.address, str(tmp_path / "published")):
            words = [sys.executable, "-c", program, str(tmp_path / "home"), source]
            done = subprocess.run(words, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
            assert "File too large" in done.stdout or "SourceError" in done.stdout
            state = tmp_path / "home" / "actions"
            assert list((state / "new").glob("*")) == []
            assert list((state / "trees").glob("*")) == []

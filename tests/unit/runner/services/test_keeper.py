"""The process that keeps the services of a job: what it starts does not outlive it, however it ends."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from homeport.runner.services.abandoned import PLACES, PREFIX, list_abandoned
from homeport.runner.services.account import Account, find_account
from homeport.runner.services.keeper import Keeper, ServiceProgramError, read_log
from tests.support.parts import require_root
from tests.support.services import await_true, list_folders, list_processes

ENVIRONMENT = {"PATH": os.defpath}


@pytest.fixture
def keeper() -> Iterator[Keeper]:
    made = Keeper(find_account())
    yield made
    made.close()


def start(keeper: Keeper, script: str, *, stop: int = signal.SIGKILL, text: str | None = None) -> tuple[int, str]:
    """A shell script that is kept; its process id and what it prints to."""
    folder = keeper.make_folder("s")
    output = f"{folder}.log"
    return keeper.start(["/bin/sh", "-c", script], ENVIRONMENT, folder, output=output, stop=stop, text=text), output


def is_alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def test_it_ends_what_left_its_session_too(keeper: Keeper) -> None:
    _, output = start(keeper, "setsid sh -c 'setsid sleep 1000 & echo $!; wait' & sleep 1000")
    await_true(lambda: read_log(output).strip().isdigit(), "the grandchild never began")
    pid = int(read_log(output))
    assert is_alive(pid)
    keeper.close()
    assert not is_alive(pid)
    assert list_folders(os.getpid()) == []


def test_a_program_is_asked_to_end_before_it_is_killed(keeper: Keeper, tmp_path: Path) -> None:
    told = f"{PLACES[0]}/{PREFIX}test-{os.getpid()}"
    _, output = start(
        keeper, f"trap 'echo asked > {told}; exit' TERM; echo ready; while :; do sleep 0.01; done", stop=signal.SIGTERM
    )
    await_true(lambda: "ready" in read_log(output), "it never began")
    keeper.close()
    try:
        assert Path(told).read_text() == "asked\n"
    finally:
        Path(told).unlink(missing_ok=True)


def test_services_survive_an_interrupt_of_the_whole_process_group(keeper: Keeper) -> None:
    pid, output = start(keeper, "echo ready; sleep 1000")
    await_true(lambda: "ready" in read_log(output), "it never began")
    before = [signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGHUP)]
    try:
        os.kill(keeper._pid, signal.SIGINT)
        os.kill(keeper._pid, signal.SIGHUP)
        os.kill(keeper._pid, signal.SIGTERM)
        assert keeper.poll(pid) is None
    finally:
        signal.signal(signal.SIGINT, before[0])
        signal.signal(signal.SIGHUP, before[1])


def test_everything_goes_when_homeport_is_killed(tmp_path: Path) -> None:
    program = (
        "import os, sys; from homeport.runner.services.keeper import Keeper; "
        "from homeport.runner.services.account import find_account; "
        "keeper = Keeper(find_account()); folder = keeper.make_folder('1'); "
        "keeper.start(['/bin/sh', '-c', 'setsid sleep 1000 & sleep 1000'], {'PATH': os.defpath}, folder, output=folder + '.log'); "
        "print('ready', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as homeport:
        assert homeport.stdout is not None
        assert homeport.stdout.readline() == b"ready\n"
        assert list_folders(homeport.pid)
        assert list_processes(homeport.pid)
        homeport.kill()
        await_true(lambda: not list_folders(homeport.pid), "the folder is still there")
        await_true(lambda: not list_processes(homeport.pid), "processes are still there")


def test_what_is_started_dies_with_the_process_that_keeps_it(keeper: Keeper) -> None:
    pid, output = start(keeper, "echo ready; sleep 1000")
    await_true(lambda: "ready" in read_log(output), "it never began")
    os.kill(keeper._pid, signal.SIGKILL)
    await_true(lambda: not is_alive(pid) or " Z " in Path(f"/proc/{pid}/stat").read_text(), "it lives on")
    with pytest.raises(ServiceProgramError, match="has ended"):
        keeper.poll(pid)
    keeper.close()
    assert list_folders(os.getpid()) == []


def test_it_becomes_an_ordinary_user_with_no_groups_and_no_way_back(keeper: Keeper) -> None:
    require_root()
    said = keeper.run(
        ["/bin/sh", "-c", "id -u; id -G; umask; grep -E '^Cap(Prm|Eff|Amb)' /proc/self/status"], ENVIRONMENT, "/"
    )
    uid, groups, umask, *capabilities = said.split("\n")
    assert uid != "0"
    assert groups.split() == [str(keeper.account.gid if keeper.account else 0)]
    assert umask == "0077"
    assert all(line.endswith("0000000000000000") for line in capabilities if line)


def test_it_passes_on_nothing_but_what_it_is_given(keeper: Keeper) -> None:
    said = keeper.run(["/usr/bin/env"], {"ONLY": "this"}, "/")
    assert said == "ONLY=this\n"
    assert keeper.run(["/bin/sh", "-c", "ls /proc/self/fd | wc -l"], ENVIRONMENT, "/").strip() == "4"


def test_a_text_is_read_from_stdin_and_left_nowhere(keeper: Keeper) -> None:
    assert keeper.run(["/bin/cat"], ENVIRONMENT, "/", text="pass 'word'\n") == "pass 'word'\n"
    assert os.listdir(keeper.folder) == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(["/nowhere/program"], "could not be started"), (["/bin/sh", "-c", "echo because; exit 3"], "exit code 3")],
)
def test_what_does_not_do_its_work_says_so(keeper: Keeper, arguments: list[str], words: str) -> None:
    with pytest.raises(ServiceProgramError, match=words) as raised:
        keeper.run(arguments, ENVIRONMENT, "/")
    assert raised.value.log in {"", "because\n"}


def test_what_takes_too_long_is_ended(keeper: Keeper) -> None:
    with pytest.raises(ServiceProgramError, match=r"did not end within 0\.1 seconds"):
        keeper.run(["/bin/sleep", "1000"], ENVIRONMENT, "/", seconds=0.1)


def test_a_program_that_others_cannot_reach_is_copied(keeper: Keeper, tmp_path: Path) -> None:
    require_root()
    hidden = tmp_path / "hidden"
    hidden.mkdir(mode=0o700)
    program = hidden / "program"
    program.write_text("#!/bin/sh\necho reached\n")
    program.chmod(0o755)
    assert keeper.account is not None
    assert not keeper.account.can_run(str(program))
    copy = keeper.bring(str(program))
    assert keeper.run([copy], ENVIRONMENT, "/") == "reached\n"
    assert keeper.bring("/bin/sh") == "/bin/sh"


def test_what_a_file_lets_others_do_counts(tmp_path: Path) -> None:
    account = Account("nobody", 65534, 65534)
    assert account.can_run("/bin/sh")
    assert not account.can_run("/etc/passwd")
    assert not account.can_pass("/nowhere")


def test_folders_of_the_dead_are_found_and_those_of_the_living_are_not(keeper: Keeper) -> None:
    with subprocess.Popen(["/bin/true"]) as dead:
        pass
    left = Path(f"{PLACES[0]}/{PREFIX}{dead.pid}-0123")
    left.mkdir()
    try:
        found = list(list_abandoned())
        assert str(left) in found
        assert keeper.folder not in found
    finally:
        left.rmdir()

"""What a job starts lives as long as the job and not longer; what processes do to a step. With real processes."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from homeport.archive.compression import compressing, expanding
from homeport.ports.executor import Command
from homeport.runner.executors.process import ProcessExecutor
from tests.support.jobs import Bench
from tests.support.parts import require_program

ONLY_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere only process groups are ended")


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def workflow(*scripts: str) -> str:
    steps = "".join(
        f"      - id: s{number}\n        run: |\n          {script}\n" for number, script in enumerate(scripts, 1)
    )
    return f"on: push\njobs:\n  one:\n    runs-on: ubuntu-latest\n    steps:\n{steps}"


DETACH = "import os, sys; os.fork() and os._exit(0); os.setsid(); os.fork() and os._exit(0); "
"""Python that becomes a daemon: an orphan in a session and a group of its own."""


DAEMON = "/bin/sh -c 'echo $$ > pid; exec sleep 3000'"
"""It says who it is."""


@ONLY_LINUX
@pytest.mark.parametrize(
    "start",
    [
        f"{DAEMON} &",
        f"nohup {DAEMON} > /dev/null 2>&1 &",
        f"setsid {DAEMON} > /dev/null 2>&1 &",
        f"(setsid env -i {DAEMON} > /dev/null 2>&1 &)",
        f"set -m; {DAEMON} &",
    ],
    ids=["job", "nohup", "session", "no-environment", "group"],
)
def test_a_background_process_lives_until_its_job_ends(bench: Bench, start: str) -> None:
    report = bench.run(
        workflow(
            f"{start}\n          while [ ! -s pid ]; do :; done; cat pid",
            'kill -0 "$(cat pid)" && echo "still alive"',
        )
    )
    assert report.output("s2") == ["still alive"], report.lines()
    assert not is_alive(int(report.output("s1")[-1]))


@ONLY_LINUX
def test_a_daemon_that_left_everything_behind_is_ended_too(bench: Bench, tmp_path: Path) -> None:
    """Forked twice, its own session, no environment, another working directory, no open files of the job."""
    pid_file = tmp_path / "pid"
    program = (
        f"{DETACH} os.chdir('/'); [os.close(n) for n in range(3)]; "
        f"open({str(pid_file)!r}, 'w').write(str(os.getpid())); os.execve('/bin/sleep', ['sleep', '3000'], {{}})"
    )
    report = bench.run(
        workflow(
            f'{sys.executable} -c "{program}"; while [ ! -s {pid_file} ]; do :; done',
            f"kill -0 $(cat {pid_file}) && echo alive",
        )
    )
    assert report.output("s2") == ["alive"]
    assert not is_alive(int(pid_file.read_text()))


@ONLY_LINUX
def test_a_job_leaves_other_jobs_processes_alone(bench: Bench, tmp_path: Path) -> None:
    executor = ProcessExecutor(
        work_folder=str(tmp_path / "w"), tool_cache=str(tmp_path / "t"), host_environment=dict(os.environ)
    )
    order = bench.order(workflow("echo"))
    first, second = executor.open(order), executor.open(order)
    running = []
    for environment in (first, second):
        command = Command(("sleep", "3000"), dict(environment.base_environment), environment.paths.workspace)
        running.append(environment.start(command))
    assert first.end_processes() == ("sleep",)
    assert running[0].poll() == -signal.SIGKILL
    assert running[1].poll() is None
    assert second.end_processes() == ("sleep",)
    assert running[1].poll() == -signal.SIGKILL
    for process in running:
        process.close()
    first.close()
    second.close()


def test_output_that_a_background_process_holds_open_does_not_hang_the_step(bench: Bench) -> None:
    report = bench.run(workflow("(sleep 3000; echo late) &\n          echo now", "echo next"))
    assert report.output("s1") == ["now"]
    assert report.output("s2") == ["next"]


def test_a_background_process_may_go_on_printing_without_harm(bench: Bench) -> None:
    """It neither blocks on a full pipe nor dies of a broken one while the job lives."""
    report = bench.run(
        workflow(
            "(for i in $(seq 3000); do head -c 1000 /dev/zero | tr '\\0' x; echo; done; touch finished) &",
            "for _ in $(seq 600); do [ -e finished ] && break; sleep 0.05; done; ls finished",
        )
    )
    assert report.output("s2") == ["finished"]


def test_what_a_background_process_writes_to_the_files_of_its_step_does_not_reach_later_steps(bench: Bench) -> None:
    report = bench.run(
        workflow(
            '(while [ ! -e go ]; do sleep 0.02; done; echo "LATE=1" >> "$GITHUB_ENV"; touch gone) &',
            "touch go; while [ ! -e gone ]; do sleep 0.02; done",
            'echo "[$LATE]"',
        )
    )
    assert report.output("s3") == ["[]"]


def list_zombies() -> set[int]:
    """The children of this process that have ended and that nobody has waited for."""
    rows = subprocess.run(["ps", "-o", "pid=,stat=", "--ppid", str(os.getpid())], check=True, stdout=subprocess.PIPE)
    pairs = (row.split() for row in rows.stdout.decode().splitlines())
    return {int(pid) for pid, state in pairs if state.startswith("Z")}


@ONLY_LINUX
def test_orphans_that_end_leave_no_zombies_while_the_job_runs(bench: Bench) -> None:
    earlier = list_zombies()
    report = bench.run(
        workflow(
            "for _ in $(seq 20); do (true &); done",
            "true",
            f"ps -o pid=,stat= --ppid {os.getpid()} | awk '$2 ~ /^Z/ {{print $1}}'",
        )
    )
    assert set(map(int, report.output("s3"))) - earlier == set()


@ONLY_LINUX
def test_a_child_that_nobody_waits_for_keeps_no_orphan_a_zombie(bench: Bench) -> None:
    """As git leaves one behind in Homeport's own process group when it cannot reach a server."""
    forgotten = os.posix_spawn("/bin/true", ["true"], {})
    os.waitid(os.P_PID, forgotten, os.WEXITED | os.WNOWAIT)
    try:
        report = bench.run(workflow(f"setsid {DAEMON} &\n          while [ ! -s pid ]; do :; done; cat pid", "true"))
        assert not is_alive(int(report.output("s1")[-1]))
        assert forgotten in list_zombies()
    finally:
        os.waitpid(forgotten, 0)


@ONLY_LINUX
def test_a_helper_of_homeports_own_is_waited_for_by_nobody_else(bench: Bench, tmp_path: Path) -> None:
    zstd = require_program("zstd")
    packed = tmp_path / "packed"
    with packed.open("wb") as file, compressing(file.fileno(), zstd) as write:
        write(b"content")
    with expanding(str(packed), zstd) as read:
        assert bytes(read(100)) == b"content"
        assert bytes(read(100)) == b"", "it has ended, or is about to"
        assert bench.run(workflow("true", "(true &)", "true")).end.conclusion == "success"


def test_a_child_that_is_killed_is_a_failure_that_says_so(bench: Bench) -> None:
    report = bench.run(workflow("kill -KILL $$"))
    assert report.step("s1").exit_code == 137
    assert "signal 9 (SIGKILL)" in report.output("s1")[0]
    assert report.errors == ["Process completed with exit code 137."]


def test_commands_have_no_terminal_and_an_empty_input(bench: Bench) -> None:
    report = bench.run(
        workflow("cat; [ -t 0 ] || echo no terminal; kill -l PIPE > /dev/null; (yes || true) | head -n 1")
    )
    assert report.output("s1") == ["no terminal", "y"]


def test_more_environment_than_the_system_takes_is_said(bench: Bench) -> None:
    report = bench.run(
        workflow('echo "BIG=$(head -c 3000000 /dev/zero | tr "\\0" x)" >> "$GITHUB_ENV"', "echo unreachable")
    )
    (error,) = report.errors
    assert "Argument list too long" in error
    assert report.end.conclusion == "failure"


def test_the_folders_of_a_job_can_be_removed_whatever_it_did_to_them(bench: Bench) -> None:
    bench.run(workflow("mkdir -p deep/er; touch deep/er/file; chmod -R a-w deep; cd ..; ln -s / link"))
    assert list((bench.folder / "work").iterdir()) == []
    assert os.path.isdir("/etc")

"""Hostile workflows try to get out of the sandbox: through the file system, processes, the kernel, and Homeport itself.

Each runs by the real command line. What must not come through is a canary: text that nobody but the test has written.
"""

import ctypes
import os
import pwd
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.support.disks import small_disk
from tests.support.projects import commit_all, make_repository
from tests.support.sandbox import (
    await_condition,
    everything_kept,
    is_running,
    job,
    list_groups,
    list_left,
    require_sandbox,
    run_again,
    run_sandboxed,
    secret_file,
)

HOME = Path(pwd.getpwuid(os.getuid()).pw_dir)


@pytest.fixture(autouse=True)
def _sandbox() -> None:
    require_sandbox()


# --- files of the machine --------------------------------------------------------------------------------------------


def test_the_hosts_home_and_temporary_files_cannot_be_read(tmp_path: Path) -> None:
    with secret_file(HOME) as (in_home, canary), secret_file(tmp_path) as (in_temp, other):
        answer = run_sandboxed(
            tmp_path,
            job(
                f"cat {in_home} {in_temp} || echo nothing",
                f"ls -la {in_home.parent} {in_temp.parent} ~root {HOME}/.ssh 2>&1 || true",
                f"grep -rs -e {canary[:20]} -e {other[:20]} {HOME} /tmp /home /root /var /run /proc/1/root /mnt /srv /opt | sed s/y/_/g || true",
            ),
        )
        assert answer.conclusion == "success", answer.describe()
        assert "nothing" in answer.lines("one", "s1")
        kept = everything_kept(answer)
        # (the scripts that look for them, which are printed, have but the beginnings)
        assert canary.encode() not in kept
        assert other.encode() not in kept


def test_what_the_machine_keeps_secret_is_not_there(tmp_path: Path) -> None:
    answer = run_sandboxed(
        tmp_path,
        job(
            """
            for place in /etc/shadow /etc/gshadow /etc/sudoers /etc/ssh /etc/ssl/private /etc/machine-id /etc/krb5.keytab \\
              /var/lib /var/log /run/docker.sock /run/podman /run/dbus /run/user /run/systemd /tmp/.X11-unix /boot /sys/kernel; do
              test ! -e $place || echo "there is $place"
            done
            """
        ),
    )
    assert answer.conclusion == "success", answer.describe()
    assert not [line for line in answer.lines("one") if line.startswith("there is /")], answer.describe()


def test_the_users_tree_and_homeports_stores_are_not_there(tmp_path: Path, homeport_home: Path) -> None:
    """A checkout copies what git knows; a file that is ignored, such as `.env`, stays the user's."""
    project = make_repository(
        tmp_path,
        "on: push\njobs:\n"
        + job(
            "uses: actions/checkout@v4",
            f"""
            ls -la; cat .env {tmp_path}/project/.env || echo no secrets here
            ls {tmp_path}/project || echo no tree
            cat {tmp_path}/project/.git/config || echo no configuration
            ls {homeport_home} {homeport_home}/work; ls {homeport_home}/runs {homeport_home}/caches || echo no stores
            """,
        ),
        files={".gitignore": ".env\n"},
    )
    (project / ".env").write_text("canary-of-the-env-file")
    with (project / ".git" / "config").open("a") as config:
        config.write('[http]\n\textraHeader = "canary-of-the-configuration"\n')
    answer = run_again(project)
    assert answer.conclusion == "success", answer.describe()
    lines = answer.lines("one", "s2")
    assert {"no secrets here", "no configuration", "no stores"} <= set(lines)
    kept = everything_kept(answer)
    assert b"canary-of-the-env-file" not in kept
    assert b"canary-of-the-configuration" not in kept


def test_the_system_cannot_be_written(tmp_path: Path) -> None:
    answer = run_sandboxed(
        tmp_path,
        job(
            f"""
            for place in / /usr /usr/bin /usr/lib /etc /bin /dev /opt {HOME} /var /run /proc/sys/kernel; do
              touch $place/planted 2>/dev/null && echo "wrote to $place" || true
            done
            echo x 2>/dev/null > /usr/bin/env && echo "wrote a program" || true
            echo x 2>/dev/null > /etc/passwd && echo "wrote accounts" || true
            echo core 2>/dev/null > /proc/sys/kernel/core_pattern && echo "wrote the core pattern" || true
            touch "$HOME/mine" "$RUNNER_TEMP/mine" "$GITHUB_WORKSPACE/mine" /tmp/mine "$RUNNER_TOOL_CACHE/mine" && echo own folders work
            """
        ),
    )
    assert answer.conclusion == "success", answer.describe()
    said = [line for line in answer.lines("one") if line.startswith(("wrote ", "own "))]
    assert said == ["own folders work"]


def test_nothing_of_the_kernels_files_can_be_opened_for_writing(tmp_path: Path) -> None:
    """The superuser may write some by its number alone, without any privilege."""
    answer = run_sandboxed(
        tmp_path,
        job(
            """
            python3 - <<'EOF'
            import os
            for folder, folders, files in os.walk("/proc"):
                folders[:] = [name for name in folders if not name.isdigit() and name not in ("self", "thread-self", "pressure")]
                for name in files:
                    path = os.path.join(folder, name)
                    try:
                        os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK))
                        print("could write", path)
                    except OSError:
                        pass
            EOF
            """
        ),
    )
    assert answer.conclusion == "success", answer.describe()
    assert not [line for line in answer.lines("one", "s1") if line.startswith("could write")]


def test_a_parallel_jobs_folders_are_not_there(tmp_path: Path) -> None:
    canary = f"canary-{os.urandom(8).hex()}"
    work = os.environ["HOMEPORT_HOME"] + "/work"
    answer = run_sandboxed(
        tmp_path,
        job('echo "$CANARY" | tee $RUNNER_TEMP/secret $HOME/secret secret > /tmp/secret; sleep 3', name="victim"),
        job(
            f"""
            for i in $(seq 60); do
              find {work} /tmp -name secret -not -path "$HOME/*" -exec cat {{}} + 2>/dev/null || true
              ls {work} | grep -v "^$(basename $(dirname $RUNNER_TEMP))$" && echo "another job's folder" || true
              sleep 0.05
            done
            """,
            name="spy",
        ),
        env={"CANARY": canary},
        options=("--pass-env", "CANARY", "--parallel", "2"),
    )
    assert answer.conclusion == "success", answer.describe()
    assert not [line for line in answer.lines("spy", "s1") if canary in line or line == "another job's folder"]


# --- processes -------------------------------------------------------------------------------------------------------


def test_no_other_process_is_seen_signalled_or_traced(tmp_path: Path) -> None:
    answer = run_sandboxed(
        tmp_path,
        job(
            f"""
            ls /proc | grep '^[0-9]*$' | wc -l
            kill -9 {os.getpid()} $PPID 1 2>/dev/null || true
            kill -STOP 1 || true
            cat /proc/1/environ /proc/1/mem 2>/dev/null | strings | grep -i homeport_home && echo "read its memory" || true
            ls -l /proc/1/fd/ 2>/dev/null | grep -e '->' && echo "saw its descriptors" || true
            python3 - <<'EOF'
            import ctypes, os
            libc = ctypes.CDLL(None, use_errno=True)
            print("attached" if libc.ptrace(16, 1, 0, 0) == 0 else "could not attach")
            EOF
            """,
            "echo and on it goes",
        ),
    )
    assert answer.conclusion == "success", answer.describe()
    lines = answer.lines("one", "s1")
    count = next(int(line) for line in lines if line.isdigit())
    assert count < 12, lines
    assert "could not attach" in lines
    assert not {"read its memory", "saw its descriptors", "attached"} & set(lines)
    assert answer.lines("one", "s2")[-1] == "and on it goes"


def test_the_runners_environment_and_descriptors_do_not_come_in(tmp_path: Path) -> None:
    """Not even a descriptor that Homeport itself was started with."""
    canary = f"canary-{os.urandom(8).hex()}"
    with secret_file(tmp_path) as (path, in_file):
        descriptor = os.open(path, os.O_RDONLY)
        os.set_inheritable(descriptor, True)
        try:
            answer = run_sandboxed(
                tmp_path,
                job(
                    """
                    env; cat /proc/self/environ /proc/$$/environ | tr '\\0' '\\n'
                    python3 -c 'import os; print("descriptors", sorted(int(name) for name in os.listdir("/proc/self/fd")))'
                    for number in $(seq 3 40); do cat <&$number 2>/dev/null || true; done
                    """
                ),
                env={"A_SECRET_OF_THE_USER": canary},
            )
        finally:
            os.close(descriptor)
        kept = everything_kept(answer)
        assert canary.encode() not in kept
        assert in_file.encode() not in kept
    # its own, and the folder that it lists
    assert "descriptors [0, 1, 2, 3]" in answer.lines("one", "s1"), answer.describe()


@pytest.mark.parametrize(
    "start",
    ["sleep 3000 &", "nohup setsid sleep 3000 >/dev/null 2>&1 &", "(setsid env -i /bin/sh -c 'sleep 3000 & exit' &)"],
    ids=["background", "session", "double-fork"],
)
def test_what_a_step_leaves_running_lives_until_the_job_ends_and_no_longer(tmp_path: Path, start: str) -> None:
    answer = run_sandboxed(tmp_path, job(start, "sleep 0.2; pgrep -x sleep && echo still there"))
    assert answer.lines("one", "s2")[-1] == "still there", answer.describe()
    assert list_left() == []


def test_a_killed_homeport_takes_its_sandboxes_along(tmp_path: Path) -> None:
    """Nobody is left to clean up: the kernel ends the namespace, and the next start removes the folders and groups."""
    project = make_repository(tmp_path, "on: push\njobs:\n" + job("setsid sleep 3117 & sleep 3118"))
    before = set(list_groups())
    process = subprocess.Popen(
        [sys.executable, "-m", "homeport", "run", "--executor", "sandbox"], cwd=project, stdout=subprocess.DEVNULL
    )
    await_condition(lambda: is_running("sleep 3117") and is_running("sleep 3118"))
    groups = set(list_groups()) - before
    process.kill()
    process.wait()
    await_condition(lambda: not (is_running("sleep 3117") or is_running("sleep 3118")))
    (project / ".github" / "workflows" / "ci.yml").write_text("on: push\njobs:\n" + job("echo next"))
    assert run_again(project).conclusion == "success"
    assert not set(list_groups()) & groups


def test_a_job_that_kills_all_it_can_kills_but_itself(tmp_path: Path) -> None:
    answer = run_sandboxed(tmp_path, job("kill -9 -1", "if: always()\nrun: echo next", name="suicidal"))
    assert answer.conclusions == {"suicidal": "failure"}
    assert answer.lines("suicidal", "s2")[-1] == "next", answer.describe()


# --- the kernel ------------------------------------------------------------------------------------------------------


def test_privileges_cannot_be_had(tmp_path: Path) -> None:
    answer = run_sandboxed(
        tmp_path,
        job(
            """
            grep -E '^(CapEff|CapPrm|CapBnd|NoNewPrivs|Seccomp):' /proc/self/status
            mount -t tmpfs none /mnt 2>/dev/null && echo "mounted" || true
            unshare -Urm true 2>/dev/null && echo "made a user namespace" || true
            mknod $HOME/disk b 8 0 2>/dev/null && echo "made a device" || true
            find / -xdev -perm -4000 -type f 2>/dev/null | head -3
            /usr/bin/su -c id root </dev/null 2>/dev/null && echo "is root" || true
            cp /bin/sh $HOME/sh; chmod 4755 $HOME/sh; $HOME/sh -p -c 'test $(id -u) != 0' || echo "is root"
            chroot / true 2>/dev/null && echo "changed its root" || true
            ls /dev/sd* /dev/vd* /dev/nvme* /dev/mem /dev/kmem /dev/kmsg /dev/fuse /dev/kvm 2>/dev/null && echo "saw a device" || true
            python3 - <<'EOF'
            import ctypes, fcntl, os, pty
            libc = ctypes.CDLL(None, use_errno=True)
            for name, number in (("keyctl", 250), ("bpf", 321), ("io_uring_setup", 425), ("userfaultfd", 323)):
                if os.uname().machine == "x86_64":
                    result = libc.syscall(number, 0, 0, 0, 0, 0)
                    print(name, "refused" if result == -1 and ctypes.get_errno() == 1 else "let through")
            first, second = pty.openpty()
            try:
                fcntl.ioctl(second, 0x5412, b"x")
                print("pushed input into a terminal")
            except OSError:
                print("pushed nothing")
            EOF
            """
        ),
    )
    assert answer.conclusion == "success", answer.describe()
    lines = answer.lines("one", "s1")
    for name in ("CapEff", "CapPrm", "CapBnd"):
        assert f"{name}:\t0000000000000000" in lines, lines
    assert "NoNewPrivs:\t1" in lines
    assert "Seccomp:\t2" in lines
    assert "pushed nothing" in lines
    bad = ("mounted", "made a ", "is root", "changed its root", "saw a device", "pushed input")
    assert not [line for line in lines if line.startswith(bad) or line.endswith("let through")], lines


def test_abstract_sockets_of_the_machine_are_out_of_reach(tmp_path: Path) -> None:
    """They belong to the network, not to a file system. Landlock keeps them apart (Linux 6.12), or the network is off."""
    name = f"homeport-test-{os.urandom(6).hex()}"
    script = f"""
        python3 - <<'EOF'
        import socket
        end = socket.socket(socket.AF_UNIX)
        try:
            end.connect("\\0{name}")
            print("connected:", end.recv(100).decode())
        except OSError as error:
            print("refused:", type(error).__name__)
        EOF
        """
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"\0{name}")
        listener.listen()
        threading.Thread(target=_greet, args=(listener,), daemon=True).start()
        off = run_sandboxed(tmp_path, job(script), options=("--sandbox-network", "off"), name="off")
        assert any(line.startswith("refused") for line in off.lines("one", "s1")), off.describe()
        if not _kernel_scopes_sockets():
            pytest.skip("this kernel cannot keep abstract sockets apart (Landlock's scopes came with Linux 6.12)")
        on = run_sandboxed(tmp_path, job(script), name="on")
        assert any(line.startswith("refused") for line in on.lines("one", "s1")), on.describe()


def _greet(listener: socket.socket) -> None:
    while True:
        try:
            end, _ = listener.accept()
        except OSError:
            return
        end.sendall(b"hello")
        end.close()


def _kernel_scopes_sockets() -> bool:
    return int(ctypes.CDLL(None).syscall(444, None, 0, 1)) >= 6


def test_without_a_network_nothing_is_reached_but_the_jobs_own_loopback(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        script = f"""
            python3 - <<'EOF'
            import socket
            try:
                socket.create_connection(("127.0.0.1", {port}), timeout=5)
                print("reached the machine")
            except OSError:
                print("reached nothing")
            own = socket.create_server(("127.0.0.1", 0))
            socket.create_connection(own.getsockname(), timeout=5)
            print("reached itself")
            EOF
            """
        off = run_sandboxed(tmp_path, job(script), options=("--sandbox-network", "off"), name="off")
        on = run_sandboxed(tmp_path, job(script), name="on")
    assert off.lines("one", "s1")[-2:] == ["reached nothing", "reached itself"], off.describe()
    assert on.lines("one", "s1")[-2:] == ["reached the machine", "reached itself"], on.describe()


# --- limits ----------------------------------------------------------------------------------------------------------


def test_filling_memory_fails_the_job_with_the_cause(tmp_path: Path) -> None:
    answer = run_sandboxed(
        tmp_path,
        job(
            "python3 -c \"data = [bytearray(1 << 20) for _ in range(2048)]; print('filled')\"",
            "if: always()\nrun: echo next",
        ),
        options=("--limit", "memory=256m"),
    )
    assert answer.conclusion == "failure", answer.describe()
    assert "filled" not in answer.lines("one", "s1")
    _skip_without_groups(answer.stderr)
    assert "its memory limit of 256 MiB was reached" in answer.job("one")["reason"], answer.describe()
    assert any("memory limit of 256 MiB" in fact["message"] for fact in answer.of("annotation_raised"))
    assert answer.lines("one", "s2")[-1] == "next"


def test_memory_in_temporary_files_counts_too(tmp_path: Path) -> None:
    answer = run_sandboxed(
        tmp_path,
        job(
            "head -c 200M /dev/zero > /tmp/large || echo no room",
            "rm /tmp/large; head -c 200M /dev/zero > /dev/shm/large || echo no room",
        ),
        options=("--limit", "memory=512m", "--limit", "tmp=64m"),
    )
    assert answer.conclusion == "success", answer.describe()
    assert answer.lines("one", "s1")[-1] == "no room"
    assert answer.lines("one", "s2")[-1] == "no room"


def test_a_fork_bomb_ends_with_its_job(tmp_path: Path) -> None:
    answer = run_sandboxed(
        tmp_path,
        job("bomb() { bomb | bomb & wait; }; bomb; exit 1"),
        options=("--limit", "processes=100", "--limit", "memory=1g"),
    )
    assert answer.conclusion == "failure"
    _skip_without_groups(answer.stderr)
    assert "its limit of 100 processes and threads was reached" in answer.job("one")["reason"], answer.describe()


def test_a_job_is_ended_before_the_disk_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a file system of Homeport's own, where nobody else makes or takes room."""
    with small_disk(tmp_path / "small", "256m") as home:
        monkeypatch.setenv("HOMEPORT_HOME", str(home))
        answer = run_sandboxed(
            tmp_path,
            job("head -c 160M /dev/zero > large; sleep 3000; echo filled"),
            options=("--limit", "spare=128m"),
        )
    assert answer.conclusion == "failure"
    assert "filled" not in answer.lines("one", "s1")
    assert "were left on the disk" in answer.job("one")["reason"], answer.describe()


def test_a_file_may_have_a_limit(tmp_path: Path) -> None:
    answer = run_sandboxed(
        tmp_path, job("head -c 20M /dev/zero > large || echo too large"), options=("--limit", "file=8m")
    )
    assert answer.lines("one", "s1")[-1] == "too large", answer.describe()


def test_control_groups_are_removed_with_their_job(tmp_path: Path) -> None:
    before = set(list_groups())
    run_sandboxed(tmp_path, job("cat /proc/self/cgroup"))
    assert set(list_groups()) <= before


def _skip_without_groups(said: str) -> None:
    if "no control groups can be made here" in said:
        pytest.skip(
            "this machine lets nobody make control groups here: run the tests as root, or in a systemd user scope"
        )


# --- through Homeport itself -----------------------------------------------------------------------------------------


def test_command_files_that_are_links_fail_their_step_and_pipes_hold_nothing(tmp_path: Path) -> None:
    with secret_file(HOME) as (path, canary):
        answer = run_sandboxed(
            tmp_path,
            job(
                f'ln -sf {path} "$GITHUB_STEP_SUMMARY"',
                f'if: always()\nrun: ln -sf {path} "$GITHUB_OUTPUT"',
                'if: always()\nrun: rm "$GITHUB_PATH"; ln -s /dev/zero "$GITHUB_PATH"',
                'if: always()\nrun: rm "$GITHUB_ENV"; mkfifo "$GITHUB_ENV"',
                f'if: always()\nrun: rm -rf "$(dirname $GITHUB_ENV)"; ln -s {path.parent} "$(dirname $GITHUB_ENV)"',
                "if: always()\nrun: echo goes on",
            ),
        )
        assert canary.encode() not in everything_kept(answer)
        assert sorted(os.listdir(path.parent)) == ["id_secret"]
    for step in ("s1", "s2", "s3"):
        assert answer.step("one", step)["outcome"] == "failure", answer.describe()
    assert answer.step("one", "s4")["outcome"] == "success", answer.describe()


def test_links_in_the_place_of_the_jobs_own_folders_lead_nobody_out(tmp_path: Path) -> None:
    """The runner writes scripts and the event's payload below RUNNER_TEMP: nothing of it may land elsewhere."""
    with secret_file(HOME) as (path, canary):
        target = path.parent
        answer = run_sandboxed(
            tmp_path,
            job(
                f"""
                rm -rf "$RUNNER_TEMP" 2>/dev/null; ln -sfn {target} "$RUNNER_TEMP" || echo "the folder stays"
                mv "$RUNNER_TEMP" "$RUNNER_TEMP.away" 2>/dev/null && echo "moved" || true
                rm -rf "$(dirname $GITHUB_EVENT_PATH)"; ln -s {target} "$(dirname $GITHUB_EVENT_PATH)" || true
                cd /; rm -rf "$GITHUB_WORKSPACE"; ln -s {target} "$GITHUB_WORKSPACE" || true
                """,
                "if: always()\nrun: echo next",
                "if: always()\nuses: ./",
                "if: always()\nuses: actions/checkout@v4",
            ),
        )
        assert canary.encode() not in everything_kept(answer)
        assert sorted(os.listdir(target)) == ["id_secret"], answer.describe()


def test_artifacts_and_caches_hold_only_what_the_job_could_read(tmp_path: Path) -> None:
    with secret_file(HOME) as (path, canary):
        answer = run_sandboxed(
            tmp_path,
            job(
                f"mkdir up; ln -s {path} up/link; ln -s {path.parent} up/folder; ln -s / up/root; echo own > up/own",
                f"uses: actions/upload-artifact@v4\nwith: {{name: direct, path: '{path}', if-no-files-found: ignore}}",
                "if: always()\nuses: actions/upload-artifact@v4\nwith: {name: links, path: 'up/link\n\n    up/own\n\n    up/folder'}",
                f"if: always()\nuses: actions/cache/save@v4\nwith: {{key: direct, path: '{path.parent}'}}",
                "if: always()\nuses: actions/cache/save@v4\nwith: {key: links, path: up}",
            ),
        )
        assert answer.step("one", "s3")["outcome"] == "success", answer.describe()
        assert answer.of("artifact_uploaded", name="links"), answer.describe()
        assert canary.encode() not in everything_kept(answer)


def test_downloads_and_restores_write_only_where_the_job_could(tmp_path: Path) -> None:
    with secret_file(HOME) as (path, _):
        target = path.parent
        answer = run_sandboxed(
            tmp_path,
            job(
                "mkdir up ca; echo planted > up/authorized_keys; echo planted > ca/authorized_keys",
                "uses: actions/upload-artifact@v4\nwith: {name: a, path: up}",
                "uses: actions/cache/save@v4\nwith: {key: k, path: ca}",
                f"rm -rf ca; ln -s {target} ca; ln -s {target} down",
                "if: always()\nuses: actions/download-artifact@v4\nwith: {name: a, path: down}",
                f"if: always()\nuses: actions/download-artifact@v4\nwith: {{name: a, path: '{target}'}}",
                "if: always()\nuses: actions/cache/restore@v4\nwith: {key: k, path: ca}",
            ),
        )
        assert sorted(os.listdir(target)) == ["id_secret"], answer.describe()


def test_hash_files_reads_only_what_the_job_could(tmp_path: Path) -> None:
    """The hash of a secret would confirm a guess of it."""
    with secret_file(HOME) as (path, _):
        answer = run_sandboxed(
            tmp_path,
            job(
                f"ln -s {path} link; ln -s {path.parent} folder; echo own > own",
                "if: always()\nrun: echo \"link=${{ hashFiles('link') }}\"",
                "if: always()\nrun: echo \"folder=${{ hashFiles('--follow-symbolic-links', 'folder/**') }}\"",
                "if: always()\nrun: echo \"own=${{ hashFiles('own') }}\"",
            ),
        )
        printed = [line for line in answer.lines("one") if line.startswith(("link=", "folder=", "own="))]
        # the link is a file that is not there: this fails, as it does on GitHub
        assert answer.step("one", "s2")["outcome"] == "failure", answer.describe()
        assert "folder=" in printed, answer.describe()
        assert any(line.startswith("own=") and len(line) == 4 + 64 for line in printed)


def test_a_planted_program_never_runs_outside(tmp_path: Path) -> None:
    """`git`, `node`, `python`, `zstd`, `tar` on the job's PATH, git's own configuration, and what loaders obey."""
    marker = HOME / f"homeport-test-{os.urandom(8).hex()}"
    try:
        answer = run_sandboxed(
            tmp_path,
            job(
                f"""
                mkdir -p "$HOME/bin"
                for name in git git-lfs node python python3 python3.11 python3.12 uv zstd tar sh bash; do
                  printf '#!/bin/sh\\nid -u > {marker} || true; ls -d /etc/shadow && echo ESCAPED\\nexit 1\\n' > "$HOME/bin/$name"
                  chmod +x "$HOME/bin/$name"
                done
                git config --global core.fsmonitor "$HOME/bin/git"
                git config --global core.hooksPath "$HOME/bin"
                git config --global filter.evil.smudge "$HOME/bin/git"
                cp "$HOME/bin/git" "$HOME/bin/post-checkout"
                mkdir -p .git/hooks; cp "$HOME/bin/git" .git/hooks/post-checkout
                printf '[core]\\n\\tfsmonitor = %s\\n\\thooksPath = %s\\n' "$HOME/bin/git" "$HOME/bin" > .git/config
                mkdir -p "$RUNNER_TOOL_CACHE/Python/3.99.0/x64/bin"; cp "$HOME/bin/git" "$RUNNER_TOOL_CACHE/Python/3.99.0/x64/bin/python3"
                touch "$RUNNER_TOOL_CACHE/Python/3.99.0/x64.complete"
                echo "$HOME/bin" >> "$GITHUB_PATH"
                echo "GIT_EXEC_PATH=$HOME/bin" >> "$GITHUB_ENV"
                echo "PYTHONPATH=$HOME/bin" >> "$GITHUB_ENV"
                """,
                "if: always()\nuses: actions/checkout@v4",
                "if: always()\nuses: ./action",
                "if: always()\nuses: actions/setup-python@v5\nwith: {python-version: '3.99'}",
                "if: always()\nuses: actions/cache/save@v4\nwith: {key: k, path: action}",
            ),
            files={
                "action/action.yml": "name: a\nruns: {using: node20, main: index.js}\n",
                "action/index.js": "console.log('ran')\n",
                ".gitattributes": "* filter=evil\n",
            },
        )
        assert not marker.exists(), answer.describe()
        assert "ESCAPED" not in answer.lines("one"), answer.describe()
        assert answer.step("one", "s2")["outcome"] == "success", answer.describe()
    finally:
        marker.unlink(missing_ok=True)


def test_problem_matchers_and_action_files_are_read_as_the_job_sees_them(tmp_path: Path) -> None:
    with secret_file(HOME) as (path, canary):
        answer = run_sandboxed(
            tmp_path,
            job(
                f"ln -s {path} matcher.json; echo '::add-matcher::matcher.json'; echo '::add-matcher::{path}'",
                f"if: always()\nrun: mkdir linked && ln -s {path} linked/action.yml; ln -s {path.parent} folder; mv folder/id_secret x; true",
                "if: always()\nuses: ./linked",
                "if: always()\nrun: mkdir pipe && mkfifo pipe/action.yml",
                "if: always()\nuses: ./pipe",
            ),
        )
        assert canary.encode() not in everything_kept(answer)
        assert answer.conclusion == "failure"


def test_a_tool_that_a_job_installs_is_not_there_for_the_next(tmp_path: Path) -> None:
    """What it puts into the tool cache would be run by jobs of other repositories."""
    plant = 'mkdir -p "$RUNNER_TOOL_CACHE/evil/1.0/x64"; echo planted > "$RUNNER_TOOL_CACHE/evil/1.0/x64/tool"'
    run_sandboxed(tmp_path, job(plant), name="first")
    answer = run_sandboxed(tmp_path, job('ls "$RUNNER_TOOL_CACHE"; test ! -e "$RUNNER_TOOL_CACHE/evil"'), name="second")
    assert answer.conclusion == "success", answer.describe()
    tools = Path(os.environ["HOMEPORT_HOME"]) / "tools"
    assert not list(tools.rglob("evil*"))


def test_shared_tools_can_be_used_and_not_be_changed(tmp_path: Path) -> None:
    tool = Path(os.environ["HOMEPORT_HOME"]) / "tools" / "jq" / "1.0" / "x64"
    tool.mkdir(parents=True)
    (tool / "program").write_text("original")
    answer = run_sandboxed(
        tmp_path,
        job(
            """
            cat "$RUNNER_TOOL_CACHE/jq/1.0/x64/program"; echo
            echo changed 2>/dev/null > "$RUNNER_TOOL_CACHE/jq/1.0/x64/program" || echo refused
            rm -rf "$RUNNER_TOOL_CACHE/jq"
            """
        ),
    )
    assert answer.conclusion == "success", answer.describe()
    assert answer.lines("one", "s1")[-2:] == ["original", "refused"]
    assert (tool / "program").read_text() == "original"


def test_what_would_run_outside_of_the_wall_is_refused(tmp_path: Path) -> None:
    answer = run_sandboxed(
        tmp_path,
        job("echo hi", name="contained", more="container: debian:12\n"),
        job("echo hi", name="served", more="services: {db: {image: 'postgres:15'}}\n"),
        job("uses: actions/checkout@v6", "uses: ./docker", name="action"),
        options=("--services", "engine"),
        files={
            "docker/action.yml": "name: a\nruns: {using: docker, image: Dockerfile}\n",
            "docker/Dockerfile": "FROM scratch\n",
        },
    )
    assert set(answer.conclusions.values()) == {"failure"}, answer.describe()
    assert "runs outside of the sandbox" in answer.job("contained")["reason"]
    assert "a container engine does not for a sandboxed one" in answer.job("served")["reason"]
    assert answer.step("action", "s1")["outcome"] == "success"
    assert "run outside of the sandbox" in answer.step("action", "s2")["reason"]


def test_folders_that_are_hard_to_remove_are_removed(tmp_path: Path) -> None:
    answer = run_sandboxed(
        tmp_path,
        job(
            """
            mkdir locked; touch locked/file; chmod 0 locked
            python3 -c 'import os
            for _ in range(2500): os.mkdir("d"); os.chdir("d")'
            ln -s / everything; mkfifo pipe; : > $'name\\nwith\\tfeeds'
            """
        ),
    )
    assert answer.conclusion == "success", answer.describe()


def test_a_changed_tree_is_checked_out_and_its_history_can_be_asked(tmp_path: Path) -> None:
    """The wall keeps the user's tree away, and the work still goes on."""
    project = make_repository(
        tmp_path,
        "on: push\njobs:\n"
        + job(
            "uses: actions/checkout@v4\nwith: {fetch-depth: 0}",
            "git log --format=%s; cat file.txt; git fetch -q origin && git status --short; touch .git/objects/x",
        ),
    )
    (project / "file.txt").write_text("one\n")
    commit_all(project, "more")
    (project / "file.txt").write_text("changed\n")
    answer = run_again(project)
    assert answer.conclusion == "success", answer.describe()
    lines = answer.lines("one", "s2")
    assert lines[lines.index("more") :][:3] == ["more", "begin", "changed"], lines

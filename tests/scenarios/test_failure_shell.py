"""`--shell-on-failure` on a real terminal: the failure is seen, the shell stands where the step failed, and the run goes on."""

import os
import subprocess
import sys
from pathlib import Path

from tests.support.homeport import TIMEOUT_SECONDS, environment
from tests.support.projects import make_repository

FAILING = """
    on: push
    jobs:
      build:
        runs-on: ubuntu-latest
        env: {COLOUR: blue}
        steps:
          - run: echo made > file.txt
          - {name: Compile, run: 'echo "line 7 is wrong"; exit 3'}
          - {if: always(), run: echo cleaned up}
"""


def read_until(terminal: int, wanted: str, seen: str) -> str:
    """What stands on the terminal once it holds this text, or has been closed."""
    while wanted not in seen:
        try:
            data = os.read(terminal, 65536)
        except OSError:  # the other end is closed
            break
        seen += data.decode(errors="replace")
    return seen


def test_a_shell_opens_where_a_step_failed_after_the_failure_was_shown(tmp_path: Path) -> None:
    repository = make_repository(tmp_path, FAILING)
    terminal, other_end = os.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "homeport", "run", "--shell-on-failure"],
        cwd=repository,
        env=environment({"SHELL": "/bin/sh", "TERM": "xterm"}),
        stdin=other_end,
        stdout=other_end,
        stderr=other_end,
        start_new_session=True,
    )
    os.close(other_end)
    try:
        before = read_until(terminal, "leave it to go on.", "")
        assert before.index("line 7 is wrong") < before.index("This shell stands in")
        assert "step 2 'Compile' of job 'build' failed" in before
        os.write(terminal, b'echo "$(cat file.txt) in $GITHUB_JOB, $COLOUR"; exit\n')
        after = read_until(terminal, "Re-run just the failed part", "")
        assert "made in build, blue" in after
        assert process.wait(TIMEOUT_SECONDS) == 1
    finally:
        process.kill()
        process.wait()
        os.close(terminal)
    assert "step 2 'Compile' failed with exit code 3" in after

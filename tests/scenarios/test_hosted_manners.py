"""Steps that take for granted what GitHub's hosted images have, carried out on this machine."""

import os
from pathlib import Path

from tests.support.homeport import run_homeport
from tests.support.parts import require_root
from tests.support.projects import make_repository
from tests.support.wheels import build_wheel

WITHOUT_SETUP = """
    on: push
    env: {PIP_NO_INDEX: 1, PIP_FIND_LINKS: WHEELS}
    jobs:
      first:
        runs-on: ubuntu-latest
        steps:
          - {id: prefix, run: python -c 'import sys; print(sys.prefix)'}
          - {id: install, run: pip install -q onlyhere && command -v onlyhere && onlyhere}
      second:
        needs: first
        runs-on: ubuntu-latest
        steps: [{id: look, run: python3 -c 'import onlyhere'}]
"""


def test_what_pip_installs_without_setup_python_is_gone_with_the_job(tmp_path: Path) -> None:
    wheels = tmp_path / "wheels"
    build_wheel(wheels, "onlyhere", "1.0")
    repository = make_repository(tmp_path / "repository", WITHOUT_SETUP.replace("WHEELS", str(wheels)))
    answer = run_homeport(["run"], cwd=repository)
    assert answer.conclusions == {"first": "success", "second": "failure"}, answer.describe()
    prefix = answer.lines("first", "prefix")[-1]
    assert prefix.endswith("/_python")
    assert answer.lines("first", "install")[-2:] == [f"{prefix}/bin/onlyhere", "onlyhere 1.0"]
    assert "ModuleNotFoundError: No module named 'onlyhere'" in answer.lines("second", "look")
    assert not os.path.exists(prefix)


def test_a_program_that_only_hosted_images_have_is_named(tmp_path: Path) -> None:
    workflow = """
        on: push
        jobs:
          a:
            runs-on: ubuntu-latest
            steps: [{id: look, env: {PATH: /usr/nothing}, shell: '/bin/bash -e {0}', run: jq --version}]
    """
    answer = run_homeport(["run"], cwd=make_repository(tmp_path, workflow))
    assert answer.step("a", "look")["exit_code"] == 127
    assert any(
        line.startswith("This machine has no jq, which GitHub's images have: ") for line in answer.lines("a", "look")
    )


def test_steps_see_the_variables_that_actions_read(tmp_path: Path) -> None:
    workflow = """
        on: push
        jobs:
          a:
            runs-on: ubuntu-latest
            steps:
              - {id: look, run: test "$AGENT_TOOLSDIRECTORY" = "$RUNNER_TOOL_CACHE" && test -n "$USER" && echo "$DEBIAN_FRONTEND"}
              - {id: own, env: {DEBIAN_FRONTEND: dialog}, run: echo "$DEBIAN_FRONTEND"}
    """
    answer = run_homeport(["run"], cwd=make_repository(tmp_path, workflow))
    assert answer.lines("a", "look")[-1] == "noninteractive"
    assert answer.lines("a", "own")[-1] == "dialog"


def test_sudo_works_as_root_without_sudo(tmp_path: Path) -> None:
    require_root()
    workflow = """
        on: push
        jobs:
          a:
            runs-on: ubuntu-latest
            steps:
              - {id: look, run: 'IFS=:; for each in $PATH; do case $each in */manners/*/sudo) "$each/sudo" -E id -u;; esac; done'}
    """
    answer = run_homeport(["run"], cwd=make_repository(tmp_path, workflow))
    assert answer.lines("a", "look")[-1] == "0"

"""Contexts and default variables as GitHub gives them, through the real command line."""

import json
from pathlib import Path
from typing import Any

from tests.support.homeport import Answer, run_homeport
from tests.support.projects import make_repository


def printed_json(answer: Answer, job: str, step: str) -> Any:
    """What a step printed as JSON after its header."""
    lines = answer.lines(job, step)
    return json.loads("\n".join(lines[lines.index("##[endgroup]") + 1 :]))


CALLER = """
    on: push
    jobs:
      own:
        runs-on: ubuntu-latest
        steps:
          - {id: look, env: {JOB: "${{ toJSON(job) }}"}, run: echo "$JOB"}
          - {if: "!job.container && !job.services && job.services.db.ports['5432'] == null", id: none, run: echo none}
      call:
        uses: ./.github/workflows/called.yml
"""
CALLED = """
    on: workflow_call
    jobs:
      inner:
        runs-on: ubuntu-latest
        steps:
          - {id: look, env: {JOB: "${{ toJSON(job) }}"}, run: echo "$JOB"}
          - {id: caller, run: 'echo "$GITHUB_WORKFLOW_REF"'}
"""


def test_the_job_context_names_the_workflow_that_the_job_is_written_in(tmp_path: Path) -> None:
    """GitHub docs, "Contexts reference: job context": `job.workflow_*` are the called workflow's, `github.workflow_ref` the caller's."""
    folder = make_repository(tmp_path, {"ci.yml": CALLER, "called.yml": CALLED})
    answer = run_homeport(["run", ".github/workflows/ci.yml"], cwd=folder)
    assert answer.conclusion == "success", answer.describe()
    own, inner = printed_json(answer, "own", "look"), printed_json(answer, "call/inner", "look")
    assert set(own) == {
        "status",
        "check_run_id",
        *(f"workflow_{name}" for name in ("ref", "sha", "repository", "file_path")),
    }
    assert own["workflow_ref"] == "local/project/.github/workflows/ci.yml@refs/heads/main"
    assert inner["workflow_ref"] == "local/project/.github/workflows/called.yml@refs/heads/main"
    assert (own["workflow_file_path"], inner["workflow_file_path"]) == (
        ".github/workflows/ci.yml",
        ".github/workflows/called.yml",
    )
    assert own["workflow_sha"] == inner["workflow_sha"]
    assert answer.lines("call/inner", "caller")[-1] == own["workflow_ref"]
    assert answer.step("own", "none")["conclusion"] == "success"

"""Makes repositories of published actions and workflows, and projects that use them."""

import os
from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent

from tests.support.git_folders import commit, git, init
from tests.support.homeport import Answer, run_homeport
from tests.support.projects import make_repository


def publish(root: Path, name: str, files: Mapping[str, str], *tags: str) -> str:
    """Commit files to `root/owner/repo` (made if need be), and put tags there; the commit's id."""
    folder = root / name
    if not folder.exists():
        init(folder)
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(dedent(text))
    sha = commit(folder)
    for tag in tags:
        git(folder, "tag", "-f", tag)
    return sha


def composite(*steps: str) -> str:
    """An `action.yml` with these steps, each written as it stands in a list."""
    listed = "\n".join("    - " + dedent(step).strip().replace("\n", "\n      ") for step in steps)
    return f"name: an action\ndescription: of a test\nruns:\n  using: composite\n  steps:\n{listed}\n"


def javascript(using: str = "node20", **stages: str) -> str:
    """An `action.yml` of a JavaScript action."""
    lines = "".join(f"  {stage.replace('_', '-')}: {value}\n" for stage, value in stages.items())
    return f"name: an action\ndescription: of a test\nruns:\n  using: {using}\n{lines}"


def project(parent: Path, *steps: str, files: Mapping[str, str] | None = None) -> Path:
    """A repository with one workflow of one job, `one`, that has these steps."""
    listed = "\n".join("      - " + dedent(step).strip().replace("\n", "\n        ") for step in steps)
    text = f"on: push\njobs:\n  one:\n    runs-on: ubuntu-latest\n    steps:\n{listed}\n"
    return make_repository(parent, text, files=files)


def run(folder: Path, source: Path | str, *words: str, **environment: str) -> Answer:
    """`homeport run` with published actions from one place."""
    return run_homeport(["run", *words], cwd=folder, env={"HOMEPORT_ACTION_SOURCE": str(source), **environment})


def path_with(program: str) -> str:
    """A PATH on which a program's folder comes first."""
    return f"{Path(program).parent}:{os.environ['PATH']}"

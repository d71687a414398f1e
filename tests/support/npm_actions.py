"""Projects whose JavaScript actions are written with the client packages that GitHub publishes, and run on a chosen Node.js."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent, indent
from typing import Any

from tests.support.git_folders import commit, git, init
from tests.support.homeport import Answer, run_homeport
from tests.support.parts import require_node, require_npm_packages

PACKAGES: Mapping[str, str] = {
    "@actions/artifact": "6.2.1",
    "@actions/cache": "6.3.0",
    "@actions/core": "3.0.1",
    "@actions/github": "9.1.1",
    "@actions/tool-cache": "4.0.0",
}
_MARK = "RESULT "
_PRELUDE = """\
import * as core from '@actions/core'
import * as fs from 'node:fs'
const show = value => console.log('RESULT ' + JSON.stringify(value))
const attempt = async work => { try { return await work() } catch (error) { return String(error.message ?? error) } }
"""


class NpmProject:
    """A repository with actions in folders of their own. `run` runs a workflow of jobs whose steps use them."""

    def __init__(self, folder: Path, node: int, *, origin: str = "https://github.com/octo/app.git") -> None:
        self.folder = init(folder)
        self._modules = require_npm_packages(PACKAGES)
        self._path = f"{Path(require_node(node)).parent}{os.pathsep}{os.environ['PATH']}"
        self.using = f"node{node}"
        git(folder, "remote", "add", "origin", origin)

    def action(self, name: str, code: str, *, inputs: str = "") -> None:
        """An action whose main stage is this code."""
        folder = self.folder / name
        folder.mkdir()
        (folder / "node_modules").symlink_to(self._modules)
        (folder / "main.mjs").write_text(_PRELUDE + dedent(code))
        (folder / "action.yml").write_text(
            f"name: {name}\ninputs:\n  token: {{default: '${{{{ github.token }}}}'}}\n{indent(inputs, '  ')}\n"
            f"runs: {{using: {self.using}, main: main.mjs}}\n"
        )

    def run(self, jobs: str, *options: str, env: Mapping[str, str] | None = None, head: str = "") -> Answer:
        """Commit everything and run a workflow with these jobs, by default as a push to the current branch."""
        workflows = self.folder / ".github" / "workflows"
        workflows.mkdir(parents=True, exist_ok=True)
        (workflows / "ci.yml").write_text(f"on: push\n{head}\njobs:\n{indent(dedent(jobs), '  ')}\n")
        commit(self.folder)
        return run_homeport(["run", *options], cwd=self.folder, env={"PATH": self._path, **(env or {})})


def job(*steps: str, extra: str = "") -> str:
    """A job that checks out and then has these steps."""
    lines = "".join(f"  - {step}\n" for step in ("uses: actions/checkout@v4", *steps))
    return f"runs-on: ubuntu-latest\n{extra}\nsteps:\n{lines}"


def jobs(**written: str) -> str:
    """Jobs by id."""
    return "\n".join(f"{name}:\n{indent(text, '  ')}" for name, text in written.items())


def results(answer: Answer, job_id: str | None = None) -> list[Any]:
    """What the actions have shown, in order."""
    return [json.loads(line.removeprefix(_MARK)) for line in answer.lines(job_id) if line.startswith(_MARK)]

"""Runs the real command line in a process of its own and reads what it says."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TIMEOUT_SECONDS = 300
"""A bound for a hung process, not an expectation: no test measures time."""


@dataclass(frozen=True)
class Answer:
    """What a finished `homeport run --format json` said."""

    exit_code: int
    facts: tuple[dict[str, Any], ...]
    stderr: str

    def of(self, fact_type: str, /, **fields: Any) -> list[dict[str, Any]]:
        """The facts of one type, with these values in these fields."""
        return [
            fact
            for fact in self.facts
            if fact["type"] == fact_type and all(fact.get(name) == value for name, value in fields.items())
        ]

    def job(self, key: str) -> dict[str, Any]:
        """The one `job_finished` of a job."""
        (fact,) = self.of("job_finished", job=key)
        return fact

    def step(self, job: str, step: str) -> dict[str, Any]:
        """The one `step_finished` of a step."""
        (fact,) = self.of("step_finished", job=job, step=step)
        return fact

    def lines(self, job: str | None = None, step: str | None = None) -> list[str]:
        """What was printed, in order."""
        wanted = {name: value for name, value in (("job", job), ("step", step)) if value is not None}
        return [line for fact in self.of("lines_logged", **wanted) for line in fact["lines"]]

    @property
    def conclusions(self) -> dict[str, str]:
        """Every job's conclusion by key."""
        return {fact["job"]: fact["conclusion"] for fact in self.of("job_finished")}

    @property
    def conclusion(self) -> str:
        """How the one run ended."""
        (fact,) = self.of("run_finished")
        return str(fact["conclusion"])

    def describe(self) -> str:
        """All of it, for a failed assertion."""
        talk = "\n".join(json.dumps(fact) for fact in self.facts)
        return f"exit code {self.exit_code}\n{talk}\n{self.stderr}"


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment for a Homeport of a test: this process's, whose `HOMEPORT_HOME` is the test's own."""
    return {**os.environ, **(extra or {})}


def run_homeport(words: Sequence[str], *, cwd: Path, env: Mapping[str, str] | None = None) -> Answer:
    """Run `homeport … --format json` to its end."""
    process = subprocess.run(
        [sys.executable, "-m", "homeport", *words, "--format", "json"],
        cwd=cwd,
        env=environment(env),
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=TIMEOUT_SECONDS,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    facts = tuple(json.loads(line) for line in process.stdout.splitlines() if line.startswith("{"))
    return Answer(process.returncode, facts, process.stderr)


def list_artifacts(project: Path) -> dict[str, bool]:
    """What `homeport artifacts` lists of the last run, and whether it is a record."""
    done = subprocess.run(
        [sys.executable, "-m", "homeport", "artifacts", "--format", "json"],
        cwd=project,
        env=environment(),
        capture_output=True,
        check=True,
        timeout=TIMEOUT_SECONDS,
        stdin=subprocess.DEVNULL,
    )
    return {row["name"]: row.get("is_record", False) for row in json.loads(done.stdout)}

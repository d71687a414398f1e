"""An `ActionHost` for tests of single actions: real folders, real programs, real stores; it remembers what it was told."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

from homeport.language import nodes
from homeport.language.tokens import ExpressionToken, StringToken
from homeport.plan.model import Leg
from homeport.ports.executor import JobPaths
from homeport.ports.peer import JobOrder
from homeport.run.facts import Level
from homeport.runner.actions.native.definition import declare_inputs
from homeport.runner.folders import make_folder
from homeport.runner.matchers import parse_matchers
from homeport.store.artifacts_folder import FolderArtifacts
from homeport.store.caches_folder import FolderCaches
from tests.support.plans import FixedClock, written_job

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
GITHUB: dict[str, Any] = {
    "repository": "octo/repo",
    "ref": "refs/heads/main",
    "sha": "0" * 40,
    "server_url": "https://github.com",
    "run_id": "7",
    "run_attempt": "1",
    "event_name": "push",
    "retention_days": "90",
    "base_ref": "",
    "token": "",
    "action_ref": "",
    "event": {"repository": {"default_branch": "main"}},
}


class NeverStops:
    """A `StopSignal` that stays silent."""

    reason = None
    forced = False

    def fileno(self) -> int:
        raise AssertionError("nobody waits here")


class FolderSources:
    """`Sources`: a folder of the test."""

    def __init__(self, folder: Path, *, in_place: bool = False) -> None:
        self.folder = str(folder)
        self.in_place = in_place
        self.is_bare = False
        self.repositories: dict[str, str] = {}
        """where other repositories are, by `owner/name`; others are on their server"""

    def find_repository(self, repository: str, ref: str) -> str | None:
        return self.repositories.get(repository, "")


def make_paths(root: Path) -> JobPaths:
    """The folders of a job."""
    names = ("workspace", "temp", "home", "tool_cache", "actions", "commands")
    for name in names:
        make_folder(str(root / name))
    return JobPaths(root=str(root), **{name: str(root / name) for name in names})


def make_order(github: Mapping[str, Any] | None = None, run: str = "7") -> JobOrder:
    """An order for a job `build`."""
    leg = Leg(key="build", job_id="build", name="build")
    job = written_job("build")
    return JobOrder(
        run=run,
        lease="1",
        leg=leg,
        job=job,
        workflow_file=".github/workflows/ci.yml",
        workflow_env=None,
        workflow_defaults=None,
        github={**GITHUB, **(github or {})},
    )


class FolderHost:
    """One use of an action, in a job below `root`."""

    def __init__(
        self,
        root: Path,
        *,
        github: Mapping[str, Any] | None = None,
        source: Path | None = None,
        in_place: bool = False,
        environment: Mapping[str, str] | None = None,
        store: Path | None = None,
        clock: FixedClock | None = None,
    ) -> None:
        self.paths = make_paths(root)
        self.order = make_order(github)
        self.github = self.order.github
        self.inputs: Mapping[str, str] = {}
        self.environment: dict[str, str] = {"PATH": PATH, "HOME": self.paths.home, **(environment or {})}
        self.state: dict[str, str] = {}
        self.job_status: Literal["success", "failure", "cancelled"] = "success"
        self.stop = NeverStops()
        home = str(store or root / "store")
        clock = clock or FixedClock()
        self.artifacts = FolderArtifacts(home, clock)
        self.caches = FolderCaches(home, "octo/repo", clock, search_path=self.environment["PATH"])
        self.sources = FolderSources(source or root / "no-source", in_place=in_place)
        self.lines: list[str] = []
        self.annotations: list[tuple[str, str]] = []
        self.outputs: dict[str, str] = {}
        self.variables: dict[str, str] = {}
        self.added_paths: list[str] = []
        self.masked: list[str] = []
        self.matchers: list[Any] = []
        self.resolutions: list[tuple[str, str, str, str]] = []
        self.summaries: list[str] = []
        self.uploads: list[tuple[str, str, int, str]] = []

    @property
    def workspace(self) -> Path:
        """The job's workspace."""
        return Path(self.paths.workspace)

    @property
    def log_text(self) -> str:
        """All that was printed."""
        return "\n".join(self.lines)

    def use(self, module: ModuleType, **inputs: str) -> "FolderHost":
        """Run the main stage with these inputs (underscores for hyphens) over the action's defaults."""
        known = {row.name for row in module.DEFINITION.inputs}
        given = {name if name in known else name.replace("_", "-"): value for name, value in inputs.items()}
        unknown = given.keys() - known
        assert not unknown, f"the action has no inputs {unknown}"
        defaults = {row.name: self._evaluate(row) for row in declare_inputs(module.DEFINITION)}
        self.inputs = {name.lower(): value for name, value in {**defaults, **given}.items()}
        self.outputs = {}
        module.main(self)
        return self

    def _evaluate(self, row: nodes.InputDeclaration) -> str:
        match row.default:
            case None:
                return ""
            case StringToken(value):
                return value
            case ExpressionToken(source) if source.startswith("github."):
                return str(self.github.get(source.removeprefix("github."), ""))
            case _:
                raise AssertionError(f"a default that this host cannot evaluate: {row.default}")

    def log(self, text: str) -> None:
        self.lines.extend(text.split("\n"))

    def annotate(self, severity: Level, message: str) -> None:
        self.annotations.append((severity, message))

    def set_output(self, name: str, value: str) -> None:
        self.outputs[name] = value

    def export_variable(self, name: str, value: str) -> None:
        self.variables[name] = value
        self.environment[name] = value

    def add_path(self, folder: str) -> None:
        self.added_paths.append(folder)
        self.environment["PATH"] = f"{folder}:{self.environment['PATH']}"

    def save_state(self, name: str, value: str) -> None:
        self.state[name] = value

    def add_summary(self, markdown: str) -> None:
        self.summaries.append(markdown)

    def mask(self, value: str) -> None:
        self.masked.append(value)

    def add_matcher(self, definition: bytes) -> None:
        self.matchers.append(parse_matchers(definition))

    def resolved(self, kind: Literal["action", "tool", "cache"], name: str, version: str, detail: str = "") -> None:
        self.resolutions.append((kind, name, version, detail))

    def uploaded(self, name: str, artifact_id: str, size: int, digest: str) -> None:
        self.uploads.append((name, artifact_id, size, digest))

    def run(
        self,
        arguments: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        working_directory: str | None = None,
    ) -> int:
        code, output = self.capture(arguments, environment=environment, working_directory=working_directory)
        self.log(output)
        return code

    def capture(
        self,
        arguments: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        working_directory: str | None = None,
    ) -> tuple[int, str]:
        done = subprocess.run(
            list(arguments),
            env=dict(self.environment if environment is None else environment),
            cwd=working_directory or self.paths.workspace,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        return done.returncode, done.stdout.decode()

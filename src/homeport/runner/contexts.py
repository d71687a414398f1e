"""The contexts that only a runner knows, and the default environment variables that repeat them.

Sources: GitHub docs, "Contexts reference" and "Variables reference"; actions/runner `GitHubContext`, `RunnerContext`, `JobContext`.
"""

import os
import sys
from collections.abc import Mapping
from typing import Any

from homeport.ports.executor import JobPaths
from homeport.ports.peer import JobOrder

Values = dict[str, Any]

_GITHUB_VARIABLES = frozenset(
    [
        "action",
        "action_path",
        "action_ref",
        "action_repository",
        "actor",
        "actor_id",
        "api_url",
        "base_ref",
        "env",
        "event_name",
        "event_path",
        "graphql_url",
        "head_ref",
        "job",
        "output",
        "path",
        "ref",
        "ref_name",
        "ref_protected",
        "ref_type",
        "repository",
        "repository_id",
        "repository_owner",
        "repository_owner_id",
        "retention_days",
        "run_attempt",
        "run_id",
        "run_number",
        "server_url",
        "sha",
        "state",
        "step_summary",
        "triggering_actor",
        "workflow",
        "workflow_ref",
        "workflow_sha",
        "workspace",
    ]
)
"""What of the `github` context is repeated as `GITHUB_…`; the token is not."""
_OPERATING_SYSTEMS = {"linux": "Linux", "darwin": "macOS", "win32": "Windows"}
_ARCHITECTURES = {"x86_64": "X64", "amd64": "X64", "aarch64": "ARM64", "arm64": "ARM64", "i686": "X86", "i386": "X86"}


def github_context(order: JobOrder, paths: JobPaths, token: str) -> Values:
    """The job's `github` context, as far as it is the same for all steps."""
    return {
        **order.github,
        "job": order.job.id,
        "token": token,
        "workspace": paths.workspace,
        "event_path": f"{paths.temp}/_github_workflow/event.json",
        "action": "",
        "action_ref": "",
        "action_repository": "",
    }


def runner_context(name: str, environment: str, paths: JobPaths, *, debug: bool) -> Values:
    """The `runner` context; `debug` is there only when it is on."""
    context: Values = {
        "name": name,
        "os": _OPERATING_SYSTEMS.get(sys.platform, sys.platform),
        "arch": _find_architecture(),
        "temp": paths.temp,
        "tool_cache": paths.tool_cache,
        "workspace": os.path.dirname(paths.workspace),
        "environment": environment,
    }
    return {**context, "debug": "1"} if debug else context


def _find_architecture() -> str:
    machine = os.uname().machine.lower()
    return _ARCHITECTURES.get(machine, "ARM" if machine.startswith("arm") else machine.upper())


def job_context(order: JobOrder, status: str) -> Values:
    """The `job` context. `container` and `services` are in it only where there are some."""
    return {"status": status, "check_run_id": float(order.check_run_id), **_identify_workflow(order)}


def _identify_workflow(order: JobOrder) -> Values:
    """The workflow that the job is written in; `github` names the one that calls it (docs: "Contexts reference: job context")."""
    origin = order.workflow_origin
    if origin is not None:
        return {
            "workflow_ref": f"{origin.repository}/{origin.path}@{origin.ref}",
            "workflow_sha": origin.sha,
            "workflow_repository": origin.repository,
            "workflow_file_path": origin.path,
        }
    github = order.github
    repository = github.get("repository", "")
    ref = str(github.get("workflow_ref", "")).partition("@refs/")[2]
    return {
        "workflow_ref": f"{repository}/{order.workflow_file}@refs/{ref}",
        "workflow_sha": github.get("workflow_sha", ""),
        "workflow_repository": repository,
        "workflow_file_path": order.workflow_file,
    }


def default_variables(github: Mapping[str, Any], runner: Mapping[str, Any]) -> dict[str, str]:
    """The `GITHUB_…` and `RUNNER_…` variables of these contexts."""
    variables = {f"GITHUB_{name.upper()}": _to_text(github[name]) for name in _GITHUB_VARIABLES & github.keys()}
    variables.update((f"RUNNER_{name.upper()}", str(value)) for name, value in runner.items())
    return variables


def _to_text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)

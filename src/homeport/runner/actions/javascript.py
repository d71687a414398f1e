"""Runs a stage of a JavaScript action.

Source: actions/runner `NodeScriptActionHandler`: the file of the stage, in the workspace, with the inputs as `INPUT_…` and the state as
`STATE_…` (names with hyphens, so the environment is given to the program itself; no shell could).
"""

import os
from collections.abc import Mapping

from homeport.runner.actions.model import NodeAction, Stage
from homeport.runner.actions.node import describe_node
from homeport.runner.host import ActionHost

_NONE: Mapping[str, str] = {}


def run_stage(action: NodeAction, stage: Stage, host: ActionHost, variables: Mapping[str, str] = _NONE) -> int:
    """Run the file of a stage, with these variables besides those of the step; gives Node's exit code."""
    runs = action.runs
    script = {"pre": runs.pre, "main": runs.main, "post": runs.post}[stage]
    if script is None:
        return 0
    if stage == "main":
        _tell_version(action, host)
    return host.run(
        (action.node, os.path.join(action.folder, script)),
        environment={**host.environment, **variables},
        working_directory=host.paths.workspace,
    )


def _tell_version(action: NodeAction, host: ActionHost) -> None:
    node = describe_node(action.node, host.paths.tool_cache)
    host.resolved("tool", "node", node.version, node.path)
    if action.runs.using.removeprefix("node") != str(node.major):
        host.log(
            f"This action asks for {action.runs.using}; it runs on Node.js {node.version}, which this machine has."
        )

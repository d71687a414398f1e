"""Where the folders of a job are inside of its containers.

Source: actions/runner `ContainerInfo` (`/__w`, `/__t`, `/__e`, `TranslateToContainerPath`, `TranslateToHostPath`) and
`ContainerActionHandler` (`/github/…`). As there, a path is translated where it is the whole of a value or the beginning of it, in
environment variables, working directories and the paths of scripts; not in the text of scripts. So `${{ github.workspace }}` in the
script of a container job is a path of the machine, as on GitHub (actions/runner#2058); `$GITHUB_WORKSPACE` is right.
"""

import os
from collections.abc import Iterator

from homeport.ports.executor import JobPaths
from homeport.runner.path_map import Mount, PathMap


def map_job(paths: JobPaths, nodes: tuple[Mount, ...]) -> PathMap:
    """For the container of a job; `nodes` are the Node.js that JavaScript actions run with."""
    workspace = f"/__w/{os.path.basename(os.path.dirname(paths.workspace))}/{os.path.basename(paths.workspace)}"
    own = paths.workspace.startswith(paths.root + "/")
    return PathMap(
        (
            Mount(home_folder(paths), "/github/home"),
            Mount(workflow_folder(paths), "/github/workflow"),
            *([] if own else [Mount(paths.workspace, workspace)]),
            Mount(paths.root, "/__w"),
            Mount(paths.tool_cache, "/__t"),
            *nodes,
        )
    )


def map_action(paths: JobPaths) -> PathMap:
    """For the container of an action."""
    return PathMap(
        (
            Mount(home_folder(paths), "/github/home"),
            Mount(workflow_folder(paths), "/github/workflow"),
            Mount(paths.commands, "/github/file_commands"),
            Mount(paths.temp, "/github/runner_temp"),
            Mount(paths.workspace, "/github/workspace"),
        )
    )


def home_folder(paths: JobPaths) -> str:
    """What is `HOME` in containers."""
    return f"{paths.temp}/_github_home"


def workflow_folder(paths: JobPaths) -> str:
    """Where the event's payload is."""
    return f"{paths.temp}/_github_workflow"


def list_folders(paths: JobPaths) -> Iterator[str]:
    """What must be there before a container is made."""
    yield home_folder(paths)
    yield workflow_folder(paths)

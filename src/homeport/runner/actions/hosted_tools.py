"""Lays out a tool cache as hosted images have it, so that unmodified `setup-` actions find what this machine has.

`Python/3.12.1/x64`, `node/24.1.0/x64`, `uv/0.9.1/x86_64`, each with `….complete` beside it (@actions/tool-cache `find`). They are
copies in the sense that matters: what an action installs into one of them stays there, and the machine's own are never written to. It
is a folder of its own in the tool cache: for these actions only, as what is in it works on this machine alone (not in a container), and
Homeport's own actions do not take it for tools of the machine. It is kept, and jobs share it, as on a self-hosted runner of GitHub.
"""

import os
import shutil
from collections.abc import Sequence
from typing import cast

from homeport.runner.actions.native.semver import parse_version
from homeport.runner.actions.native.setup_python.choice import find_fitting
from homeport.runner.actions.native.setup_python.discovery import Interpreter, find_interpreters, machine_architecture
from homeport.runner.actions.native.setup_python.prefix import PrefixError, make_prefix
from homeport.runner.actions.native.setup_python.version_files import find_wishes
from homeport.runner.actions.native.setup_python.versions import parse_wish
from homeport.runner.actions.native.setup_uv.source import list_here
from homeport.runner.actions.native.setup_uv.source import machine_architecture as uv_architecture
from homeport.runner.actions.native.tool_cache import keep_tool
from homeport.runner.actions.node import find_node
from homeport.runner.folders import write_file
from homeport.runner.host import ActionError, ActionHost


def offer_tools(repository: str, host: ActionHost) -> dict[str, str]:
    """Lay out what a published `setup-` action is going to look for, if this machine has it; gives the variables that lead it there.

    `repository` is the action's. Only for jobs on this machine itself: a hostile job in a sandbox could lead a writer from outside to
    another place. Raises `OSError` for a full disk and the like.
    """
    root, search_path = os.path.join(host.paths.tool_cache, "homeport-hosted"), host.environment.get("PATH", "")
    match repository.lower().rpartition("/")[2]:
        case "setup-python":
            lay_out_pythons(root, host, _find_wishes(host))
        case "setup-node":
            lay_out_nodes(root, host, search_path)
        case "setup-uv":
            lay_out_uv(root, host)
        case _:
            return {}
    return {"RUNNER_TOOL_CACHE": root, "AGENT_TOOLSDIRECTORY": root}


class _Silent:
    """A host to ask for inputs and files, whose words nobody hears: the action itself will say them."""

    def __init__(self, host: ActionHost) -> None:
        self.inputs = host.inputs
        self.paths = host.paths
        self.environment = host.environment

    def log(self, text: str) -> None:
        """Nothing."""

    def annotate(self, severity: str, message: str) -> None:
        """Nothing."""


def _find_wishes(host: ActionHost) -> list[str]:
    try:
        return find_wishes(cast("ActionHost", _Silent(host)))
    except ActionError:
        return []  # the action says it too


# --- Python ----------------------------------------------------------------------------------------------------------


def lay_out_pythons(root: str, host: ActionHost, wishes: Sequence[str]) -> None:
    """The newest Python for each wish (`3.12`, `>=3.10`), where there is one."""
    here = find_interpreters(host.environment, host.paths.tool_cache) if wishes else []
    for wish in wishes:
        interpreter = find_fitting(parse_wish(wish), here)
        if interpreter is not None and not interpreter.pypy:
            _lay_out_python(root, interpreter, here, host.paths.tool_cache)


def _lay_out_python(root: str, interpreter: Interpreter, here: Sequence[Interpreter], tool_cache: str) -> None:
    suffix = "-freethreaded" if interpreter.freethreaded else ""
    target = os.path.join(root, "Python", str(interpreter.version), f"{machine_architecture()}{suffix}")
    mark = f"{target}.complete"
    if os.path.exists(mark):
        return
    try:
        make_prefix(interpreter, here, target, tool_cache)
    except PrefixError:
        return  # it does not run from another folder
    try:
        write_file(mark, b"")
    except FileExistsError:
        return  # another job was quicker


# --- Node and uv -----------------------------------------------------------------------------------------------------


def lay_out_nodes(root: str, host: ActionHost, search_path: str) -> None:
    """The machine's Node.js, and the one that `homeport[node]` brings."""
    for using in ("node20", "node24"):
        node = find_node(using, search_path, host.paths.tool_cache)
        if node is not None:
            _lay_out_node(root, node.version, os.path.realpath(node.path))


def _lay_out_node(root: str, said: str, executable: str) -> None:
    """Node and its npm. The program is a file of its own here: npm installs globally beside the Node that runs it."""
    version = parse_version(said)
    target = os.path.join(root, "node", said, machine_architecture())
    npm = _find_npm(executable)
    if version is None or npm is None or os.path.exists(f"{target}.complete"):
        return

    def fill(folder: str) -> None:
        os.makedirs(os.path.join(folder, "bin"))
        modules = os.path.join(folder, "lib", "node_modules")
        shutil.copy2(executable, os.path.join(folder, "bin", "node"))
        shutil.copytree(npm, os.path.join(modules, "npm"), symlinks=True)
        for program in ("npm", "npx"):
            script = f"../lib/node_modules/npm/bin/{program}-cli.js"
            os.symlink(script, os.path.join(folder, "bin", program))

    keep_tool(root, "node", version, machine_architecture(), fill)


def _find_npm(executable: str) -> str | None:
    folder = os.path.dirname(executable)
    beside = os.path.join(os.path.dirname(folder), "lib", "node_modules", "npm")
    linked = os.path.dirname(os.path.dirname(os.path.realpath(os.path.join(folder, "npm"))))
    found = (path for path in (beside, linked) if os.path.isfile(os.path.join(path, "bin", "npm-cli.js")))
    return next(found, None)


def lay_out_uv(root: str, host: ActionHost) -> None:
    """The newest uv of this machine."""
    here = dict(list_here(host, {}))
    newest = max(here, key=lambda version: version.order, default=None)
    architecture = uv_architecture()
    if newest is None or os.path.exists(os.path.join(root, "uv", str(newest), f"{architecture}.complete")):
        return
    beside = os.path.dirname(here[newest])

    def fill(folder: str) -> None:
        for name in ("uv", "uvx"):
            if os.path.isfile(os.path.join(beside, name)):
                shutil.copy2(os.path.join(beside, name), os.path.join(folder, name))

    keep_tool(root, "uv", newest, architecture, fill)

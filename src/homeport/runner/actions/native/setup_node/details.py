"""Says which Node.js, npm and Yarn the job has now.

Source: actions/setup-node `src/util.ts` (`printEnvDetailsAndSetOutput`). The programs are not started: npm alone would take longer than
all the rest; what they would say stands in their packages.
"""

import os

import msgspec

from homeport.runner.actions.node import describe_node
from homeport.runner.folders import read_file
from homeport.runner.host import ActionHost
from homeport.runner.shells import find_program


class _Package(msgspec.Struct):
    name: str = ""
    version: str = ""


def describe_tools(host: ActionHost, search_path: str) -> None:
    """Print the versions, and set the output `node-version`."""
    node = find_program("node", search_path)
    version = f"v{describe_node(node, host.paths.tool_cache).version}" if node else ""
    host.set_output("node-version", version)
    lines = [
        "##[group]Environment details",
        f"node: {version}",
        *(f"{name}: {_find_version(name, search_path)}" for name in ("npm", "yarn")),
        "##[endgroup]",
    ]
    host.log("\n".join(lines))


def _find_version(name: str, search_path: str) -> str:
    """What the package of a program says; empty where there is none, or it is corepack's stand-in, which has no version yet."""
    program = find_program(name, search_path)
    if program is None:
        return ""
    own = os.path.join(os.path.dirname(os.path.dirname(os.path.realpath(program))), "package.json")
    with_node = os.path.join(os.path.dirname(os.path.dirname(program)), "lib", "node_modules", name, "package.json")
    for path in (own, with_node):
        try:
            package = msgspec.json.decode(read_file(path), type=_Package)
        except (OSError, msgspec.DecodeError):
            continue
        if package.name == name:
            return package.version
    return ""
